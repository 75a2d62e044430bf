"""What a caller gives for a `media(...)` place, as a Media part."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from chainkit.errors import PromptError
from chainkit.messages import Media
from chainkit.prompts.parts import MediaKind

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


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
    actual = _kind_of(found)
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
    if found and _kind_of(found) != kind:
        msg = f"this place takes {_an(kind)}, got a URL of {found}"
        raise PromptError(msg, cure=f"media(name, kind={_kind_of(found)!r})")
    return Media(kind, found or f"{kind}/*", url=url)


def _kind_of(media_type: str) -> MediaKind:
    family = media_type.split("/", 1)[0]
    return family if family in ("image", "audio", "video") else "document"  # type: ignore[return-value]


def media_type_of(data: bytes) -> str | None:
    """The media type that the first bytes tell, or None."""
    for start, media_type in _STARTS:
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    return "video/mp4" if data[4:8] == b"ftyp" else None
