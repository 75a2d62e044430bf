"""Summaries of long texts: all at once, side by side and then together, or one part after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.documents import Chunk
from chainkit.errors import CompositionError
from chainkit.messages import Messages, message
from chainkit.retrieval.grounding.parts import text_of
from chainkit.retrieval.grounding.showing import IS_DATA, sign
from chainkit.retrieval.pieces import Failing, Missing, Work, chunks_of, documents_in, packed

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

How: TypeAlias = Literal["auto", "stuff", "map_reduce", "refine"]
SIZE = 8000
"""Characters of text that one call is shown, unless asked otherwise."""
_DEEPEST = 12
"""Rounds of putting summaries together."""
_TASKS = {
    "whole": "Summarise the text. ",
    "map": "This is one part of a long text. Note what a summary of the whole must hold of it: facts, figures, names. ",
    "reduce": "These are notes on parts of a long text, in order. Put them together to one summary; say nothing twice. ",
    "refine": "First stands a summary of a text so far, then the text's next part. Give the summary of both together. ",
}


@dataclass(frozen=True, slots=True)
class SummarisedPart:
    """Chunks that were shown together, and what was said of them."""

    chunks: tuple[Chunk, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Summary:
    """`text`, the `parts` it was made of (with the spans they are of), and what is `missing` from it and why.

    `str()` is the text, and a chain that wants a text takes it as one.
    """

    text: str
    parts: tuple[SummarisedPart, ...] = ()
    missing: tuple[Missing, ...] = ()
    counts_as_text: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class Summarising(Chain[Any, Summary]):
    """Made by `summarise`."""

    model: Chain[Any, Any]
    how: How = "auto"
    size: int = SIZE
    words: int | None = None
    language: str | None = None
    instruction: str | None = None
    concurrency: int = 8
    failing: Failing = "raise"

    @property
    def out_type(self) -> Any:
        return Summary

    @property
    def label(self) -> str:
        return "summarise"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return (("model", self.model),)

    def compile(self, place: Place) -> Core:
        core, path = place.numbered(self.model), place.path

        async def run(frame: Frame, value: Any) -> Any:
            documents = documents_in(value)
            if self.how == "stuff" or (self.how == "auto" and sum(len(d.text) for d in documents) <= self.size):
                chunks = chunks_of(documents, max((len(d.text) for d in documents), default=1) or 1)
                groups = [tuple(chunks)] if chunks else []
            else:
                chunks = chunks_of(documents, self.size)
                groups = [tuple(chunks[n] for n in g) for g in packed([c.text for c in chunks], self.size)]
            if not groups:
                return Summary("")
            work = _Working(self, core, path)
            if len(groups) == 1:
                return await work.at_once(frame, groups[0])
            return await (work.refined(frame, groups) if self.how == "refine" else work.reduced(frame, groups))

        return run

    def asked(self, task: str, texts: Sequence[str]) -> Messages:
        """What the model is asked, texts as data."""
        last = task != "map"
        task_text = self.instruction if self.instruction and last else _TASKS[task]
        if self.instruction and task in ("reduce", "refine"):
            task_text = _TASKS[task] + self.instruction
        length = f"Use at most {self.words} words. " if self.words and last else ""
        language = f"Write in this language: {self.language}. " if self.language else "Write in the text's language. "
        said = sign(*texts)
        shown = "\n".join(f'<text-{said} number="{n}">\n{t}\n</text-{said}>' for n, t in enumerate(texts, 1))
        rules = f"{task_text.rstrip()} {length}{language}Give the summary alone. {IS_DATA}"
        return Messages((message("system", rules), message("user", shown)))


class _Working:
    """The doing of one summary."""

    def __init__(self, chain: Summarising, core: Core, path: str) -> None:
        self._chain, self._core, self._path = chain, core, path

    def _work(self, what: str, failing: Failing = "raise") -> Work:
        return Work(self._core, self._path, what, concurrency=self._chain.concurrency, failing=failing)

    async def at_once(self, frame: Frame, group: tuple[Chunk, ...]) -> Summary:
        """All in one call."""
        said = text_of(await self._work("whole").one(frame, self._chain.asked("whole", _texts(group)), 0, 1))
        return Summary(said.strip(), (SummarisedPart(group, said),))

    async def reduced(self, frame: Frame, groups: Sequence[tuple[Chunk, ...]]) -> Summary:
        """Notes on each group side by side, then notes of notes until they fit into one call."""
        work = self._work("map", self._chain.failing)
        notes = await work.all(frame, [self._chain.asked("map", _texts(g)) for g in groups])
        kept = [SummarisedPart(g, text_of(n)) for n, g in zip(notes, groups, strict=True) if n is not None]
        texts = [p.text for p in kept]
        for depth in range(_DEEPEST):
            together = packed(texts, self._chain.size, least=2)
            asked = [self._chain.asked("reduce", [texts[n] for n in g]) for g in together]
            what = "reduce" if depth == 0 else f"reduce {depth + 1}"
            texts = [text_of(t) for t in await self._work(what).all(frame, asked)]
            if len(texts) == 1:
                break
        return Summary("\n\n".join(texts).strip(), tuple(kept), _missing(groups, work))

    async def refined(self, frame: Frame, groups: Sequence[tuple[Chunk, ...]]) -> Summary:
        """One group after the other, each with the summary of those before it."""
        work = self._work("refine", self._chain.failing)
        kept: list[SummarisedPart] = []
        for n, group in enumerate(groups):
            before = [kept[-1].text] if kept else []
            asked = self._chain.asked("refine" if kept else "whole", [*before, *_texts(group)])
            said = await work.one(frame, asked, n, len(groups))
            if said is not None:
                kept.append(SummarisedPart(group, text_of(said)))
        if not kept:
            raise work.failed[min(work.failed)]
        return Summary(kept[-1].text.strip(), tuple(kept), _missing(groups, work))


def _texts(group: Sequence[Chunk]) -> list[str]:
    return [" > ".join(c.headings) + "\n" + c.text if c.headings else c.text for c in group]


def _missing(groups: Sequence[tuple[Chunk, ...]], work: Work) -> tuple[Missing, ...]:
    return tuple(Missing(groups[n], f"{type(e).__name__}: {e.message}") for n, e in sorted(work.failed.items()))


def summarise(
    model: str | Chain[Any, Any],
    how: How = "auto",
    *,
    size: int = SIZE,
    words: int | None = None,
    language: str | None = None,
    instruction: str | None = None,
    concurrency: int = 8,
    failing: Failing = "raise",
) -> Chain[Any, Summary]:
    """A chain from a long text (a text, a Document, chunks, or a list of them) to a `Summary`.

    "stuff" puts all before the model at once; "map_reduce" takes notes on parts side by side, at most `concurrency` at
    once, and puts notes together until one text is left; "refine" goes through the parts in order, each with the summary
    so far; "auto" is "stuff" where the text has at most `size` characters, else "map_reduce". One call is shown about
    `size` characters. `words` and `language` are asked of the model, not enforced. With `failing="skip"` a part that
    cannot be done is left out and listed in `.missing`; a spent budget or a deadline raises in any case.

    `events` tells of each part that is done: `Progressed(what, done, total)`.
    """
    if how not in get_args(How):
        raise CompositionError(f"how={how!r}: a summary is made by {', '.join(map(repr, get_args(How)))}")
    if failing not in get_args(Failing) or min(size, concurrency, 1 if words is None else words) < 1:
        msg = f'size={size}, concurrency={concurrency}, words={words}, failing={failing!r}: at least 1, and "raise" or "skip"'
        raise CompositionError(msg)
    return Summarising(as_chain(model), how, size, words, language, instruction, concurrency, failing)
