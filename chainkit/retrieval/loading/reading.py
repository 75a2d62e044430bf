"""A source is opened, read by its kind's reader, and every way in which that fails is told in words."""

from __future__ import annotations

import gzip
import os
import stat
from collections.abc import Iterator

from chainkit.documents import Document
from chainkit.errors import ChainkitError
from chainkit.retrieval.loading.formats import Format, format_of, suffix_of, unknown, wanted
from chainkit.retrieval.loading.opened import Opened, utc
from chainkit.retrieval.loading.options import Options, Unreadable, too_much

_SORTS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_BLOCK = 1 << 20


def seen(path: str) -> os.stat_result:
    """What the file system knows of a file. Raises Unreadable for what is none."""
    try:
        about = os.stat(path)  # noqa: PTH116 - a hundred thousand times
    except OSError as error:
        raise Unreadable(str(error.strerror or error)) from error
    except ValueError as error:
        raise Unreadable(str(error)) from error
    return _plain(about)


def _plain(about: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(about.st_mode):
        what = next((word for is_it, word in _SORTS if is_it(about.st_mode)), "something else")
        raise Unreadable(f"it is {what}, not a file")
    return about


def read_file(path: str, limits: Options) -> Iterator[Document]:
    """The documents of a file. Raises Unreadable and MissingExtra."""
    seen(path)
    try:
        # A pipe that has taken the file's place since must not block.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise Unreadable(str(error.strerror or error)) from error
    with os.fdopen(number, "rb") as stream:
        before = _plain(os.fstat(number))
        known = {"source": path, "modified": utc(before.st_mtime)}
        name = os.path.basename(path)  # noqa: PTH119
        opened = Opened(path, name, suffix_of(name), stream, before.st_size, limits, known)
        for document, last in _one_behind(read_opened(opened)):
            after = os.fstat(number)
            if last and (after.st_mtime_ns, after.st_size) != (before.st_mtime_ns, before.st_size):
                raise Unreadable("it changed while it was read")
            yield document


def _one_behind(documents: Iterator[Document]) -> Iterator[tuple[Document, bool]]:
    """Each document, and whether it is the last."""
    held: Document | None = None
    for document in documents:
        if held is not None:
            yield held, False
        held = document
    if held is not None:
        yield held, True


def read_opened(opened: Opened, media: str = "") -> Iterator[Document]:
    """The documents of an open source. Raises Unreadable and MissingExtra, and nothing else."""
    found = format_of(opened.name, media)
    if found is None:
        raise unknown(opened.name)
    if not wanted(found, opened.suffix, opened.options):
        raise Unreadable(f"it is of the kind {found.kind}, which `kinds` leaves out")
    try:
        unpacked(opened)
        yield from found.read(opened)
    except (Unreadable, ChainkitError):
        raise
    except RecursionError as error:
        raise Unreadable(f"it is nested too deep to be read as {found.kind}") from error
    except MemoryError as error:
        raise Unreadable("there is not enough memory to read it") from error
    except Exception as error:
        raise _broken(found, error) from error
    finally:
        opened.close()


def _broken(found: Format, error: Exception) -> Unreadable:
    """What a parser says of a broken file: its first line, without this machine's objects in it."""
    said = " ".join(str(error).split()).partition(" at 0x")[0][:200]
    what = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return Unreadable(error.strerror)
    return Unreadable(f"it cannot be read as {found.kind}: {what}{': ' if said else ''}{said}")


def unpacked(opened: Opened) -> None:
    """Put what a gzip file holds in its place. Raises Unreadable past `max_unpacked`."""
    if not opened.name.lower().endswith(".gz"):
        return
    held, size = opened.temporary(), 0
    with gzip.GzipFile(fileobj=opened.stream) as packed:
        while block := packed.read(_BLOCK):
            size += len(block)
            if size > opened.options.max_unpacked:
                raise too_much(f"unpacked it has {size:,} bytes or more", opened.options, "max_unpacked")
            held.write(block)
    held.seek(0)
    opened.stream, opened.size = held, size
    opened.name = opened.name[:-3]
