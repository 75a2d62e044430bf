"""What MCP servers answer, in our words: text, parts, messages."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, cast

from chainkit.messages import Media, Message, Messages, Part, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.messages import Role

_KINDS = {"image": "image", "audio": "audio", "video": "video"}


def text_of(given: Any) -> str:
    """What a tool gave, as the model reads it: its text, else its structured content."""
    said = [_as_text(p) for p in parts_of(given.content)]
    if not said and given.structured_content is not None:
        return json.dumps(given.structured_content, ensure_ascii=False)
    return "\n".join(said)


def _as_text(part: Text | Media) -> str:
    return part.text if isinstance(part, Text) else f"[{part!r}]"


def parts_of(blocks: Iterable[Any]) -> tuple[Text | Media, ...]:
    """Content blocks, or the contents of a resource, as parts of a message."""
    return tuple(_part(b) for b in blocks)


def _part(block: Any) -> Text | Media:
    inner = getattr(block, "resource", block)
    if getattr(inner, "text", None) is not None:
        return Text(inner.text)
    data = getattr(inner, "data", None) or getattr(inner, "blob", None)
    media_type = getattr(inner, "mime_type", None) or "application/octet-stream"
    if data is not None:
        kind: Any = _KINDS.get(media_type.partition("/")[0], "document")
        return Media(kind, media_type, base64.b64decode(data))
    # A link says where the thing is, and what it is.
    uri = getattr(inner, "uri", None)
    return Text(f"{getattr(inner, 'name', None) or ''} {uri}".strip() if uri is not None else str(inner))


def messages_of(given: Any) -> Messages:
    """A filled prompt as messages."""
    made = [Message(cast("Role", m.role), cast("tuple[Part, ...]", parts_of([m.content]))) for m in given.messages]
    return Messages(made)
