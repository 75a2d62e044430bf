"""A source while it is read, and the document that grows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import Any, BinaryIO, cast

from chainkit.documents import Document, Region
from chainkit.errors import MissingExtra
from chainkit.retrieval.loading.options import Options, too_much

_IN_MEMORY = 8 << 20
_UNPAIRED = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class Opened:
    """What a reader is given: the bytes, and what is known of them before they are read."""

    id: str
    name: str
    suffix: str
    stream: BinaryIO
    size: int
    options: Options
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    charset: str | None = None
    _held: list[BinaryIO] = field(default_factory=list[BinaryIO], repr=False)

    def temporary(self) -> BinaryIO:
        """A file for what is unpacked, in memory while it is small; it goes when the source has been read."""
        held = cast("BinaryIO", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - `close` does it
        self._held.append(held)
        return held

    def close(self) -> None:
        """Let the temporary files go."""
        for held in self._held:
            held.close()

    def whole(self) -> bytes:
        """All bytes. Raises Unreadable where they are more than `max_bytes`."""
        most = self.options.max_bytes
        data = b"" if self.size > most else self.stream.read(most + 1)
        if self.size > most or len(data) > most:
            raise too_much(f"it has {max(self.size, len(data)):,} bytes or more", self.options, "max_bytes")
        return data

    def document(self, text: str, regions: tuple[Region, ...] = (), **known: Any) -> Document:
        """The document of the whole source; what the file says of itself stands over what the folder says."""
        told = {k: clean(v) if isinstance(v, str) else v for k, v in known.items() if v not in (None, "", [])}
        return Document(self.id, clean(text), {**self.metadata, **told}, regions)


class Growing:
    """A text that grows by blocks, some of them the first of a region."""

    def __init__(self, opened: Opened, gap: str = "\n\n") -> None:
        self._opened = opened
        self._gap = gap
        self._texts: list[str] = []
        self.size = 0
        self.regions: list[Region] = []
        self._until = monotonic() + opened.options.max_seconds

    def add(self, text: str, **region: Any) -> None:
        """A block, and what holds from its first character on. Raises Unreadable past `max_chars`, `max_seconds`."""
        if monotonic() > self._until:
            raise too_much("it takes longer to read than that", self._opened.options, "max_seconds")
        text = clean(text)
        if not text:
            return
        if self._texts:
            self._texts.append(self._gap)
            self.size += len(self._gap)
        if region:
            self.regions.append((self.size, region))
        self._texts.append(text)
        self.size += len(text)
        if self.size > self._opened.options.max_chars:
            raise too_much(f"its text has {self.size:,} characters or more", self._opened.options, "max_chars")

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._texts)

    def document(self, **known: Any) -> Document:
        """The document of all blocks."""
        return self._opened.document(self.text, tuple(self.regions), **known)


def clean(text: str) -> str:
    """A text that can be written as UTF-8: halves of surrogate pairs are joined, lone ones become U+FFFD."""
    if text.isascii() or not _UNPAIRED.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def utc(when: datetime | float | None) -> str | None:
    """ISO 8601 in UTC, to the second; a time without a zone is taken for UTC."""
    if when is None:
        return None
    try:
        if not isinstance(when, datetime):
            when = datetime.fromtimestamp(when, UTC)
        elif when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        return when.astimezone(UTC).replace(microsecond=0).isoformat()
    except (OverflowError, ValueError, OSError):
        return None


def utc_of(text: str | None) -> str | None:
    """A date that a file gives as text, in ISO 8601; None where it is none."""
    if not text:
        return None
    try:
        return utc(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def package(name: str, what: str) -> Any:
    """A parser's package. Raises MissingExtra."""
    try:
        return import_module(name)
    except ImportError as error:
        msg = f"reading {what} needs the package {name.partition('.')[0]}"
        raise MissingExtra(msg, cure="pip install 'chainkit[documents]'") from error
