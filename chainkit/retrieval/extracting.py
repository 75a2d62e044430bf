"""Structured values out of documents, each with the words that state it and their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, get_args, get_origin, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.documents import Chunk
from chainkit.ensembles.canonical import canonical
from chainkit.errors import CompositionError
from chainkit.messages import Messages, message
from chainkit.models.chat import ChatModel
from chainkit.output.typed import Typed
from chainkit.retrieval.grounding.figures import figures
from chainkit.retrieval.grounding.language import language_of
from chainkit.retrieval.grounding.quotes import located
from chainkit.retrieval.grounding.showing import IS_DATA, sign
from chainkit.retrieval.pieces import Failing, Missing, Work, chunks_of, documents_in, packed

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
SIZE = 4000
"""Characters of text that one call is shown, unless asked otherwise."""
_RULES = (
    "Extract values from the texts. Give every value that they state, and none that they do not; each with its quote: the "
    "words of one text that state it, copied exactly. If there are none, give an empty list. "
)


@dataclass(frozen=True, slots=True)
class Stated:
    """Where a value stands: the chunk, the span (characters of the document's text), and the words there."""

    document: Chunk
    span: tuple[int, int]
    quote: str


@dataclass(frozen=True, slots=True)
class Extracted(Generic[T_co]):
    """A value, and every place that states it; none for an unsupported one, of which `said` is the quote that is not there."""

    value: T_co
    places: tuple[Stated, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Extraction(Generic[T_co]):
    """`values` with their places, in the order of the texts, each once; `unsupported` ones, whose quote stands nowhere;
    and what is `missing`, because a part failed. Iterates over the values as they are."""

    values: tuple[Extracted[T_co], ...] = ()
    unsupported: tuple[Extracted[T_co], ...] = ()
    missing: tuple[Missing, ...] = ()

    def __iter__(self) -> Iterator[T_co]:
        return (e.value for e in self.values)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, repr=False)
class Extracting(Chain[Any, Extraction[Any]]):
    """Made by `extract`."""

    model: Chain[Any, Any]
    output: Any
    instruction: str | None = None
    size: int = SIZE
    concurrency: int = 8
    failing: Failing = "raise"

    @property
    def out_type(self) -> Any:
        return Extraction

    @property
    def label(self) -> str:
        return "extract"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return (("model", self.model),)

    def compile(self, place: Place) -> Core:
        asking = cast("ChatModel", self.model).asking(_shape(self.output))
        core, path = place.numbered(asking), place.path

        async def run(frame: Frame, value: Any) -> Any:
            chunks = chunks_of(documents_in(value), self.size)
            groups = [tuple(chunks[n] for n in g) for g in packed([c.text for c in chunks], self.size)]
            work = Work(core, path, "extract", concurrency=self.concurrency, failing=self.failing)
            said = await work.all(frame, [self.asked(g) for g in groups])
            found = [e for s, g in zip(said, groups, strict=True) if s is not None for e in _standing(s, g)]
            failed = [Missing(groups[n], f"{type(e).__name__}: {e.message}") for n, e in sorted(work.failed.items())]
            return _merged(found, tuple(failed))

        return run

    def asked(self, group: Sequence[Chunk]) -> Messages:
        """What the model is asked, texts as data."""
        said = sign(*(c.text for c in group))
        shown = "\n".join(f'<text-{said} number="{n}">\n{c.text}\n</text-{said}>' for n, c in enumerate(group, 1))
        wanted = f"What is wanted: {self.instruction.rstrip()} " if self.instruction else ""
        return Messages((message("system", f"{_RULES}{wanted}{IS_DATA}"), message("user", shown)))


def _shape(output: Any) -> Any:
    from pydantic import Field, create_model

    quote = (str, Field(description="The words of the text that state it, copied exactly."))
    one = create_model("Value", value=(output, ...), quote=quote)
    several: Any = GenericAlias(list, (one,))
    return create_model("Values", values=(several, ...))


def _standing(said: Any, group: Sequence[Chunk]) -> Iterator[Extracted[Any]]:
    """Each value with the places of its quote."""
    for item in said.values:
        places = next((p for c in group if (p := _places(c, item.quote))), ())
        if places and not _numbered(item.value, " ".join(p.quote for p in places)):
            places = ()
        yield Extracted(item.value, places, "" if places else item.quote)


def _places(chunk: Chunk, quote: str) -> tuple[Stated, ...]:
    spans = located(chunk.text, quote)
    return tuple(Stated(chunk, (chunk.start + a, chunk.start + b), chunk.text[a:b]) for a, b in spans)


def _numbered(value: Any, quote: str) -> bool:
    """Whether a value that is a number stands in its quote; of others nothing can be said by their words."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return True
    held = figures(quote, language_of(quote), source=True)
    return any(f.is_in(held) for f in figures(format(Decimal(str(value)), "f")))


def _merged(found: Sequence[Extracted[Any]], missing: tuple[Missing, ...]) -> Extraction[Any]:
    """Equal values once, with all their places; one that is supported anywhere is supported."""
    values: dict[Any, Extracted[Any]] = {}
    for item in found:
        key = canonical(item.value)
        known = values.setdefault(key, item)
        if known is not item:
            places = tuple({(p.document.id, p.span): p for p in (*known.places, *item.places)}.values())
            values[key] = replace(known, places=places, said="" if places else known.said)
    every = values.values()
    return Extraction(tuple(e for e in every if e.places), tuple(e for e in every if not e.places), missing)


@overload
def extract(
    model: str | Chain[Any, Any], output: type[list[T]], *, instruction: str | None = ..., size: int = ...,
    concurrency: int = ..., failing: Failing = ...,
) -> Chain[Any, Extraction[T]]: ...  # fmt: skip
@overload
def extract(
    model: str | Chain[Any, Any], output: type[T], *, instruction: str | None = ..., size: int = ...,
    concurrency: int = ..., failing: Failing = ...,
) -> Chain[Any, Extraction[T]]: ...  # fmt: skip
def extract(
    model: Any,
    output: Any,
    *,
    instruction: str | None = None,
    size: int = SIZE,
    concurrency: int = 8,
    failing: Failing = "raise",
) -> Chain[Any, Extraction[Any]]:
    """A chain from documents (a text, a Document, chunks, or a list of them) to the values of a type that they state.

    `output` is the type of one value (a pydantic model, dataclass, Literal, scalar ...), or a list of it, which means the
    same. `instruction` says which values are wanted. The texts are shown to `model`, about `size` characters a call, at
    most `concurrency` calls at once. Each value comes with a quote, which counts where it stands in the text: as it is,
    but for white space, typographic signs, case and hyphens at line ends. A plain number must stand in its quote too; of
    other values only the quote is checked, not that it says so. Equal values are one, with all their places.

    With `failing="skip"` a part that cannot be done is listed in `.missing`. `events` tells `Progressed`. Raises
    CompositionError where `model` is no plain model.
    """
    chain = as_chain(model)
    if not isinstance(chain, ChatModel) or chain.output is not None:
        msg = f"extract() asks a model for values, and `{chain.label}` is no plain model"
        raise CompositionError(msg, cure='hand over "provider:name", or model("provider:name", ...) without output=')
    if failing not in get_args(Failing) or min(size, concurrency) < 1:
        raise CompositionError(
            f'size={size}, concurrency={concurrency}, failing={failing!r}: at least 1; "raise" or "skip"'
        )
    held = get_args(output)[0] if get_origin(output) is list else output
    Typed(held)  # raises for what is no type
    return Extracting(chain, held, instruction, size, concurrency, failing)
