"""Which way to ask a model for a type, decided by what the model can do; no I/O, values only."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from chainkit.errors import CompositionError, did_you_mean
from chainkit.messages import Message, Messages, Text, message
from chainkit.output.adapt import adapted
from chainkit.output.dialect import DIALECTS, GRAMMAR, TOOL, Dialect, Finding
from chainkit.output.words import instruction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainkit.output.schema import Shape

T_co = TypeVar("T_co", covariant=True)

Mode: TypeAlias = Literal["native", "tool", "grammar", "json", "prompt"]
MODES: tuple[Mode, ...] = ("native", "tool", "grammar", "json", "prompt")
"""Best first, for a model whose profile gives no order."""

BESIDE_TOOLS: frozenset[Mode] = frozenset({"native", "json", "prompt"})
"""The ways that leave a model free to call the tools that it was offered."""


@dataclass(frozen=True, slots=True)
class Way(Generic[T_co]):
    """How one model is asked for one shape: what the request must hold, and how the answer is read.

    `schema` goes on the wire for `native`, `tool` and `grammar`; `instruction` into the messages (see
    `instructed`). `bare` answers hold the value itself, others the object of `shape.json_schema`. `findings`
    say what the model's dialect made of the type.
    """

    shape: Shape[T_co]
    mode: Mode
    schema: dict[str, Any]
    instruction: str | None = None
    bare: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """The name of the schema or tool, fit for the wire."""
        return self.shape.name

    @property
    def description(self) -> str:
        """What a forced tool says of itself."""
        return str(self.schema.get("description") or f"Give the answer as {self.shape.name}.")

    def instructed(self, messages: Sequence[Message]) -> Messages:
        """The messages with the instruction at their end, where models heed it and a cached start is kept."""
        if self.instruction is None:
            return Messages(messages)
        if messages and messages[-1].role == "user":
            last = messages[-1]
            asked = replace(last, parts=(*last.parts, Text(f"\n\n{self.instruction}")))
            return Messages((*messages[:-1], asked))
        return Messages((*messages, message("user", self.instruction)))


def choose(
    shape: Shape[T_co],
    can: Collection[str],
    *,
    dialect: Dialect | str = "strict",
    tools: bool = False,
    mode: str | None = None,
) -> Way[T_co]:
    """The best way to ask a model that can answer in the ways `can`: best first, or a set in our order.

    `dialect` is that of its native schemas. `tools` says that it is offered tools, which it must stay free to
    call. `mode` insists on one way. Raises CompositionError where none is left, saying why each was not taken.
    """
    native = _dialect(dialect)
    if mode is None and instruction(shape, bare=True) is None:
        return _way(shape, "prompt", native)  # plain text: every model answers it unasked
    reasons: dict[str, str] = {}
    for way in _candidates(can, mode):
        if tools and way not in BESIDE_TOOLS:
            reasons[way] = "the model could not call the tools it is offered"
            continue
        chosen = _way(shape, way, native)
        stops = [f for f in chosen.findings if f.kind == "impossible"]
        if not stops:
            return chosen
        reasons[way] = str(stops[0])
    raise _no_way(shape, can, mode, reasons)


def _candidates(can: Collection[str], mode: str | None) -> list[Mode]:
    ordered = MODES if isinstance(can, AbstractSet) else can
    return [m for m in ordered if m in can and m in MODES and mode in (None, m)]  # type: ignore[misc]


def _way(shape: Shape[T_co], mode: Mode, native: Dialect) -> Way[T_co]:
    if mode == "prompt":
        return Way(shape, mode, shape.bare_schema, instruction(shape, bare=True), bare=True)
    if mode == "json":
        return Way(shape, mode, shape.json_schema, instruction(shape, bare=False))
    dialect = {"native": native, "tool": TOOL, "grammar": GRAMMAR}[mode]
    schema, findings = adapted(shape.json_schema, dialect)
    # A grammar holds the model to the form but tells it nothing: the words must.
    told = instruction(shape, bare=False) if mode == "grammar" else None
    return Way(shape, mode, schema, told, findings=findings)


def _dialect(dialect: Dialect | str) -> Dialect:
    if isinstance(dialect, Dialect):
        return dialect
    if dialect not in DIALECTS:
        cure = did_you_mean(dialect, list(DIALECTS))
        raise CompositionError(f"no schema dialect is called {dialect!r}", cure=cure)
    return DIALECTS[dialect]


def _no_way(shape: Shape[Any], can: Collection[str], mode: str | None, reasons: dict[str, str]) -> CompositionError:
    if mode is not None and mode not in MODES:
        return CompositionError(f"there is no output mode {mode!r}", cure=did_you_mean(mode, MODES))
    if mode is not None and mode not in can:
        known = ", ".join(sorted(can)) or "none"
        return CompositionError(f"this model cannot answer in the mode {mode!r}", cure=f"its modes: {known}")
    why = "".join(f"\n  {way}: {reason}" for way, reason in reasons.items())
    cure = "change the type where it says so, or choose a model that can be asked in words (`prompt`)"
    why = why or " it has no way to give one"
    return CompositionError(f"this model cannot be asked for {shape.name}:{why}", cure=cure)
