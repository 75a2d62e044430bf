"""Conversations in a folder: one file each, one line of JSON for all that was added at once.

A line counts once it is whole. What a crash left of one is no line, and is cut off by the next who writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from chainkit.errors import ChainkitError
from chainkit.memory.as_json import joined, line_of
from chainkit.memory.store import named
from chainkit.messages import Message, Messages

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")
_BLOCK = 65536
_LONGEST = 150
"""Characters of a file's name that come from the conversation's."""


class FileMemory:
    """Conversations in the folder `path`, which is made where it is missing. Every line is on the disk when `add` returns.

    Writers in several processes wait for each other by the system's file locks; where it has none (Windows), one process
    at a time may write.
    """

    name = "file"
    remote = False

    def __init__(self, path: str | Path | None) -> None:
        if path is None:
            raise ChainkitError("a memory in files needs a folder", cure='memory("file:chats")')
        self._folder = Path(path).resolve()
        self.where = str(self._folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"{self.where} cannot be a folder of conversations: {error}"
            raise ChainkitError(msg, cure="name another folder") from error

    def turns(self, conversation: str) -> Messages:
        """See `Memory.turns`."""
        path = self._path(conversation, "jsonl")
        return joined(_lines(path)[1:], str(path))

    def add(self, conversation: str, messages: Sequence[Message]) -> None:
        """See `Memory.add`."""
        path = self._path(conversation, "jsonl")
        if messages:
            _append(path, line_of(messages), {"conversation": conversation})

    def clear(self, conversation: str) -> None:
        """See `Memory.clear`."""
        for kind in ("jsonl", "notes"):
            self._path(conversation, kind).unlink(missing_ok=True)

    def conversations(self) -> list[str]:
        """See `Memory.conversations`."""
        found = (_lines(path) for path in self._folder.glob("chat-*.jsonl"))
        return sorted(json.loads(lines[0])["conversation"] for lines in found if len(lines) > 1)

    def note(self, conversation: str, name: str) -> str | None:
        """See `Memory.note`."""
        notes = [json.loads(line) for line in _lines(self._path(conversation, "notes"))[1:]]
        return next((note["text"] for note in reversed(notes) if note["name"] == name), None)

    def set_note(self, conversation: str, name: str, text: str) -> None:
        """See `Memory.set_note`."""
        path = self._path(conversation, "notes")
        _append(path, json.dumps({"name": name, "text": text}), {"conversation": conversation})

    def close(self) -> None:
        """Nothing is held open."""

    def _path(self, conversation: str, kind: str) -> Path:
        return self._folder / f"chat-{_safe(named(conversation))}.{kind}"

    def __repr__(self) -> str:
        return f"FileMemory({self.where!r})"


def _safe(name: str) -> str:
    """A name that no file system takes for another's, or for a path: of small letters, digits, `_`, `-` and `%`."""
    spelt = "".join(chr(b) if b in _PLAIN else f"%{b:02x}" for b in name.encode())
    if len(spelt) <= _LONGEST:
        return spelt
    return f"{spelt[:_LONGEST]}~{blake2b(name.encode(), digest_size=16).hexdigest()}"


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a file; the first says whose they are."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _append(path: Path, line: str, head: Any) -> None:
    with _locked(path) as file:
        end = _whole(file)
        if end == 0:
            line = f"{json.dumps(head)}\n{line}"
        os.truncate(file, end)
        _write(file, f"{line}\n".encode())
        os.fsync(file)
    if end == 0:
        _fsync_folder(path.parent)


def _whole(file: int) -> int:
    """Where the whole lines end."""
    end = os.lseek(file, 0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        os.lseek(file, start, os.SEEK_SET)
        at = os.read(file, end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _write(file: int, data: bytes) -> None:
    os.lseek(file, 0, os.SEEK_END)
    while data:
        data = data[os.write(file, data) :]


@contextmanager
def _locked(path: Path) -> Generator[int]:
    """The file, made where it is missing, for this writer alone."""
    lock = _lock()
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            lock(file)
            if _is_at(file, path):
                yield file
                return
        finally:
            os.close(file)


def _is_at(file: int, path: Path) -> bool:
    """Whether it was not cleared away while the lock was waited for."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


def _lock() -> Callable[[int], None]:
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        return lambda _: None
    return lambda file: fcntl.flock(file, fcntl.LOCK_EX)


def _fsync_folder(folder: Path) -> None:
    """The file's name too is on the disk."""
    if os.name != "posix":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
