"""Reranking: a query and documents in, the documents in the order of how well they fit out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, TypedDict, Unpack, cast

from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import CompositionError, ReplyMalformed
from chainkit.models.reached import Reach
from chainkit.models.task import Task, TaskReply, TaskRequest, joined, portions, task_model, text_of

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.profile import Profile

MOST = 1000
"""Documents of one request, where the provider names no other number."""
Rankable: TypeAlias = "str | Document | Chunk | Retrieved"


class RerankInput(TypedDict):
    """What a reranker takes."""

    query: str
    documents: Sequence[Rankable]


@dataclass(slots=True)
class RerankRequest(TaskRequest):
    """A query, and texts to be put in order. Option: `top_n`.

    Where there are more than one request may hold, `first` is the place of this one's first text in the whole, and
    `top` how many of the whole are wanted.
    """

    kind: ClassVar[str] = "rerank"
    tokens: ClassVar[bool] = True
    query: str = ""
    texts: tuple[str, ...] = ()
    first: int = 0
    top: int | None = None

    @property
    def size(self) -> int:
        """Characters of text that the model reads: the query once for each document."""
        return len(self.query) * len(self.texts) + sum(map(len, self.texts))


@dataclass(frozen=True, slots=True)
class Ranked:
    """A document with its score. `index` is its place in what was given, `document` the very object given."""

    index: int
    score: float
    document: Any = None

    @property
    def text(self) -> str:
        """The document's text."""
        return self.document if isinstance(self.document, str) else self.document.text


@dataclass(slots=True)
class Reranked(TaskReply):
    """The documents, best first: a sequence of `Ranked`. Scores are the model's own, from 0 to 1 for most."""

    results: tuple[Ranked, ...] = ()
    top: int | None = field(default=None, repr=False)

    @property
    def documents(self) -> list[Any]:
        """The documents as they were given, best first."""
        return [r.document for r in self.results]

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, at: int) -> Ranked:
        return self.results[at]

    def __repr__(self) -> str:
        best = f", best {self.results[0].index} with {self.results[0].score:.3f}" if self.results else ""
        return f"Reranked({len(self.results)} documents{best}, {self.model})"


class RerankOptions(Reach, total=False):
    """Options of a reranker."""

    top_n: int
    unsupported: Literal["raise", "warn"]
    extra: Mapping[str, Any]
    vendor: Mapping[str, Any]


def reranker(spec: str, **options: Unpack[RerankOptions]) -> Chain[RerankInput, Reranked]:
    """A model that puts documents in the order of how well they answer a query.

    It takes `{"query": str, "documents": [...]}` with texts, documents, passages or what a retriever gives, and
    gives `Reranked`: best first, `top_n` of them, each with the object that was given. More documents than one
    request may hold go in several. Raises CompositionError for a bad spec or option, UnknownModel for an unknown
    provider.
    """
    top = options.get("top_n")
    if top is not None and top < 1:
        raise CompositionError(f"top_n={top}: it must be 1 or more")
    return task_model(TASK, spec, options)


def _requests(model: str, value: Any, options: Mapping[str, Any], profile: Profile) -> list[RerankRequest]:
    kind, held = type(value).__name__, cast("Mapping[str, Any]", value if isinstance(value, Mapping) else {})
    if not {"query", "documents"} <= held.keys():
        msg = f"a reranker takes {{'query': ..., 'documents': [...]}}, and got {kind}: {held or value!r:.60}"
        raise CompositionError(msg, cure="put parallel(query=..., documents=...) or a step before it")
    query, texts = text_of(held["query"], "a reranker's query"), [_text(d, i) for i, d in enumerate(held["documents"])]
    made: list[RerankRequest] = []
    top: int | None = options.get("top_n")
    for part in portions(texts, profile.most or MOST, None):
        own = options if top is None else {**options, "top_n": min(top, len(part))}
        first = sum(len(m.texts) for m in made)
        made.append(RerankRequest(model, own, query=query, texts=tuple(part), first=first, top=top))
    return made


def _text(document: Any, at: int) -> str:
    text = document if isinstance(document, str) else getattr(document, "text", None)
    if isinstance(text, str):
        return text
    msg = f"a reranker takes texts and documents, and item {at} is {type(document).__name__}: {document!r:.60}"
    raise CompositionError(msg, cure="hand on a text, or something with a `text`")


def _joined(replies: Sequence[Reranked], value: Any) -> Reranked:
    documents: Sequence[Any] = value["documents"]
    whole = joined(replies, Reranked())
    ranked = sorted((r for reply in replies for r in reply.results), key=lambda r: (-r.score, r.index))
    top = next((reply.top for reply in replies), None)
    whole.results = tuple(replace(r, document=documents[r.index]) for r in ranked[:top])
    return whole


def ranking(request: RerankRequest, scores: Iterable[tuple[int, float]], **fields: Any) -> Reranked:
    """The answer to a request: what an adapter's `decode` gives. Raises ReplyMalformed for a document that is none."""
    results: list[Ranked] = []
    for index, score in scores:
        if not 0 <= index < len(request.texts):
            msg = f"the answer ranks document {index}, and {len(request.texts)} were sent"
            raise ReplyMalformed(msg)
        results.append(Ranked(request.first + index, score, request.texts[index]))
    return Reranked(results=tuple(results), top=request.top, **fields)


TASK = Task("rerank", RerankInput, Reranked, frozenset({"top_n"}), _requests, _joined)
