"""Speech in, text out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Run, load, parallel, prompt, route, step, transcriber
from chainkit.errors import BadRequest, CompositionError
from chainkit.messages import Media
from chainkit.models.transcribe import Segment, Transcript, Word
from chainkit.testing import ScriptedClassifier, ScriptedModel, ScriptedSpeaker, ScriptedTranscriber, check_laws
from chainkit.testing.scripted_tasks import sound
from task_server import Asked, TaskServer, Told, told

TALK = sound("good morning")
VERBOSE: dict[str, Any] = {
    "task": "transcribe",
    "language": "english",
    "duration": 1.2,
    "text": "Good morning.",
    "segments": [{"id": 0, "start": 0.0, "end": 1.2, "text": " Good morning."}],
    "words": [{"word": "Good", "start": 0.0, "end": 0.4}, {"word": "morning", "start": 0.4, "end": 1.1}],
    "usage": {"type": "duration", "seconds": 2},
}


def answer(asked: Asked) -> Told:
    """The verbose form."""
    return told(VERBOSE)


def test_a_file_is_sent_under_its_name_and_comes_back_as_text_with_times(tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_bytes(TALK)
    with TaskServer(answer) as server, Run() as run:
        chain = transcriber("openai:whisper-1", base_url=server.url, api_key="k", timestamps="word", language="en")
        heard = chain.invoke(tmp_path / "talk.wav")
        body = server.asked[0].body
    assert server.asked[0].path == "/audio/transcriptions"
    assert server.asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="talk.wav"\r\nContent-Type: audio/wav' in body
    assert b'name="timestamp_granularities[]"\r\n\r\nword' in body
    assert b'name="language"\r\n\r\nen' in body
    assert TALK in body
    assert str(heard) == heard.text == "Good morning."
    assert (heard.language, heard.duration) == ("english", 1.2)
    assert heard.segments == (Segment(" Good morning.", 0.0, 1.2),)
    assert heard.words == (Word("Good", 0.0, 0.4), Word("morning", 0.4, 1.1))
    assert run.usage.units == (("seconds", 2.0),)
    assert run.cost.exact, "whisper-1 is priced by the second"


@pytest.mark.parametrize("given", [TALK, Media("audio", "audio/wav", data=TALK), bytearray(TALK)])
def test_bytes_and_parts_are_taken_as_well(given: Any) -> None:
    with TaskServer(answer) as server:
        transcriber("openai:whisper-1", base_url=server.url, api_key="k").invoke(given)
        assert b'filename="audio.wav"' in server.asked[0].body


def test_a_film_is_heard_and_so_is_speech_that_was_just_made() -> None:
    film = Media("video", "video/mp4", data=b"\0\0\0\x20ftypisom" + bytes(40))
    chain = ScriptedTranscriber("a film")
    assert chain.invoke(film).text == "a film"
    assert chain.seen[0].audio.media_type == "audio/mp4"  # type: ignore[attr-defined]
    spoken = ScriptedSpeaker() | step(lambda speech: speech.media) | ScriptedTranscriber("good morning")
    assert spoken.invoke("good morning").text == "good morning"


def test_translation_has_a_place_of_its_own() -> None:
    with TaskServer(answer) as server:
        transcriber("openai:whisper-1", base_url=server.url, api_key="k", translate=True).invoke(TALK)
        assert server.asked[0].path == "/audio/translations"
    with pytest.raises(BadRequest, match="cannot honour the option 'language'"):
        transcriber("openai:whisper-1", api_key="k", translate=True, language="de").invoke(TALK)
    [shown] = transcriber("openai:whisper-1", api_key="k", translate=False).render(TALK)
    assert shown.url.endswith("/audio/transcriptions")


def test_a_model_without_times_refuses_them_before_sending() -> None:
    with Run() as run, pytest.raises(BadRequest, match="cannot honour the option 'timestamps'"):
        transcriber("openai:gpt-4o-transcribe", api_key="k", timestamps="word").invoke(TALK)
    assert [row.outcome for row in run.rows] == ["error"]


def test_a_model_that_tells_speakers_apart_says_who_spoke() -> None:
    body = {"text": "Hi. Hello.", "segments": [{"text": "Hi.", "speaker": "A", "start": 0.0, "end": 1.0, "id": "s"}]}
    with TaskServer(lambda _: told(body)) as server:
        heard = transcriber("openai:gpt-4o-transcribe-diarize", base_url=server.url, api_key="k").invoke(TALK)
        assert b"diarized_json" in server.asked[0].body
    assert heard.segments == (Segment("Hi.", 0.0, 1.0, "A"),)


def test_tokens_and_heard_tokens_are_counted_where_the_vendor_counts_them() -> None:
    usage = {"input_tokens": 37, "output_tokens": 12, "input_token_details": {"audio_tokens": 37, "text_tokens": 0}}
    with TaskServer(lambda _: told({"text": "Hi.", "usage": usage})) as server:
        heard = transcriber("openai:gpt-4o-transcribe", base_url=server.url, api_key="k").invoke(TALK)
    assert (heard.usage.input, heard.usage.audio_input, heard.usage.output) == (37, 37, 12)
    assert heard.usage.units == ()


def test_mistral_gives_words_as_segments_and_openrouter_takes_json() -> None:
    words = [{"text": " Good", "start": 0.0, "end": 0.4, "type": "transcription_segment"}]
    body = {"model": "voxtral", "text": "Good", "language": None, "segments": words}
    usage = {"prompt_audio_seconds": 2, "prompt_tokens": 4, "completion_tokens": 5}
    with TaskServer(lambda _: told({**body, "usage": usage})) as server:
        chain = transcriber("mistral:voxtral-mini-latest", base_url=server.url, api_key="k", timestamps="word")
        heard = chain.invoke(TALK)
        assert b'name="timestamp_granularities"\r\n\r\nword' in server.asked[0].body
    assert heard.words == (Word("Good", 0.0, 0.4),)
    assert heard.usage.units == (("seconds", 2.0),)
    [shown] = transcriber("openrouter:openai/whisper-1", api_key="k").render(TALK)
    assert shown.body["input_audio"]["format"] == "wav"


def test_a_transcript_counts_as_its_text_where_a_text_is_declared() -> None:
    heard = ScriptedTranscriber("the cat sat")
    echo = ScriptedModel(lambda messages: messages[-1].text)
    summed = parallel(talk=heard) | prompt("Summarise: {{ talk }}", talk=str) | echo
    assert summed.invoke(TALK).text == "Summarise: the cat sat"

    def shout(text: str) -> str:
        return text.upper()

    assert (heard | shout).invoke(TALK) == "THE CAT SAT"
    routed = route(ScriptedTranscriber(" stop "), {"stop": step(lambda _: "halt")})
    assert routed.invoke(TALK) == "halt"
    labelled = route(ScriptedClassifier("spam"), {"spam": step(lambda _: "bin")})
    assert labelled.invoke("win money") == "bin"
    assert (heard.text | echo).invoke(TALK).text == "the cat sat"
    with pytest.raises(CompositionError, match="gives Transcript") as refused:
        _ = heard | ScriptedModel("ok")
    assert "`.text`" in str(refused.value.cure)


def test_a_text_is_no_path() -> None:
    for text in ("/etc/passwd", "talk.wav", "file:///etc/passwd"):
        with pytest.raises(CompositionError, match="and got the text") as refused:
            ScriptedTranscriber().invoke(text)
        assert refused.value.cure == "pathlib.Path(name) where a file is meant"
    with pytest.raises(CompositionError, match="cannot read 'nowhere.wav'"):
        ScriptedTranscriber().invoke(Path("nowhere.wav"))


def test_it_keeps_the_laws_and_can_be_loaded() -> None:
    check_laws(ScriptedTranscriber("hello"), [TALK])
    chain = transcriber("openai:whisper-1", timestamps="segment")
    assert load(chain.dump()) == chain
    assert ScriptedTranscriber("hello").invoke(TALK) == Transcript(
        text="hello", usage=ScriptedTranscriber("hello").invoke(TALK).usage, model="model"
    )
