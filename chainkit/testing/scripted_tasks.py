"""Models that embed, rerank, draw, transcribe, speak or classify by a script: without network, always alike.

Each is a chain, and stands in for real ones: `Run(models={"openai:*": ScriptedEmbedder()})`. Unless told otherwise
they answer from what they are asked: texts that share words have near vectors, pictures are real PNGs, speech is
real sound.
"""

from __future__ import annotations

import io
import math
import re
import struct
import wave
import zlib
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar

from chainkit.messages import Media
from chainkit.models.classify import Classification
from chainkit.models.embed import Embeddings
from chainkit.models.image import Images
from chainkit.models.profile import Profile
from chainkit.models.provider import Account
from chainkit.models.reached import ATTEMPTS
from chainkit.models.rerank import ranking
from chainkit.models.resolve import Resolved
from chainkit.models.speak import Speech
from chainkit.models.task import TaskModel, TaskReply, task_of
from chainkit.models.transcribe import Transcript
from chainkit.testing.scripted import Script
from chainkit.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.models.task import TaskRequest

_WORD = re.compile(r"\w+")
_DIMENSIONS = 64


def embedding(text: str, dimensions: int = _DIMENSIONS) -> list[float]:
    """A vector of length 1 that depends on the text's words alone: the more of them two share, the nearer they are."""
    vector = [0.0] * dimensions
    for word in _WORD.findall(text.lower()) or [text]:
        place = int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        vector[place % dimensions] += 1.0 if place >> 63 else -1.0
    length = math.sqrt(sum(x * x for x in vector))
    return [x / length for x in vector] if length else [1.0, *vector[1:]]


def picture(text: str, size: tuple[int, int] = (8, 8)) -> bytes:
    """A PNG of one colour, which the text decides."""
    width, height = size
    colour = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=3).digest()
    rows = b"".join(b"\0" + colour * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def sound(text: str, rate: int = 8000) -> bytes:
    """A WAV of a quiet tone, a hundredth of a second for each character."""
    count = max(1, len(text)) * rate // 100
    samples = (int(3000 * math.sin(at * 440 * 2 * math.pi / rate)) for at in range(count))
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"".join(struct.pack("<h", s) for s in samples))
    return held.getvalue()


def _embedded(request: Any, said: Any) -> Embeddings:
    dimensions = request.options.get("dimensions", _DIMENSIONS)
    vectors = tuple(embedding(text, dimensions) for text in request.texts)
    return Embeddings(vectors=vectors, usage=_read(*request.texts), model=request.model)


def _reranked(request: Any, said: Any) -> TaskReply:
    query = set(_WORD.findall(request.query.lower()))
    held = [set(_WORD.findall(text.lower())) for text in request.texts]
    scores = [(i, len(query & words) / (len(query) or 1)) for i, words in enumerate(held)]
    best = sorted(scores, key=lambda pair: (-pair[1], pair[0]))[: request.options.get("top_n")]
    return ranking(request, best, usage=_read(request.query, *request.texts), model=request.model)


def _drawn(request: Any, said: Any) -> Images:
    images = (picture(f"{request.prompt} {n}") for n in range(request.options.get("n", 1)))
    parts = tuple(Media("image", "image/png", data=data) for data in images)
    return Images(images=parts, prompts=(None,) * len(parts), usage=_read(request.prompt), model=request.model)


def _transcribed(request: Any, said: Any) -> Transcript:
    return Transcript(text="ok" if said is None else str(said), usage=Usage(output=1), model=request.model)


def _spoken(request: Any, said: Any) -> Speech:
    media = Media("audio", "audio/wav", data=sound(request.text))
    return Speech(media=media, usage=Usage(units=(("characters", float(len(request.text))),)), model=request.model)


def _classified(request: Any, said: Any) -> Classification:
    label = str(said) if said is not None else next(iter(request.options.get("labels", ("ok",))))
    others = [x for x in request.options.get("labels", ()) if x != label]
    scores = {label: 1.0, **dict.fromkeys(others, 0.0)}
    return Classification(label=label, scores=scores, usage=_read(request.text), model=request.model)


def _read(*texts: str) -> Usage:
    return Usage(input=sum(len(text.split()) for text in texts))


ANSWERS: Mapping[str, Callable[[Any, Any], TaskReply]] = {
    "embed": _embedded,
    "rerank": _reranked,
    "image": _drawn,
    "transcribe": _transcribed,
    "speak": _spoken,
    "classify": _classified,
}
"""By kind: the answer to a request, where the script says so much (a text, or None for nothing)."""


class _Scripted(TaskModel):
    """What they share. `answers`, `delay` and `fail` are as with ScriptedModel; a function is given the request."""

    kind: ClassVar[str]

    def __init__(
        self,
        answers: Any = None,
        *,
        delay: float | Sequence[float] = 0.0,
        fail: BaseException | Sequence[BaseException | None] | None = None,
        most: int | None = None,
        attempts: int = ATTEMPTS,
        name: str = "model",
        **options: Any,
    ) -> None:
        everything = frozenset({"image", "audio", "video", "document"})
        told = Profile(
            "scripted", name, kinds=frozenset({self.kind}), local=True, most=most, media=everything, fetches=everything
        )
        script = Script(answers, delay=delay, fail=fail, profile=told)
        given = tuple(sorted(options.items()))
        super().__init__(task_of(self.kind), f"scripted:{name}", Account("scripted"), given, attempts)
        self.__dict__["script"] = script
        self.__dict__["_resolved"] = Resolved("scripted", name, script, told)

    @property
    def seen(self) -> list[TaskRequest]:
        """The requests that it was sent, in order."""
        return self.__dict__["script"].seen

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class ScriptedEmbedder(_Scripted):
    """Embeds by the words of a text: `embedding(text)`, 64 numbers unless `dimensions=` says otherwise.

    `answers` may be an `Embeddings`, a function of the request, an error, or a list of them. `most` texts go in one
    request. `seen` lists the requests it got.
    """

    kind = "embed"


class ScriptedReranker(_Scripted):
    """Scores a document by how many of the query's words it holds, from 0 to 1."""

    kind = "rerank"


class ScriptedImageModel(_Scripted):
    """Draws PNGs of 8 by 8 points, in a colour that the description decides."""

    kind = "image"


class ScriptedTranscriber(_Scripted):
    """Hears what it is told: `ScriptedTranscriber("Good morning")`."""

    kind = "transcribe"


class ScriptedSpeaker(_Scripted):
    """Says everything as a tone, in a real WAV."""

    kind = "speak"


class ScriptedClassifier(_Scripted):
    """Gives the label it is told, else the first of `labels`."""

    kind = "classify"
