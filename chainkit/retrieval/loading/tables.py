"""Tables as text: each row a line that names its columns, so that a chunk out of the middle can be read."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Sequence
from typing import TextIO

from chainkit.documents import Document, Region
from chainkit.retrieval.loading.opened import Opened, clean
from chainkit.retrieval.loading.options import Unreadable, too_much
from chainkit.retrieval.loading.text import lines_of, part

_LOOKED_AT = 20
"""Lines in which the delimiter is looked for."""


class Columns:
    """The first row of a table, where it reads like names: then each further row says them."""

    def __init__(self, first: Sequence[str]) -> None:
        named = [c for c in first if c]
        self._names = list(first) if _names(named) else []
        self.line = " | ".join(named)

    def row(self, cells: Sequence[str]) -> str:
        """`name: value | name: value`, without what is empty."""
        pairs = itertools.zip_longest(self._names, cells, fillvalue="")
        return " | ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _names(cells: list[str]) -> bool:
    """Whether cells may be the names of columns: none twice, none a number, none a long text."""
    plain = [c for c in cells if len(c) <= 80 and not _number(c)]
    return len(cells) > 0 and len(plain) == len(cells) == len(set(cells))


def _number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def read_csv(opened: Opened) -> Iterator[Document]:
    """A table: its first row as it is, then a line for each. `row` counts records from 1, the first row's number."""
    limits, size, number = opened.options, 0, 1
    parts, regions, offset = list[str](), list[Region](), 0
    whole = opened.size <= limits.part_size
    for line, row in _lines(opened):
        if size + len(line) > limits.part_size and parts and not whole:
            yield part(opened, "".join(parts), number, offset, regions)
            offset, number, size, parts, regions = offset + size, number + 1, 0, [], []
        regions.append((size, {"row": row}))
        parts.append(line)
        size += len(line)
        if size > limits.max_chars:
            raise too_much(f"its text has {size:,} characters or more", limits, "max_chars")
    if number > 1:
        yield part(opened, "".join(parts), number, offset, regions)
    else:
        yield opened.document("".join(parts).rstrip("\n"), tuple(regions))


def _lines(opened: Opened) -> Iterator[tuple[str, int]]:
    columns: Columns | None = None
    for row, cells in _records(opened):
        shown = [" ".join(clean(cell).split()) for cell in cells]
        if not any(shown):
            continue
        if columns is None:
            columns = Columns(shown)
            yield columns.line + "\n", row
        else:
            yield columns.row(shown) + "\n", row


def _records(opened: Opened) -> Iterator[tuple[int, list[str]]]:
    limits = opened.options
    # One bound for the whole process is all that csv has; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), limits.max_row))
    stream = lines_of(opened, newline="")
    first = list(itertools.islice(_bounded(stream, opened), _LOOKED_AT))
    lines = itertools.chain(first, _bounded(stream, opened, len(first)))
    row = 0
    try:
        for row, cells in enumerate(csv.reader(lines, delimiter=_delimiter(opened, first)), start=1):
            if sum(map(len, cells)) > limits.max_row:
                raise _long_row(opened, row)
            yield row, cells
    except csv.Error as error:
        if "field limit" in str(error):
            raise _long_row(opened, row + 1) from error
        raise Unreadable(f"its row {row + 1:,} cannot be read as a table: {error}") from error


def _long_row(opened: Opened, row: int) -> Unreadable:
    what = f"its row {row:,} has more characters than that; a quote that is never closed does this"
    return too_much(what, opened.options, "max_row")


def _bounded(stream: TextIO, opened: Opened, before: int = 0) -> Iterator[str]:
    """Lines, none of them longer than a row may be."""
    most = opened.options.max_row
    for number in itertools.count(before + 1):
        line = stream.readline(most + 2)
        if not line:
            return
        if len(line) > most:
            raise too_much(f"its line {number:,} has more characters than that", opened.options, "max_row")
        yield line


def _delimiter(opened: Opened, lines: Sequence[str]) -> str:
    """What parts the cells: the sign that the first lines hold equally often, and often."""
    if opened.suffix in (".tsv", ".tab"):
        return "\t"
    rows = {sign: _widths(lines, sign) for sign in ",;\t|"}
    return max(rows, key=lambda sign: rows[sign])


def _widths(lines: Sequence[str], sign: str) -> tuple[float, int]:
    """(how many of the rows are as wide as most are, that width), where rows have more cells than one."""
    widths = [len(cells) for cells in csv.reader(lines, delimiter=sign) if cells][: _LOOKED_AT - 1]
    usual = max(set(widths), key=widths.count) if widths else 1
    return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 1)
