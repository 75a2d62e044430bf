"""How a chain becomes a core: compiled once, at its first call, to flat callables.

A core is `async def core(frame, value) -> value`. `Place.compile` gives every part its address and wraps
it once: errors get their address on the way out, and who watches is told - for one None test where nobody
does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError
from chainkit.run.events import StepFinished, StepStarted

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


class Place:
    """Where a part stands: its address in the chain, and whether its pieces are the chain's own output."""

    __slots__ = ("bare", "path", "tail")

    def __init__(self, path: str = "", *, tail: bool = True, bare: bool = False) -> None:
        self.path = path
        self.tail = tail
        self.bare = bare

    def compile(
        self, chain: Chain[Any, Any], label: str | None = None, *, tail: bool = False, bare: bool | None = None
    ) -> Core:
        """The core of a part. `tail`: this part's output is the output of the whole around it.

        `bare`: of a verdict only the bare value is handed on, so that pieces of it are pieces of the whole.
        """
        word = chain.label if label is None else label
        path = " > ".join(p for p in (self.path, word) if p)
        core = chain.compile(Place(path, tail=self.tail and tail, bare=self.bare if bare is None else bare))
        return _addressed(core, path) if word else core

    def numbered(self, chain: Chain[Any, Any]) -> Core:
        """The core of a part that runs in frames with a number of their own (`frame.at(...)`)."""
        return Place("", tail=False).compile(chain)


def _addressed(core: Core, path: str) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        if frame.watch is not None or frame.every:
            return await _watched(core, frame, path, value)
        try:
            return await core(frame, value)
        except Exception as error:
            address(error, frame, path)
            raise

    return run


def address(error: Exception, frame: Frame, path: str) -> None:
    """Fill in where an error happened; the innermost place stands."""
    if isinstance(error, ChainkitError):
        if error.path is None:
            error.path = frame.prefix + path
        if error.run is None:
            error.run = frame.run
    elif not any(n.startswith("  at: ") for n in getattr(error, "__notes__", ())):
        error.add_note(f"  at: {frame.prefix}{path}")


async def _watched(core: Core, frame: Frame, path: str, value: Any) -> Any:
    where, watch, emit = frame.prefix + path, frame.watch, frame.emit if frame.every else None
    if watch is not None:
        watch.step_started(where, value)
    if emit is not None:
        await emit(StepStarted(path=where, input=value))
    try:
        result = await core(frame, value)
    except Exception as error:
        address(error, frame, path)
        if watch is not None:
            watch.step_finished(where, None, error)
        if emit is not None:
            await emit(StepFinished(path=where, error=error))
        raise
    if watch is not None:
        watch.step_finished(where, result, None)
    if emit is not None:
        await emit(StepFinished(path=where, value=result))
    return result
