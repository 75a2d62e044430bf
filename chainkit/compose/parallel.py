"""Several chains on one input, and dicts that grow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import common, spelled
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainkit.chain import Step
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Parallel(Chain[Any, Any]):
    """Branches side by side: a dict of their values, a tuple where they have no names, or `into(**values)`."""

    names: tuple[str, ...] | None
    branches: tuple[Chain[Any, Any], ...]
    into: Callable[..., Any] | None = None

    @classmethod
    def of(cls, branches: Mapping[str, Any], into: Callable[..., Any] | None = None) -> Parallel:
        """From a mapping of what may stand for chains."""
        for name in branches:
            if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a dict may hold anything
                msg = f"a branch is named by a string, not {name!r}"
                raise CompositionError(msg)
        return cls(tuple(branches), _agreed([as_chain(b) for b in branches.values()]), into)

    @property
    def in_type(self) -> Any:
        return common([b.in_type for b in self.branches])

    @property
    def out_type(self) -> Any:
        if self.into is not None:
            return self.into if isinstance(self.into, type) else Any
        return tuple if self.names is None else dict[str, Any]

    @property
    def instant(self) -> bool:
        return all(b.instant for b in self.branches)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        words = self.names or tuple(str(i) for i in range(len(self.branches)))
        return tuple(zip(words, self.branches, strict=True))

    def compile(self, place: Place) -> Core:
        cores = [place.compile(part, _word(word, part)) for word, part in self.parts()]
        values = side_by_side(cores, [b.instant for b in self.branches])
        names, into = self.names, self.into

        async def run(frame: Frame, value: Any) -> Any:
            found = await values(frame, value)
            if names is None:
                return tuple(found)
            named = dict(zip(names, found, strict=True))
            return named if into is None else into(**named)

        return run


def _word(word: str, part: Chain[Any, Any]) -> str:
    return f"{word} > {part.label}" if part.label else word


def side_by_side(cores: Sequence[Core], instant: Sequence[bool]) -> Core:
    """All cores on one value, in order; only what may wait is worth a task."""
    slow = [i for i, quick in enumerate(instant) if not quick]

    async def run(frame: Frame, value: Any) -> Any:
        values: list[Any] = [None] * len(cores)
        for i, quick in enumerate(instant):
            if quick or len(slow) == 1:
                values[i] = await cores[i](frame, value)
        if len(slow) > 1:
            jobs = [_job(cores[i], value) for i in slow]
            for i, found in zip(slow, await frame.gather(jobs), strict=True):
                values[i] = found
        return values

    return run


def _job(core: Core, value: Any) -> Job:
    return lambda frame: core(frame, value)


def _agreed(branches: list[Chain[Any, Any]]) -> tuple[Chain[Any, Any], ...]:
    if not branches:
        msg = "parallel() needs at least one branch"
        raise CompositionError(msg)
    if common([b.in_type for b in branches]) is None:
        kinds = ", ".join(f"`{b.label}` takes {spelled(b.in_type)}" for b in branches)
        msg = f"no value can be the input of all branches: {kinds}"
        raise CompositionError(msg, cure="put a step before a branch that turns the common input into its own")
    return tuple(branches)


@overload
def parallel(a: Chain[A, B], b: Chain[A, C], /) -> Chain[A, tuple[B, C]]: ...
@overload
def parallel(a: Chain[A, B], b: Chain[A, C], c: Chain[A, D], /) -> Chain[A, tuple[B, C, D]]: ...
@overload
def parallel(a: Chain[A, B], b: Chain[A, C], c: Chain[A, D], d: Chain[A, E], /) -> Chain[A, tuple[B, C, D, E]]: ...
@overload
def parallel(*, into: Callable[..., T], **branches: Step[A]) -> Chain[A, T]: ...
@overload
def parallel(branches: Mapping[str, Step[A]], /) -> Chain[A, dict[str, Any]]: ...
@overload
def parallel(**branches: Step[A]) -> Chain[A, dict[str, Any]]: ...
def parallel(*chains: Any, into: Any = None, **branches: Any) -> Chain[Any, Any]:
    """Branches on the same input, side by side.

    Chains give a tuple; names (or one mapping) give a dict; `into=` makes an object of the named values.
    The first error cancels the rest. Raises CompositionError where no value fits all branches.
    """
    if len(chains) == 1 and isinstance(chains[0], Mapping) and not branches:
        return Parallel.of(chains[0], into)  # pyright: ignore[reportUnknownArgumentType]
    if chains and (branches or into is not None):
        msg = "parallel() takes chains in order or by name, not both"
        raise CompositionError(msg)
    if chains:
        return Parallel(None, _agreed([as_chain(c) for c in chains]))
    return Parallel.of(branches, into)


@dataclass(frozen=True, repr=False)
class Assign(Chain[Any, Any]):
    """A mapping with more keys: each the value of a chain on the mapping as it came."""

    names: tuple[str, ...]
    branches: tuple[Chain[Any, Any], ...]

    @property
    def in_type(self) -> Any:
        return dict[str, Any]

    @property
    def out_type(self) -> Any:
        return dict[str, Any]

    @property
    def instant(self) -> bool:
        return all(b.instant for b in self.branches)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return tuple(zip(self.names, self.branches, strict=True))

    def compile(self, place: Place) -> Core:
        cores = [place.compile(part, _word(word, part)) for word, part in self.parts()]
        values = side_by_side(cores, [b.instant for b in self.branches])
        names = self.names

        async def run(frame: Frame, value: Any) -> Any:
            if not isinstance(value, Mapping):
                msg = f"assign() needs a mapping, and got {type(value).__name__}"
                raise CompositionError(msg, cure="put a step or parallel(...) before it that gives a dict")
            found = await values(frame, value)
            grown: dict[str, Any] = {**value}
            grown.update(zip(names, found, strict=True))
            return grown

        return run


def assign(**branches: Step[Mapping[str, Any]]) -> Chain[Mapping[str, Any], dict[str, Any]]:
    """Add keys to a mapping; each branch sees the mapping as it came. Equal keys are replaced."""
    return Assign(tuple(branches), _agreed([as_chain(b) for b in branches.values()]))
