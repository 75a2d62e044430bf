"""Reading the JSON that vendors send, and writing parts in the forms they share."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json

from chainkit.errors import BadRequest, ReplyMalformed
from chainkit.messages import ServerItem, Thinking

if TYPE_CHECKING:
    from chainkit.messages import Media, ToolCall, ToolResult
    from chainkit.models.request import ChatRequest

Json: TypeAlias = dict[str, Any]
_SHOWN = 200


def parse(data: bytes | str) -> Any:
    """Any JSON value. Raises ReplyMalformed, with the start of what came instead."""
    try:
        return from_json(data)
    except ValueError:
        return _parse_slowly(data)


def _parse_slowly(data: bytes | str) -> Any:
    # from_json refuses escaped lone surrogates, which a stream cut inside an emoji holds.
    try:
        return json.loads(data)
    except ValueError as error:
        shown = data[:_SHOWN].decode("utf-8", "replace") if isinstance(data, bytes) else data[:_SHOWN]
        raise ReplyMalformed(f"the provider sent something that is no JSON: {shown!r}") from error


def parse_event(data: bytes) -> Json:
    """One event of a stream, which is always an object."""
    event = parse(data)
    if isinstance(event, dict):
        return event  # pyright: ignore[reportUnknownVariableType]
    raise ReplyMalformed(f"the provider streamed something that is no object: {data[:_SHOWN]!r}")


def inner(value: Json, name: str) -> Json:
    """The object under a name; an empty one where there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def listed(value: Json, name: str) -> list[Json]:
    """The objects under a name; none where there is no list."""
    found = value.get(name)
    return found if isinstance(found, list) else []  # pyright: ignore[reportUnknownVariableType]


def text_of(value: Json, name: str) -> str:
    """The text under a name; empty where there is none. Raises TypeError for anything but text."""
    found = value.get(name)
    if found is None or type(found) is str:
        return found or ""
    raise TypeError(f"{name} is no text")


def call_arguments(text: str | None) -> tuple[Json, str | None]:
    """A tool call's arguments, and the raw text where it is no JSON object. Empty text means none."""
    if not text or not text.strip():
        return {}, None
    try:
        value = parse(text)
    except ReplyMalformed:
        return {}, text
    if isinstance(value, dict):
        return value, None  # pyright: ignore[reportUnknownVariableType]
    return {}, None if value is None else text


def arguments_text(call: ToolCall) -> str:
    """A tool call's arguments as the JSON text that a wire carries."""
    return call.raw if call.raw is not None else json.dumps(dict(call.arguments), ensure_ascii=False)


def result_text(result: ToolResult) -> str:
    """A tool's result for a wire that has no mark for failure: a failed one reads as an error object."""
    return json.dumps({"error": result.text}, ensure_ascii=False) if result.failed else result.text


def base64_text(media: Media) -> str:
    """The bytes of a part, as base64."""
    return b64encode(media.data or b"").decode("ascii")


def media_url(media: Media) -> str:
    """A part's own URL, or its bytes as a data URL."""
    return media.url if media.url is not None else f"data:{media.media_type};base64,{base64_text(media)}"


def note_foreign(request: ChatRequest, vendor: str) -> None:
    """Write down that another vendor's thinking and items stay behind: nobody but their maker can read them."""
    for turn in request.messages:
        for part in turn.parts if turn.role == "assistant" else ():
            if isinstance(part, Thinking | ServerItem) and part.vendor != vendor:
                what = "thinking" if isinstance(part, Thinking) else f"item {part.type!r}"
                request.warn(
                    f"{vendor} cannot read the {what} of {part.vendor or 'an unknown vendor'}; it was left out"
                )


def cannot_send(wire: str, media: Media, cure: str | None = None) -> BadRequest:
    """The error for a part that a wire has no form for."""
    form = "URL" if media.data is None else "bytes"
    return BadRequest(f"{wire} takes no {media.kind} part given as {form} ({media.media_type})", cure=cure)


def whole(number: float | None) -> int | None:
    """A count of tokens as an int; some vendors send floats."""
    return None if number is None else int(number)


def malformed(wire: str, body: Any, missing: str) -> ReplyMalformed:
    """The error for an answer that is JSON and not of this wire."""
    shown = str(body)[:_SHOWN]
    return ReplyMalformed(
        f"the answer is no {wire} reply, it has no {missing}: {shown}",
        cure="check base_url= and api=: this address may speak another protocol",
    )
