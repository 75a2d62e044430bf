"""The header of a GGUF file: what the model is, and how long the file must be.

Only the header is read, and long lists in it are passed over. (The `gguf` package reads all of it into
numpy arrays: seconds, and five more packages.) Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chainkit.errors import ProviderError

if TYPE_CHECKING:
    from pathlib import Path

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    20: (32, 18), 23: (256, 136), 30: (1, 2), 39: (32, 17),
}  # fmt: skip
"""Tensor types: how many weights stand together in how many bytes. Of the others only the start is known."""


@dataclass(frozen=True, slots=True)
class Header:
    """`context` is the length the model was trained for; `size` the bytes that the file must have at least."""

    architecture: str
    name: str | None
    context: int | None
    template: str | None
    size: int


def read_header(path: Path) -> Header:
    """Read and check. Raises ProviderError where the file is no GGUF file or is cut short."""
    stat = path.stat()
    return _read(path, stat.st_size, stat.st_mtime_ns)


def not_whole(path: Path, why: str, cure: str | None = None) -> ProviderError:
    """The error for a file that cannot be used as it is."""
    cure = cure or "fetch it again, or copy it again from where it came"
    return ProviderError(f"{path} {why}", cure=cure, code="model_file")


@lru_cache(maxsize=32)
def _read(path: Path, size: int, stamp: int) -> Header:  # the stamp tells versions of a file apart
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise not_whole(path, "is not a GGUF model file")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                header = _parse(data)
            except (struct.error, UnicodeDecodeError, IndexError, KeyError):
                raise not_whole(path, f"is cut short or damaged within its header ({size:,} bytes)") from None
    if size < header.size:
        raise not_whole(path, f"is cut short: it has {size:,} bytes of {header.size:,}")
    return header


class _Cursor:
    """Reads one thing after the other."""

    __slots__ = ("at", "data")

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 4

    def number(self, form: str) -> Any:
        value = struct.unpack_from(form, self.data, self.at)[0]
        self.at += struct.calcsize(form)
        return value

    def text(self) -> str:
        length = self.number("<Q")
        raw = self.data[self.at : self.at + length]
        if len(raw) < length:
            raise IndexError
        self.at += length
        return raw.decode()

    def value(self) -> Any:
        kind = self.number("<I")
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._pass_over(self.number("<I"), self.number("<Q"))
        return self.number(_SCALARS[kind])

    def _pass_over(self, kind: int, count: int) -> None:
        if kind != _STRING:
            self.at += struct.calcsize(_SCALARS[kind]) * count
            return
        at, data, length = self.at, self.data, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + length(data, at)[0]
        self.at = at


def _parse(data: mmap.mmap) -> Header:
    cursor = _Cursor(data)
    cursor.number("<I")
    tensors, pairs = cursor.number("<Q"), cursor.number("<Q")
    facts: dict[str, Any] = {}
    for _ in range(pairs):
        key = cursor.text()
        facts[key] = cursor.value()
    end = max((_tensor_end(cursor) for _ in range(tensors)), default=0)
    grain = facts.get("general.alignment") or 32
    start = -(-cursor.at // grain) * grain
    kind = facts["general.architecture"]
    return Header(
        architecture=kind,
        name=facts.get("general.name"),
        context=facts.get(f"{kind}.context_length"),
        template=facts.get("tokenizer.chat_template"),
        size=start + end,
    )


def _tensor_end(cursor: _Cursor) -> int:
    cursor.text()
    weights = 1
    for _ in range(cursor.number("<I")):
        weights *= cursor.number("<Q")
    block, width = _BLOCKS.get(cursor.number("<I"), (weights, 0))
    start: int = cursor.number("<Q")
    return start + weights // block * width
