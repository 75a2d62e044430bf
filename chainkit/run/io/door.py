"""The outermost door of a blocking call: where it may stand."""

from __future__ import annotations

import asyncio
import sys
import warnings

from chainkit.errors import ChainkitError
from chainkit.run.io.background import BACKGROUND

_running = asyncio._get_running_loop
_warned = False


def enter() -> None:
    """Raise on our own loop's thread; warn once inside a running loop (a notebook's excepted)."""
    if _running() is None:
        return
    if BACKGROUND.here:
        msg = "a blocking call was made on chainkit's own event loop, inside an `async def` step"
        raise ChainkitError(msg, cure="use `await chain.ainvoke(...)` there")
    _warn()


def _warn() -> None:
    global _warned
    if _warned or "IPython" in sys.modules:
        return
    _warned = True
    warnings.warn(
        "invoke() inside a running event loop blocks that loop until the answer is there; use `await chain.ainvoke(...)`",
        RuntimeWarning,
        stacklevel=5,
    )
