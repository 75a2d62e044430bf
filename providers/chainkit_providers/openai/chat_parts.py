"""Texts, pictures, sound, film and documents as parts of a Chat Completions message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.errors import BadRequest
from chainkit.messages import Media, Text
from chainkit_providers.payload import Json, base64_text, cannot_send, media_url

if TYPE_CHECKING:
    from chainkit.messages import Message, Part
    from chainkit_providers.openai.dialect import Dialect

_AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def content(turn: Message, dialect: Dialect) -> str | list[Json]:
    """What a turn says: its text where it holds nothing else, or its parts."""
    if all(isinstance(p, Text) for p in turn.parts):
        return turn.text
    return [part for p in turn.parts if (part := _part(p, dialect)) is not None]


def _part(part: Part, dialect: Dialect) -> Json | None:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return _media(part, dialect) if isinstance(part, Media) else None


def _media(media: Media, dialect: Dialect) -> Json:
    _check(media, dialect)
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": media_url(media)}}
    if media.kind == "video":
        return {"type": "video_url", "video_url": {"url": media_url(media)}}
    if dialect.parts == "mistral":
        return _mistrals(media)
    if media.kind == "document":
        return {"type": "file", "file": {"filename": _name(media), "file_data": media_url(media)}}
    if media.media_type not in _AUDIO:
        raise cannot_send("Chat Completions", media, "give wav or mp3 bytes")
    return {"type": "input_audio", "input_audio": {"data": base64_text(media), "format": _AUDIO[media.media_type]}}


def _mistrals(media: Media) -> Json:
    if media.kind == "document":
        return {"type": "document_url", "document_url": media_url(media), "document_name": _name(media)}
    return {"type": "input_audio", "input_audio": media.url or base64_text(media)}


def _name(media: Media) -> str:
    return media.name or f"document.{media.media_type.rpartition('/')[2]}"


def _check(media: Media, dialect: Dialect) -> None:
    """Raise BadRequest for a part that the vendor reads not at all, or not from a URL."""
    if media.kind not in dialect.media:
        taken = ", ".join(dialect.media) or "text only"
        msg = f"{dialect.vendor} takes no {media.kind} part in Chat Completions ({media.media_type})"
        raise BadRequest(msg, cure=f"it reads: {taken}")
    if media.data is None and media.kind not in dialect.fetches:
        raise cannot_send(f"{dialect.vendor}, in Chat Completions,", media, "give its bytes")
