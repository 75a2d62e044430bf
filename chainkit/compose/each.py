"""One chain for every item of a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, repr=False)
class Each(Chain[Any, Any]):
    """A chain on every item, several at once, values in order."""

    chain: Chain[Any, Any]
    concurrency: int

    @property
    def in_type(self) -> Any:
        return Iterable

    @property
    def out_type(self) -> Any:
        inner = self.chain.out_type
        return list if inner is Any else GenericAlias(list, (inner,))

    @property
    def instant(self) -> bool:
        return self.chain.instant

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return ((self.chain.label, self.chain),)

    def compile(self, place: Place) -> Core:
        core, instant, concurrency = place.numbered(self.chain), self.chain.instant, self.concurrency

        def job(index: int, item: Any) -> Job:
            return lambda frame: core(frame.at(f"{place.path}[{index}]"), item)

        async def run(frame: Frame, value: Any) -> Any:
            jobs = [job(i, item) for i, item in enumerate(_items(value))]
            if instant or len(jobs) < 2:
                return [await j(frame) for j in jobs]
            return await frame.gather(jobs, concurrency=concurrency)

        return run


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        msg = f"each() needs a list of items, and got {type(value).__name__}"
        raise CompositionError(msg, cure="put a step before it that gives a list")
    return value  # pyright: ignore[reportUnknownVariableType]


@overload
def each(chain: Chain[A, B], /, *, concurrency: int = ...) -> Chain[Iterable[A], list[B]]: ...
@overload
def each(chain: str, /, *, concurrency: int = ...) -> Chain[Iterable[Any], list[Any]]: ...
@overload
def each(chain: Callable[[A], Awaitable[B]], /, *, concurrency: int = ...) -> Chain[Iterable[A], list[B]]: ...
@overload
def each(chain: Callable[[A], B], /, *, concurrency: int = ...) -> Chain[Iterable[A], list[B]]: ...
def each(chain: Any, /, *, concurrency: int = 16) -> Chain[Any, Any]:
    """The chain on every item of a list, at most `concurrency` at once; the values in order.

    The first error cancels the rest. For many items with errors kept, use `batch`.
    """
    if concurrency < 1:
        msg = f"concurrency must be at least 1, not {concurrency}"
        raise CompositionError(msg)
    return Each(as_chain(chain), concurrency)
