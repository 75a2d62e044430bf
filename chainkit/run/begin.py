"""The begin of a core in a run: within the run's deadline, where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


def begin(core: Core, frame: Frame, value: Any) -> Coroutine[Any, Any, Any]:
    """The coroutine of one run of a core."""
    if frame.until is None:
        return core(frame, value)
    return _within(core, frame, value, frame.until)


async def _within(core: Core, frame: Frame, value: Any, until: float) -> Any:
    return await frame.io.within(until, core(frame, value))
