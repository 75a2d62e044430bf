"""The sound wires: `POST /audio/transcriptions`, `/audio/translations` and `/audio/speech`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import BadRequest
from chainkit.models.media import suffix
from chainkit.models.multipart import Multipart, Upload
from chainkit.models.speak import Speech, spoken
from chainkit.models.transcribe import Segment, Transcript, Word
from chainkit.usage import Usage
from chainkit_providers.openai.cost import told
from chainkit_providers.openai.dialect import Dialect, ToldCost
from chainkit_providers.payload import Json, base64_text, inner, listed, malformed, whole
from chainkit_providers.task_wire import VendorWire, add_extra, move

if TYPE_CHECKING:
    from chainkit.messages import Media
    from chainkit.models.speak import SpeakRequest
    from chainkit.models.transcribe import TranscribeRequest

_TIMED = re.compile(r"whisper", re.IGNORECASE)
"""Models that tell times, the language and the length, in the verbose form."""
_DIARIZES = re.compile(r"diarize")


@dataclass(frozen=True)
class TranscriptionsWire(VendorWire):
    """Transcription in one vendor's words.

    `times` matches the models that know the verbose form, which tells times, language and length; others get the
    plain one. `translates` says that there is another place for translations into English. `sends` is how the sound
    goes out: a form with a file, or JSON.
    """

    name: str = field(default="transcribe", init=False)
    options: Mapping[str, str] = field(default_factory=lambda: {"language": "language", "prompt": "prompt"})
    times: re.Pattern[str] | None = _TIMED
    translates: bool = False
    sends: Literal["form", "json"] = "form"
    cost: ToldCost | None = None

    def path(self, request: TranscribeRequest) -> str:
        """Where to: translations have a place of their own."""
        return self.prefix + ("audio/translations" if self._translates(request) else "audio/transcriptions")

    def _translates(self, request: TranscribeRequest) -> bool:
        return self.translates and bool(request.options.get("translate"))

    def encode(self, request: TranscribeRequest, options: dict[str, Any]) -> Json | Multipart:
        """The body; takes what the vendor honours out of `options`."""
        body: Json = {"model": request.model}
        takes = dict(self.options)
        if self._translates(request):
            del options["translate"]
            takes.pop("language", None)
        move(options, takes, body)
        self._put_form(request, options, body)
        add_extra(options, body)
        if self.sends == "json":
            return body | {"input_audio": _inline(request.audio)}
        return Multipart(body, [("file", _upload(request.audio))])

    def _put_form(self, request: TranscribeRequest, options: dict[str, Any], body: Json) -> None:
        """The form of the answer; `timestamps` stays in `options`, and is refused, where the model tells none."""
        if _DIARIZES.search(request.model):
            body["response_format"], body["chunking_strategy"] = "diarized_json", "auto"
            if options.get("timestamps") == "segment":
                del options["timestamps"]
        elif self.times is not None and self.times.search(request.model):
            body["response_format"] = "verbose_json"
            if "timestamps" in options and not self._translates(request):
                name = "timestamp_granularities" if self.sends == "json" else "timestamp_granularities[]"
                body[name] = [options.pop("timestamps")]
        elif self.times is not None:
            body["response_format"] = "json"

    def decode(self, body: Any, request: TranscribeRequest) -> Transcript:
        """What was said. Raises ReplyMalformed."""
        with self.reading("transcription", body) as found:
            return self._read(found, body, request)

    def _read(self, found: Json, body: Any, request: TranscribeRequest) -> Transcript:
        text = found.get("text")
        if not isinstance(text, str):
            raise malformed("transcription", body, "text")
        usage, duration = inner(found, "usage"), found.get("duration")
        return Transcript(
            text=text,
            language=found.get("language") or None,
            duration=None if duration is None else float(duration),
            segments=tuple(_segment(s) for s in listed(found, "segments")),
            words=tuple(_words(listed(found, "words"))),
            usage=_usage(usage, duration),
            model=found.get("model") or request.model,
            raw=body,
            price=told(usage, Dialect(self.provider, cost=self.cost)),
        )


def _words(rows: list[Json]) -> Iterator[Word]:
    for row in rows:
        if isinstance(row.get("start"), int | float) and isinstance(row.get("end"), int | float):
            yield Word(str(row.get("word", "")), row["start"], row["end"])


def _segment(row: Json) -> Segment:
    who = row.get("speaker", row.get("speaker_id"))
    return Segment(str(row.get("text", "")), row.get("start"), row.get("end"), None if who is None else str(who))


def _usage(usage: Json, duration: Any) -> Usage:
    """Tokens where the model counts them, else seconds."""
    seconds = usage.get("seconds", usage.get("prompt_audio_seconds"))
    seconds = duration if seconds is None else seconds
    given = usage.get("input_tokens", usage.get("prompt_tokens"))
    made = usage.get("output_tokens", usage.get("completion_tokens"))
    heard = inner(usage, "input_token_details").get("audio_tokens")
    units = (
        (("seconds", float(seconds)),)
        if seconds is not None and (given is None or usage.get("prompt_audio_seconds"))
        else ()
    )
    return Usage(input=whole(given), output=whole(made), audio_input=whole(heard), units=units)


def _upload(audio: Media) -> Upload:
    # The ending tells the vendor the form.
    return Upload(audio.name or f"audio{suffix(audio.media_type)}", _bytes(audio), audio.media_type)


def _inline(audio: Media) -> Json:
    _bytes(audio)
    return {"data": base64_text(audio), "format": suffix(audio.media_type).lstrip(".") or "wav"}


def _bytes(audio: Media) -> bytes:
    if audio.data is None:
        raise BadRequest("sound is sent as bytes, and this is a URL; nothing was sent")
    return audio.data


@dataclass(frozen=True)
class SpeechWire(VendorWire):
    """Speech in one vendor's words. `voices` are examples of its voices, where it demands that one is named."""

    name: str = field(default="speak", init=False)
    answer: Literal["json", "bytes"] = field(default="bytes", init=False)
    place: str = "audio/speech"
    options: Mapping[str, str] = field(
        default_factory=lambda: {"voice": "voice", "format": "response_format", "speed": "speed"}
    )
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])
    voices: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where to POST."""
        return self.prefix + self.place

    def encode(self, request: SpeakRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the vendor honours out of `options`."""
        if self.voices and "voice" not in options:
            named = ", ".join(self.voices)
            raise BadRequest(f"{self.provider} wants a voice; nothing was sent", cure=f"voice=: one of {named}, ...")
        body: Json = {"model": request.model, "input": request.text, **self.always}
        move(options, self.options, body)
        add_extra(options, body)
        return body

    def decode(self, body: Any, request: SpeakRequest) -> Speech:
        """The sound. Raises the fault that stands in its place."""
        data: bytes = body
        if data[:1] in (b"{", b"") and not data.startswith(b"{\0"):
            raise self.error(200, {}, data)
        return Speech(
            media=spoken(data, request.options.get("format")),
            usage=Usage(units=(("characters", float(len(request.text))),)),
            model=request.model,
        )
