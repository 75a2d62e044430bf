"""Drivers: who runs a core to its end, once. Streams are in `stream.py`, many items in `batch.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from chainkit.errors import ChainkitError
from chainkit.run.begin import begin
from chainkit.run.frame import Frame
from chainkit.run.io import Loop
from chainkit.run.io.door import enter
from chainkit.run.run import Run

if TYPE_CHECKING:
    Core: TypeAlias = Callable[[Frame, Any], Coroutine[Any, Any, Any]]
else:
    Core: TypeAlias = Callable[[Frame, Any], Awaitable[Any]]


def invoke(core: Core, value: Any, run: Run | None = None) -> Any:
    """Run to the end in the caller's thread; no event loop is needed."""
    enter()
    run = Run(parent=run)
    return finish(begin(core, Frame(run.io, run), value))


def finish(work: Coroutine[Any, Any, Any]) -> Any:
    """Drive a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    work.close()
    msg = "a step waited for something that is not chainkit's io in a blocking call"
    raise ChainkitError(msg, cure="in a custom chain use only frame.io and frame.gather to wait")


async def ainvoke(core: Core, value: Any, run: Run | None = None) -> Any:
    """Run to the end on the running loop, in the caller's task."""
    run = Run(parent=run)
    return await begin(core, Frame(Loop(), run), value)
