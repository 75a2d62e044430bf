"""What a caller gives for a `media(...)` place, as a Media part."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from chainkit.errors import PromptError
from chainkit.messages import Media
from chainkit.models.media import kind_of, media_type_of
from chainkit.prompts.parts import MediaKind


def as_media(value: Any, kind: MediaKind) -> Media:
    """A Media, bytes, a path, or an http(s) or data URL, as Media of that kind; raises PromptError."""
    if isinstance(value, Media):
        return _of_kind(value, kind)
    if isinstance(value, (bytes, bytearray)):
        return _of_bytes(bytes(value), kind, None)
    if isinstance(value, Path):
        return _of_file(value, kind)
    if isinstance(value, str) and value.startswith(("http://", "https://", "data:")):
        return _of_url(value, kind)
    msg = f"{_an(kind)} is a Media, bytes, a pathlib.Path, or an http(s) or data URL; got {_described(value)}"
    raise PromptError(msg, cure="Path(name) where a file is meant" if isinstance(value, str) else None)


def _an(kind: MediaKind) -> str:
    return f"an {kind}" if kind[0] in "ai" else f"a {kind}"


def _described(value: Any) -> str:
    return f"the text {value[:40]!r}" if isinstance(value, str) else type(value).__name__


def _of_kind(value: Media, kind: MediaKind) -> Media:
    if value.kind != kind:
        raise PromptError(f"this place takes {_an(kind)}, got {value!r}", cure=f"media(name, kind={value.kind!r})")
    return value


def _of_bytes(data: bytes, kind: MediaKind, name: str | None) -> Media:
    found = media_type_of(data) or (mimetypes.guess_type(name)[0] if name else None)
    if found is None:
        msg = f"the {kind} of {len(data)} bytes has no form that is known"
        raise PromptError(msg, cure="give a Media with its media_type")
    actual = kind_of(found)
    if actual != kind:
        raise PromptError(f"this place takes {_an(kind)}, got {found}", cure=f"media(name, kind={actual!r})")
    return Media(kind, found, data=data, name=name)


def _of_file(path: Path, kind: MediaKind) -> Media:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PromptError(f"the {kind} {str(path)!r} cannot be read: {error.strerror or error}") from error
    return _of_bytes(data, kind, path.name)


def _of_url(url: str, kind: MediaKind) -> Media:
    if url.startswith("data:"):
        found = url[5:].split(",", 1)[0].split(";", 1)[0]
    else:
        found = mimetypes.guess_type(url.split("?", 1)[0].split("#", 1)[0])[0] or ""
    if found and kind_of(found) != kind:
        msg = f"this place takes {_an(kind)}, got a URL of {found}"
        raise PromptError(msg, cure=f"media(name, kind={kind_of(found)!r})")
    return Media(kind, found or f"{kind}/*", url=url)
