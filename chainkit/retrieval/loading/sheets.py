"""Excel workbooks, by openpyxl, row by row: a region for each row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from chainkit.documents import Document
from chainkit.retrieval.loading.opened import Growing, Opened, package, utc
from chainkit.retrieval.loading.options import Unreadable
from chainkit.retrieval.loading.packed import plain_copy
from chainkit.retrieval.loading.tables import Columns

_MOST_ROWS = 1_048_576
"""Excel's own bound: a row that says it is far beyond would have all those before it gone through."""


def read_xlsx(opened: Opened) -> Iterator[Document]:
    """Sheets as `# name`, then a line for each row: `column: value | ...`. `sheet` and `row` are as in Excel.

    Formulas are read as the values that were last worked out.
    """
    openpyxl = package("openpyxl", "Excel files")
    growing = Growing(opened, gap="\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that hold no text
        book = openpyxl.load_workbook(plain_copy(opened), read_only=True, data_only=True)
        for sheet in book.worksheets:
            _rows(sheet, growing)
        about = book.properties
        book.close()
    yield growing.document(
        title=about.title, author=about.creator, language=about.language, modified=utc(about.modified)
    )


def _rows(sheet: Any, growing: Growing) -> None:
    columns: Columns | None = None
    # What a sheet says of its own size is often wrong.
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _MOST_ROWS:
            raise Unreadable(f"its sheet {sheet.title!r} has a row beyond {_MOST_ROWS:,}, which no sheet has")
        cells = [_shown(cell) for cell in row]
        if not any(cells):
            continue
        if columns is None:
            growing.add(("\n" if growing.size else "") + f"# {sheet.title}\n", sheet=sheet.title)
            columns = Columns(cells)
            growing.add(columns.line, sheet=sheet.title, row=number)
        else:
            growing.add(columns.row(cells), sheet=sheet.title, row=number)


def _shown(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if hasattr(cell, "isoformat"):
        text = str(cell.isoformat())
        return text.removesuffix("T00:00:00")
    return " ".join(str(cell).split())
