"""Transcription: speech in, its text out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from chainkit.messages import Media
from chainkit.models.media import as_media
from chainkit.models.reached import Reach
from chainkit.models.task import Task, TaskReply, TaskRequest, only, task_model

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.profile import Profile

_SILENCE = Media("audio", "audio/wav", data=b"")


@dataclass(slots=True)
class TranscribeRequest(TaskRequest):
    """Speech to be written down. Options: `language`, `prompt`, `timestamps`, `translate`."""

    kind: ClassVar[str] = "transcribe"
    media: ClassVar[tuple[str, ...]] = ("audio",)
    audio: Media = _SILENCE


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, in seconds from the beginning; `speaker` where the model tells them apart."""

    text: str
    start: float | None = None
    end: float | None = None
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One word, in seconds from the beginning."""

    text: str
    start: float
    end: float


@dataclass(slots=True)
class Transcript(TaskReply):
    """What was said. `str()` is its text, and it counts as its text where a text is declared.

    `duration` is in seconds. `segments` and `words` are there where they were asked for, or the model always
    gives them.
    """

    counts_as_text: ClassVar[bool] = True
    text: str = ""
    language: str | None = None
    duration: float | None = None
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()

    def __str__(self) -> str:
        return self.text


class TranscribeOptions(Reach, total=False):
    """Options of a transcriber."""

    language: str
    prompt: str
    timestamps: Literal["segment", "word"]
    translate: bool
    unsupported: Literal["raise", "warn"]
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]


def transcriber(spec: str, **options: Unpack[TranscribeOptions]) -> Chain[Path | bytes | Media | str, Transcript]:
    """A model that writes down speech: a `pathlib.Path`, bytes, `Media` or URL in, a `Transcript` out.

    `language` is the speech's, as "de"; `prompt` holds names and words to expect; `timestamps` asks for the times of
    segments or of words; `translate` gives English whatever was spoken. A text as input is a URL, never a path: it
    may come from outside. Raises CompositionError for a bad spec or option, UnknownModel for an unknown provider.
    """
    return task_model(TASK, spec, options)


def _requests(model: str, value: Any, options: Mapping[str, Any], profile: Profile) -> list[TranscribeRequest]:
    given = {k: v for k, v in options.items() if k != "translate" or v}
    return [TranscribeRequest(model, given, audio=_sound(value))]


def _sound(value: Any) -> Media:
    # Films are heard as well: vendors take mp4 and webm as they are.
    if isinstance(value, Media) and value.kind == "video":
        return Media("audio", value.media_type.replace("video/", "audio/"), value.data, value.url, value.name)
    held = getattr(value, "media", None)
    return as_media(held if isinstance(held, Media) else value, "audio", "a transcriber")


TASK = Task(
    "transcribe",
    Path | bytes | Media | str,
    Transcript,
    frozenset({"language", "prompt", "timestamps", "translate"}),
    _requests,
    only,
)
