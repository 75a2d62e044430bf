"""Where one fails, the next. It reacts to errors; `cascade` reacts to values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import common, spelled
from chainkit.errors import CompositionError, DeadlineExceeded
from chainkit.run.shown import Shown

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


@dataclass(frozen=True, repr=False)
class Fallback(Chain[Any, Any]):
    """Chains to try in order until one gives a value."""

    chains: tuple[Chain[Any, Any], ...]

    @property
    def in_type(self) -> Any:
        return common([c.in_type for c in self.chains])

    @property
    def out_type(self) -> Any:
        kinds = {c.out_type for c in self.chains}
        return kinds.pop() if len(kinds) == 1 else Any

    @property
    def label(self) -> str:
        return "fallback"

    @property
    def instant(self) -> bool:
        return all(c.instant for c in self.chains)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return tuple((f"{i}", c) for i, c in enumerate(self.chains))

    def compile(self, place: Place) -> Core:
        cores = [
            place.compile(c, f"{i} > {c.label}" if c.label else str(i), tail=True) for i, c in enumerate(self.chains)
        ]

        async def run(frame: Frame, value: Any) -> Any:
            before: list[Exception] = []
            for number, core in enumerate(cores):
                shown = Shown(frame)
                try:
                    return await core(shown.frame, value)
                except Exception as error:
                    if number == len(cores) - 1 or not _goes_on(error, frame):
                        _tell(error, before)
                        raise
                    before.append(error)
                    await shown.restart(place.path, error)
            raise AssertionError

        return run


def _goes_on(error: Exception, frame: Frame) -> bool:
    """Not where the whole run is over; a member's own deadline is an error like another."""
    if isinstance(error, CompositionError):
        return False
    if isinstance(error, DeadlineExceeded):
        return frame.until is None or frame.io.now() < frame.until
    return True


def _tell(error: Exception, before: list[Exception]) -> None:
    for number, earlier in enumerate(before):
        first = str(earlier).splitlines()[0] if str(earlier) else ""
        error.add_note(f"  before: {number} failed with {type(earlier).__name__}: {first}")


def fallback(*chains: Any) -> Chain[Any, Any]:
    """Chains to try in order; a string stands for a model."""
    found = tuple(as_chain(c) for c in chains)
    if len(found) < 2:
        msg = "fallback() needs something to fall back to"
        raise CompositionError(msg)
    if common([c.in_type for c in found]) is None:
        kinds = ", ".join(f"`{c.label}` takes {spelled(c.in_type)}" for c in found)
        msg = f"no value can be the input of all: {kinds}"
        raise CompositionError(msg)
    first = found[0]
    flat = (*first.chains, *found[1:]) if isinstance(first, Fallback) else found
    return Fallback(flat)
