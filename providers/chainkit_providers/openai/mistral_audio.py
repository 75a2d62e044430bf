"""Mistral's sound: OpenAI's paths, with answers of its own."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.speak import Speech, spoken
from chainkit.models.transcribe import Transcript, Word
from chainkit.usage import Usage
from chainkit_providers.openai.audio import SpeechWire, TranscriptionsWire
from chainkit_providers.payload import Json, malformed

if TYPE_CHECKING:
    from chainkit.models.speak import SpeakRequest
    from chainkit.models.transcribe import TranscribeRequest


@dataclass(frozen=True)
class MistralTranscriptions(TranscriptionsWire):
    """Times are asked for by themselves, and words come as segments."""

    def _put_form(self, request: TranscribeRequest, options: dict[str, Any], body: Json) -> None:
        if "timestamps" in options:
            body["timestamp_granularities"] = [options.pop("timestamps")]

    def decode(self, body: Any, request: TranscribeRequest) -> Transcript:
        """What was said. Raises ReplyMalformed."""
        found = super().decode(body, request)
        if request.options.get("timestamps") == "word":
            timed = [(s.text, s.start, s.end) for s in found.segments]
            found.words = tuple(Word(t.strip(), a, b) for t, a, b in timed if a is not None and b is not None)
            found.segments = ()
        return found


@dataclass(frozen=True)
class MistralSpeech(SpeechWire):
    """Speech that comes as base64 in JSON."""

    answer: Literal["json", "bytes"] = field(default="json", init=False)

    def decode(self, body: Any, request: SpeakRequest) -> Speech:
        """The sound. Raises ReplyMalformed."""
        with self.reading("speech", body) as found:
            return self._read(found, body, request)

    def _read(self, found: Json, body: Any, request: SpeakRequest) -> Speech:
        data = found.get("audio_data")
        if not isinstance(data, str):
            raise malformed("speech", body, "audio_data")
        return Speech(
            media=spoken(b64decode(data), request.options.get("format")),
            usage=Usage(units=(("characters", float(len(request.text))),)),
            model=request.model,
        )
