"""This, then that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import can_meet, spelled
from chainkit.compose.step import ANSWER, Attribute, Identity
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


@dataclass(frozen=True, repr=False)
class Sequence(Chain[Any, Any]):
    """Chains one after the other; always flat, and at least two."""

    chain: tuple[Chain[Any, Any], ...]

    @property
    def in_type(self) -> Any:
        return self.chain[0].in_type

    @property
    def out_type(self) -> Any:
        return self.chain[-1].out_type

    @property
    def label(self) -> str:
        return ""

    @property
    def instant(self) -> bool:
        return all(c.instant for c in self.chain)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return tuple((w, c) for w, c in zip(_words(self.chain), self.chain, strict=True))

    def compile(self, place: Place) -> Core:
        tail = _tail(self.chain)
        cores = tuple(
            place.compile(part, word, tail=i == tail, bare=ANSWER in self.chain[i + 1 :])
            for i, (word, part) in enumerate(self.parts())
        )
        if len(cores) == 2:
            return _pair(*cores)

        async def run(frame: Frame, value: Any) -> Any:
            for core in cores:
                value = await core(frame, value)
            return value

        return run


def _pair(first: Core, second: Core) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        return await second(frame, await first(frame, value))

    return run


def _words(chains: tuple[Chain[Any, Any], ...]) -> list[str]:
    """Labels made unlike, so that every step has an address of its own."""
    seen: dict[str, int] = {}
    words: list[str] = []
    for chain in chains:
        word = chain.label
        seen[word] = seen.get(word, 0) + 1
        words.append(word if not word or seen[word] == 1 else f"{word}#{seen[word]}")
    return words


def _tail(chains: tuple[Chain[Any, Any], ...]) -> int:
    """The last part whose pieces are the sequence's own: views of its value are looked through."""
    for index in range(len(chains) - 1, -1, -1):
        if not isinstance(chains[index], Attribute):
            return index
    return 0


def join(first: Any, second: Any) -> Chain[Any, Any]:
    """`first | second`. Raises CompositionError where the types can never meet."""
    a, b = as_chain(first), as_chain(second)
    _meet(a, b)
    parts = [p for chain in (a, b) for p in _flat(chain) if not isinstance(p, Identity)]
    if not parts:
        return a
    return parts[0] if len(parts) == 1 else Sequence(tuple(parts))


def _flat(chain: Chain[Any, Any]) -> tuple[Chain[Any, Any], ...]:
    return chain.chain if isinstance(chain, Sequence) else (chain,)


def _meet(a: Chain[Any, Any], b: Chain[Any, Any]) -> None:
    given, wanted = a.out_type, b.in_type
    if can_meet(given, wanted):
        return
    msg = f"{_named(a, last=True)} gives {spelled(given)}, and {_named(b, last=False)} takes {spelled(wanted)}"
    raise CompositionError(msg, cure=_cure(given, wanted))


def _cure(given: Any, wanted: Any) -> str:
    from chainkit.ensembles.verdict import Verdict
    from chainkit.models.reply import Reply

    if given is Reply or getattr(given, "counts_as_text", False):
        return "write `.text` after the model to hand on its text"
    if given is Verdict:
        return "write `.answer` after the ensemble to hand on its value"
    return f"put a step between them that turns {spelled(given)} into {spelled(wanted)}"


def _named(chain: Chain[Any, Any], *, last: bool) -> str:
    part = _flat(chain)[-1 if last else 0]
    return f"`{part.label or getattr(part, 'note', '') or type(part).__name__.lower()}`"


@overload
def sequence(a: Chain[A, B], b: Chain[B, C], /) -> Chain[A, C]: ...
@overload
def sequence(a: Chain[A, B], b: Chain[B, C], c: Chain[C, D], /) -> Chain[A, D]: ...
@overload
def sequence(a: Chain[A, B], b: Chain[B, C], c: Chain[C, D], d: Chain[D, E], /) -> Chain[A, E]: ...
@overload
def sequence(a: Any, b: Any, c: Any, d: Any, e: Any, /, *more: Any) -> Chain[Any, Any]: ...
@overload
def sequence() -> Chain[Any, Any]: ...
def sequence(*parts: Any) -> Chain[Any, Any]:
    """The parts one after the other, as `|` joins them; none is `identity()`."""
    chain: Chain[Any, Any] = Identity()
    for part in parts:
        chain = join(chain, part)
    return chain
