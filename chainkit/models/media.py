"""What a caller gives for an image, sound, video or document, as a Media part.

The media type is told by the first bytes, else by the file's name. The table holds the forms that models take.
"""

from __future__ import annotations

import mimetypes
from base64 import b64decode
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import unquote_to_bytes

from chainkit.errors import CompositionError
from chainkit.messages import Media

MediaKind: TypeAlias = Literal["image", "audio", "video", "document"]
MediaLike: TypeAlias = "Media | bytes | Path | str"
"""A part, bytes, a file, or an http(s) or data URL. A text is never a path: it may come from outside."""

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR", "audio/amr"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif", b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4", b"qt  ": "video/quicktime", b"3gp4": "video/3gpp", b"3gp5": "video/3gpp",
}  # fmt: skip
_SAME = {
    "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/vnd.wave": "audio/wav", "audio/x-flac": "audio/flac",
    "audio/mp3": "audio/mpeg", "audio/x-m4a": "audio/mp4", "audio/mp4a-latm": "audio/mp4", "audio/m4a": "audio/mp4",
    "application/ogg": "audio/ogg", "image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg",
}  # fmt: skip
"""Other names of the same form, and the one that vendors take."""
_SUFFIXES = {
    "audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/ogg": ".ogg", "audio/flac": ".flac", "audio/mp4": ".m4a",
    "audio/aac": ".aac", "audio/webm": ".webm", "audio/pcm": ".pcm", "image/jpeg": ".jpg", "image/webp": ".webp",
}  # fmt: skip


def media_type_of(data: bytes) -> str | None:
    """The media type that the first bytes tell, or None."""
    for start, media_type in _STARTS:
        if data.startswith(start):
            return media_type
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "video/mp4")
    if data[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in data[:64] else "video/x-matroska"
    return _frame(data)


def _frame(data: bytes) -> str | None:
    """MPEG audio without a head begins with a frame: eleven bits set, then its version and layer."""
    if len(data) < 2 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    layer = data[1] >> 1 & 3
    if layer == 0:
        return "audio/aac" if data[1] & 0xF0 == 0xF0 else None
    return "audio/mpeg" if data[1] >> 3 & 3 != 1 else None


def kind_of(media_type: str) -> MediaKind:
    """The kind of part that a media type makes."""
    family = media_type.split("/", 1)[0]
    return cast("MediaKind", family) if family in ("image", "audio", "video") else "document"


def plain_type(media_type: str) -> str:
    """A media type without its parameters, under the name that vendors know."""
    found = media_type.partition(";")[0].strip().lower()
    return _SAME.get(found, found)


def suffix(media_type: str) -> str:
    """The ending of a file's name for that type; empty where there is none."""
    return _SUFFIXES.get(media_type) or mimetypes.guess_extension(media_type) or ""


def as_media(value: Any, kind: MediaKind, what: str) -> Media:
    """A part of that kind, for `what` takes it. Raises CompositionError for what is none."""
    if isinstance(value, Media):
        return _checked(value, kind, what)
    if isinstance(value, bytes | bytearray):
        return of_bytes(bytes(value), kind, what)
    if isinstance(value, Path):
        return _of_file(value, kind, what)
    if isinstance(value, str) and value.startswith("data:"):
        return _of_data_url(value, kind, what)
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return of_url(value, kind)
    shown = f"the text {value[:40]!r}" if isinstance(value, str) else type(value).__name__
    msg = f"{what} takes a pathlib.Path, bytes, a Media, or an http(s) or data URL, and got {shown}"
    raise CompositionError(msg, cure="pathlib.Path(name) where a file is meant" if isinstance(value, str) else None)


def of_bytes(data: bytes, kind: MediaKind, what: str, *, said: str | None = None, name: str | None = None) -> Media:
    """Bytes as a part of that kind; `said` is the type that somebody said. Raises CompositionError."""
    found = media_type_of(data) or plain_type(said or "") or (_guessed(name) if name else None)
    if not found or found == "application/octet-stream":
        msg = f"{what} takes {_an(kind)}, and got {len(data)} bytes in no form that is known"
        raise CompositionError(msg, cure=f'say the form: Media("{kind}", "{kind}/...", data=...)')
    if found == "video/webm" and kind == "audio":
        found = "audio/webm"  # sound alone, in the same box
    if found == "video/mp4" and kind == "audio":
        found = "audio/mp4"
    return _checked(Media(kind_of(found), found, data=data, name=name), kind, what)


def of_url(url: str, kind: MediaKind) -> Media:
    """A part that stands elsewhere; its type is guessed from its name."""
    found = _guessed(url.split("?", 1)[0].split("#", 1)[0])
    return Media(kind, found if found and kind_of(found) == kind else f"{kind}/*", url=url)


def with_data(media: Media) -> Media:
    """A part whose URL holds its bytes, with those bytes; any other as it is. Raises CompositionError."""
    if media.url is None or not media.url.startswith("data:"):
        return media
    return _of_data_url(media.url, media.kind, "the message", media.name)


def _of_data_url(url: str, kind: MediaKind, what: str, name: str | None = None) -> Media:
    head, _, body = url[5:].partition(",")
    said, base64 = head.removesuffix(";base64"), head.endswith(";base64")
    try:
        data = b64decode(body, validate=True) if base64 else unquote_to_bytes(body)
    except ValueError as error:
        raise CompositionError(f"{what} got a data URL whose base64 is broken: {error}") from None
    return of_bytes(data, kind, what, said=said, name=name)


def _of_file(path: Path, kind: MediaKind, what: str) -> Media:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CompositionError(f"{what} cannot read {str(path)!r}: {error.strerror or error}") from error
    return of_bytes(data, kind, what, name=path.name)


def _guessed(name: str) -> str:
    return plain_type(mimetypes.guess_type(name)[0] or "")


def _checked(media: Media, kind: MediaKind, what: str) -> Media:
    if media.kind != kind:
        raise CompositionError(f"{what} takes {_an(kind)}, and got {media!r}")
    return media


def _an(kind: MediaKind) -> str:
    return f"an {kind}" if kind[0] in "ai" else f"a {kind}"
