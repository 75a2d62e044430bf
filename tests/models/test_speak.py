"""A text in, sound out."""

from __future__ import annotations

import io
import sys
import wave
from base64 import b64encode
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Run, load, speaker
from chainkit.errors import BadRequest, CompositionError, ProviderError
from chainkit.models.speak import spoken
from chainkit.testing import ScriptedModel, ScriptedSpeaker, check_laws
from chainkit.testing.scripted_tasks import sound
from task_server import TaskServer, Told, told

HELLO = sound("hello")


def test_a_text_is_spoken_and_the_sound_saved(tmp_path: Path) -> None:
    with TaskServer(lambda _: Told(HELLO, "audio/wav")) as server, Run() as run:
        chain = speaker("openai:tts-1", voice="alloy", format="wav", speed=1.5, base_url=server.url, api_key="k")
        said = chain.invoke("hello")
        asked = server.asked[0]
    assert asked.path == "/audio/speech"
    assert asked.headers["accept"] == "*/*"
    assert asked.json == {
        "model": "tts-1", "input": "hello", "voice": "alloy", "response_format": "wav", "speed": 1.5,
    }  # fmt: skip
    assert said.data == HELLO
    assert said.media.media_type == "audio/wav"
    assert said.save(tmp_path / "hello.wav").read_bytes() == HELLO
    assert run.usage.units == (("characters", 5.0),)
    assert run.cost.exact, "tts-1 is priced by the character"


def test_the_vendors_own_client_carries_sound_too() -> None:
    with TaskServer(lambda _: Told(HELLO, "audio/wav")) as server:
        chain = speaker("openai:tts-1", voice="alloy", base_url=server.url, api_key="k", carrier="sdk")
        assert chain.invoke("hello").data == HELLO


def test_a_vendor_that_demands_a_voice_is_not_asked_without_one() -> None:
    with pytest.raises(BadRequest, match="openai wants a voice") as refused:
        speaker("openai:tts-1", api_key="k").invoke("hello")
    assert "alloy" in str(refused.value.cure)


def test_mistral_speaks_in_json() -> None:
    body = {"audio_data": b64encode(HELLO).decode()}
    with TaskServer(lambda _: told(body)) as server:
        said = speaker("mistral:voxtral-mini-tts-latest", voice="nova", base_url=server.url, api_key="k").invoke(
            "hello"
        )
        assert server.asked[0].json["voice_id"] == "nova"
    assert said.data == HELLO


def test_an_error_in_the_place_of_sound_is_raised() -> None:
    body = {"error": {"message": "No such voice.", "type": "invalid_request_error"}}
    with TaskServer(lambda _: told(body)) as server, pytest.raises(ProviderError, match="No such voice"):
        speaker("openai:tts-1", voice="x", base_url=server.url, api_key="k").invoke("hello")
    with TaskServer(lambda _: told(body, 400)) as server, pytest.raises(BadRequest, match="No such voice"):
        speaker("openai:tts-1", voice="x", base_url=server.url, api_key="k").invoke("hello")


@pytest.mark.parametrize(
    ("data", "asked", "media_type"),
    [
        (HELLO, "mp3", "audio/wav"),
        (b"ID3" + bytes(9), None, "audio/mpeg"),
        (bytes(20), "pcm", "audio/pcm"),
        (bytes(20), None, "audio/mpeg"),
        (b"OggS" + bytes(9), "opus", "audio/ogg"),
    ],
)
def test_the_form_of_a_sound_is_told_by_its_bytes_else_by_what_was_asked(
    data: bytes, asked: str | None, media_type: str
) -> None:
    assert spoken(data, asked).media_type == media_type


def test_a_reply_is_spoken_and_an_empty_text_is_not() -> None:
    chain = ScriptedModel("good morning") | ScriptedSpeaker()
    with wave.open(io.BytesIO(chain.invoke("Hi").data)) as file:
        assert file.getframerate() == 8000
        assert file.getnframes() == 12 * 80
    with pytest.raises(CompositionError, match="nothing to say"):
        ScriptedSpeaker().invoke("  ")
    with pytest.raises(CompositionError, match="got int"):
        ScriptedSpeaker().invoke(3)  # type: ignore[arg-type]


def test_it_keeps_the_laws_and_can_be_loaded() -> None:
    check_laws(ScriptedSpeaker(), ["hello"])
    chain = speaker("openai:tts-1", voice="alloy")
    assert load(chain.dump()) == chain
