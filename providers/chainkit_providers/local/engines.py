"""The engines of this process: one a model file, closed at its end, forgotten after a fork."""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from chainkit_providers.local.engine import Engine

_lock = threading.Lock()
_shared: dict[Path, Engine] = {}
_alive: weakref.WeakSet[Engine] = weakref.WeakSet()
_never_free = False


def engine_for(path: Path) -> Engine:
    """The one engine of that file in this process, with settings from the environment."""
    from chainkit_providers.local.engine import Engine

    path = path.resolve()
    with _lock:
        if path not in _shared:
            _shared[path] = Engine(path)
        return _shared[path]


def watch(engine: Engine) -> None:
    """An engine has loaded its model: close it with the process, let go of it after a fork."""
    _alive.add(engine)


def may_free() -> bool:
    """Whether a model may be taken out of memory: not in a child that was forked beside a loaded one."""
    return not _never_free


def close_all() -> None:
    """Free every loaded model. They load again when they are called."""
    for engine in tuple(_alive):
        engine.close()
        _alive.discard(engine)


def _forget() -> None:
    """In a forked child llama.cpp's threads do not exist: to wait for them, as its clean-up does, is for ever.

    So nothing of it is freed in such a child, and it ends without the library's destructors. A model that is
    called here is loaded anew; its pages are shared with the parent through the file.
    """
    global _lock, _never_free  # a lock that another thread held at the fork is held for ever
    _lock = threading.Lock()
    held = [e for e in _alive if e.loaded]
    for engine in held:
        engine.abandon()
    _shared.clear()
    _alive.clear()
    if held:
        _never_free = True
        _end_without_destructors()


def _end_without_destructors() -> None:
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # glibc: called after Python has ended, with the exit code
        libc.on_exit(libc._exit, None)


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
