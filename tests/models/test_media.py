"""Images, sound, film and documents as parts: their type by their first bytes, their names, or what was said."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from chainkit.errors import CompositionError
from chainkit.messages import Media
from chainkit.models.media import as_media, kind_of, media_type_of, of_bytes, plain_type, suffix, with_data
from chainkit.testing.scripted_tasks import picture, sound

PNG, WAV = picture("a"), sound("a")
FORMS: list[tuple[bytes, str | None]] = [
    (PNG, "image/png"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
    (b"\xff\xd8\xff\xdb\0C", "image/jpeg"),
    (b"GIF89a", "image/gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
    (b"\0\0\0\x1cftypavif", "image/avif"),
    (b"\0\0\0\x18ftypheic", "image/heic"),
    (b"BM\x46\0\0\0", "image/bmp"),
    (b"II*\0\x08\0", "image/tiff"),
    (b"%PDF-1.7\n", "application/pdf"),
    (WAV, "audio/wav"),
    (b"ID3\x04\0", "audio/mpeg"),
    (b"\xff\xfb\x90\x64", "audio/mpeg"),
    (b"\xff\xf3\x84\xc4", "audio/mpeg"),
    (b"\xff\xf1\x50\x80", "audio/aac"),
    (b"OggS\0\x02", "audio/ogg"),
    (b"fLaC\0\0", "audio/flac"),
    (b"#!AMR\n", "audio/amr"),
    (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
    (b"\0\0\0\x20ftypisom", "video/mp4"),
    (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
    (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
    (b"\x1aE\xdf\xa3\xa3B\x82\x88matroska", "video/x-matroska"),
    (b"<!doctype html>", None),
    (b"hello", None),
    (b"\xff", None),
    (b"", None),
]


@pytest.mark.parametrize(("data", "form"), FORMS)
def test_the_first_bytes_tell_the_form(data: bytes, form: str | None) -> None:
    assert media_type_of(data) == form


@pytest.mark.parametrize(
    ("told", "plain"),
    [("audio/x-wav", "audio/wav"), ("image/jpg; charset=x", "image/jpeg"), ("Audio/MP3", "audio/mpeg"), ("", "")],
)
def test_other_names_of_a_form_become_the_one_that_vendors_take(told: str, plain: str) -> None:
    assert plain_type(told) == plain


def test_bytes_a_file_a_part_and_a_data_url_become_parts(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_bytes(WAV)
    part = Media("audio", "audio/wav", data=WAV)
    url = f"data:audio/wav;base64,{b64encode(WAV).decode()}"
    for given in (WAV, bytearray(WAV), part, url):
        assert as_media(given, "audio", "it") == part
    assert as_media(tmp_path / "talk.wav", "audio", "it") == Media("audio", "audio/wav", data=WAV, name="talk.wav")
    assert with_data(Media("audio", "audio/*", url=url)) == part
    assert with_data(part) is part


def test_a_url_stays_a_url_with_the_type_that_its_name_says() -> None:
    assert as_media("https://a.example/b.PNG?x=1#y", "image", "it").media_type == "image/png"
    assert as_media("https://a.example/b", "image", "it").media_type == "image/*"
    assert as_media("https://a.example/b.mp3", "image", "it").media_type == "image/*"


def test_a_form_that_no_bytes_tell_is_that_of_the_name_or_what_was_said() -> None:
    assert of_bytes(b"a,b\n", "document", "it", name="a.csv").media_type == "text/csv"
    assert of_bytes(b"words", "document", "it", said="text/plain; charset=utf-8").media_type == "text/plain"
    assert of_bytes(b"\x1aE\xdf\xa3webm", "audio", "it").media_type == "audio/webm"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"words", "5 bytes in no form that is known"),
        (PNG, "takes an audio, and got Media"),
        (Media("image", "image/png", data=PNG), "takes an audio, and got Media"),
        (Path("nowhere.wav"), "cannot read 'nowhere.wav': No such file"),
        ("talk.wav", "got the text 'talk.wav'"),
        (None, "got NoneType"),
        ("data:audio/wav;base64,%%%", "whose base64 is broken"),
    ],
)
def test_what_is_no_part_of_that_kind_is_refused_with_the_reason(given: Any, says: str) -> None:
    with pytest.raises(CompositionError, match=says):
        as_media(given, "audio", "it")


def test_a_type_has_a_kind_and_an_ending() -> None:
    assert [kind_of(t) for t in ("image/png", "application/pdf", "text/csv")] == ["image", "document", "document"]
    assert [suffix(t) for t in ("audio/mpeg", "image/png", "audio/ogg", "x/y")] == [".mp3", ".png", ".ogg", ""]


def test_a_part_is_saved_and_one_that_is_only_a_url_is_not(tmp_path: Path) -> None:
    assert Media("image", "image/png", data=PNG).save(tmp_path / "a.png").read_bytes() == PNG
    with pytest.raises(ValueError, match="only a URL"):
        Media("image", "image/png", url="https://a.example/b").save(tmp_path / "b.png")
