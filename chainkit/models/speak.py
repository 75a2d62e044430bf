"""Speech: a text in, sound out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from chainkit.errors import CompositionError
from chainkit.messages import Media
from chainkit.models.media import media_type_of, plain_type
from chainkit.models.reached import Reach
from chainkit.models.task import Task, TaskReply, TaskRequest, only, task_model, text_of

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.profile import Profile

_TYPES = {"mp3": "audio/mpeg", "opus": "audio/ogg", "ogg": "audio/ogg"}
_SILENCE = Media("audio", "audio/mpeg", data=b"")


@dataclass(slots=True)
class SpeakRequest(TaskRequest):
    """A text to be spoken. Options: `voice`, `format`, `speed`, `instructions`."""

    kind: ClassVar[str] = "speak"
    text: str = ""

    @property
    def size(self) -> int:
        """Characters of text that the model reads."""
        return len(self.text)


@dataclass(slots=True)
class Speech(TaskReply):
    """A spoken text: `media` is an audio part, `data` its bytes."""

    media: Media = _SILENCE

    @property
    def data(self) -> bytes:
        """The sound's bytes, in the form that `media.media_type` says."""
        return self.media.data or b""

    def save(self, path: str | Path) -> Path:
        """Write the sound to a file. Raises OSError where it cannot."""
        return self.media.save(path)


class SpeakOptions(Reach, total=False):
    """Options of a speaker."""

    voice: str
    format: Literal["mp3", "wav", "opus", "aac", "flac", "pcm"]
    speed: float
    instructions: str
    unsupported: Literal["raise", "warn"]
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]


def speaker(spec: str, **options: Unpack[SpeakOptions]) -> Chain[str, Speech]:
    """A model that speaks: a text in, a `Speech` out.

    `voice` is one of the model's names, `format` the form of the sound, `speed` 1 for the usual, `instructions` say
    how to speak. `Speech.save(path)` writes it. Raises CompositionError for a bad spec or option, UnknownModel for an
    unknown provider.
    """
    return task_model(TASK, spec, options)


def spoken(data: bytes, format: str | None, said: str | None = None) -> Media:
    """Bytes of sound as a part: its type by the first bytes, else as was asked for or said; mp3 where nobody says."""
    asked = _TYPES.get(format or "", f"audio/{format}" if format else "")
    told = plain_type(said or "")
    named = asked or (told if told.startswith("audio/") else "audio/mpeg")
    return Media("audio", media_type_of(data) or named, data=data)


def _requests(model: str, value: Any, options: Mapping[str, Any], profile: Profile) -> list[SpeakRequest]:
    text = text_of(value, "what a speaker takes")
    if not text.strip():
        raise CompositionError("there is nothing to say: the text is empty")
    return [SpeakRequest(model, options, text=text)]


TASK = Task("speak", str, Speech, frozenset({"voice", "format", "speed", "instructions"}), _requests, only)
