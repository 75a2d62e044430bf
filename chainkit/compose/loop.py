"""A chain again and again on its own value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

A = TypeVar("A")


@dataclass(frozen=True, repr=False)
class Loop(Chain[Any, Any]):
    """A chain on its own value until a test of that value holds, at most so many turns."""

    chain: Chain[Any, Any]
    until: Chain[Any, Any]
    at_most: int

    @property
    def in_type(self) -> Any:
        return self.chain.in_type

    @property
    def out_type(self) -> Any:
        return self.chain.out_type

    @property
    def instant(self) -> bool:
        return self.chain.instant and self.until.instant

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return ((self.chain.label, self.chain), ("until", self.until))

    def compile(self, place: Place) -> Core:
        core, at_most = place.numbered(self.chain), self.at_most
        test = place.compile(self.until, "until")

        async def run(frame: Frame, value: Any) -> Any:
            for turn in range(at_most):
                value = await core(frame.at(f"{place.path}[{turn}]"), value)
                if await test(frame, value):
                    break
            return value

        return run


def loop(chain: Chain[A, A] | Callable[[A], A], /, *, until: Callable[[A], object], at_most: int = 10) -> Chain[A, A]:
    """Run the chain on its own value until `until(value)` is true, at most `at_most` turns.

    The last value is given also where the turns are used up.
    """
    from chainkit.compose.step import step

    if at_most < 1:
        msg = f"at_most must be at least 1, not {at_most}"
        raise CompositionError(msg)
    return Loop(as_chain(chain), step(until, name="until"), at_most)
