from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from chainkit.errors import PromptError
from chainkit.messages import Media, Message, Text
from chainkit.prompts import media, prompt, user
from chainkit.prompts.attachments import as_media

PNG = b"\x89PNG\r\n\x1a\n0000"
PDF = b"%PDF-1.7"
URL = "https://example.org/cat.jpg?w=1"


def test_a_bare_media_shares_the_message_of_its_neighbours():
    made = prompt("What is on {{ what }}?", media("photo"), "Be short.", what=str)
    found = made.invoke({"what": "it", "photo": PNG})
    assert found == (
        Message("user", (Text("What is on it?"), Media("image", "image/png", data=PNG), Text("Be short."))),
    )


def test_texts_without_a_media_are_messages_of_their_own():
    assert len(prompt("one", "two").invoke({})) == 2


def test_a_media_stands_where_it_is_put_in_a_message():
    made = prompt(user(media("photo"), "and", media("scan", kind="document")))
    parts = made.invoke({"photo": URL, "scan": PDF})[0].parts
    assert [getattr(p, "kind", "text") for p in parts] == ["image", "text", "document"]
    assert not made.instant


def test_forms_of_media(tmp_path: Path):
    file = tmp_path / "cat.png"
    file.write_bytes(PNG)
    assert as_media(file, "image") == Media("image", "image/png", data=PNG, name="cat.png")
    assert as_media(URL, "image") == Media("image", "image/jpeg", url=URL)
    assert as_media("https://example.org/x", "image") == Media("image", "image/*", url="https://example.org/x")
    assert as_media("data:image/gif;base64,R0lG", "image").media_type == "image/gif"
    assert as_media(b"RIFF0000WEBP", "image").media_type == "image/webp"
    assert as_media(b"RIFF0000WAVE", "audio").media_type == "audio/wav"
    held = Media("video", "video/mp4", url="https://example.org/v")
    assert as_media(held, "video") is held


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("cat.png", "got the text 'cat.png'\n  try: Path(name) where a file is meant"),
        (3, "got int"),
        (PDF, "this place takes an image, got application/pdf"),
        (b"nothing known", "has no form that is known"),
        (Media("audio", "audio/wav", data=b""), "this place takes an image, got Media(audio"),
        ("https://example.org/song.mp3", "got a URL of audio/mpeg"),
        (Path("/nowhere/cat.png"), "cannot be read: No such file"),
    ],
)
def test_what_is_no_such_media_is_named(value: Any, said: str):
    with pytest.raises(PromptError) as error:
        as_media(value, "image")
    assert said in str(error.value)


def test_the_variable_of_a_media_is_named_in_errors():
    with pytest.raises(PromptError, match="variable 'photo': an image is a Media"):
        prompt(media("photo")).invoke({"photo": 3})


def test_a_class_may_declare_the_media():
    class Look(BaseModel):
        photo: bytes

    assert prompt(media("photo"), vars=Look).invoke(Look(photo=PNG))[0].parts == (
        Media("image", "image/png", data=PNG),
    )


def test_one_name_is_one_thing():
    with pytest.raises(PromptError, match="cannot be both"):
        from chainkit.prompts import history

        prompt(media("x"), history("x"))
    with pytest.raises(PromptError, match="no kind 'picture'"):
        media("x", kind="picture")  # type: ignore[arg-type]
