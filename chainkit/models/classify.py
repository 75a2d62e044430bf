"""Classification by a small model of its own: a text in, labels with scores out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Unpack

from chainkit.errors import CompositionError
from chainkit.models.reached import Reach
from chainkit.models.task import Task, TaskReply, TaskRequest, only, task_model

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.profile import Profile


@dataclass(slots=True)
class ClassifyRequest(TaskRequest):
    """A text to be classified. Option: `labels`, for a model that takes any."""

    kind: ClassVar[str] = "classify"
    tokens: ClassVar[bool] = True
    text: str = ""

    @property
    def size(self) -> int:
        """Characters of text that the model reads."""
        return len(self.text)


@dataclass(slots=True)
class Classification(TaskReply):
    """The best label, and the score of each: 0 to 1, best first. `str()` is the label, which also counts as its text."""

    counts_as_text: ClassVar[bool] = True
    label: str = ""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def score(self) -> float:
        """The score of the best label."""
        return self.scores[self.label]

    @property
    def text(self) -> str:
        """The best label."""
        return self.label

    def __str__(self) -> str:
        return self.label


class ClassifyOptions(Reach, total=False):
    """Options of a classifier."""

    labels: Sequence[str]
    unsupported: Literal["raise", "warn"]
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]


def classifier(spec: str, **options: Unpack[ClassifyOptions]) -> Chain[str, Classification]:
    """A model trained to classify: a text in, a `Classification` out. `labels` are for a model that takes any.

    Raises CompositionError for a bad spec or option, UnknownModel for an unknown provider.
    """
    return task_model(TASK, spec, options)


def _requests(model: str, value: Any, options: Mapping[str, Any], profile: Profile) -> list[ClassifyRequest]:
    if not isinstance(value, str):
        msg = f"a classifier takes a text, and got {type(value).__name__}: {value!r:.60}"
        raise CompositionError(msg, cure="hand on a text; several go in with .batch([...])")
    return [ClassifyRequest(model, options, text=value)]


TASK = Task("classify", str, Classification, frozenset({"labels"}), _requests, only)
