"""JSON as text: a line for each value, named by the way to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

from chainkit.documents import Document, Region
from chainkit.retrieval.loading.decoding import text_of
from chainkit.retrieval.loading.opened import Growing, Opened, clean
from chainkit.retrieval.loading.options import Options, Unreadable, too_much
from chainkit.retrieval.loading.text import lines_of, part


def read_json(opened: Opened) -> Iterator[Document]:
    """`way.to.it: value` lines; of a list at the top each item is a block and a region (`row` from 1)."""
    value = parsed(opened, text_of(opened, opened.whole()))
    growing = Growing(opened)
    if isinstance(value, list):
        for row, item in enumerate(cast("list[Any]", value), start=1):
            growing.add(told(item, opened.options), row=row)
    else:
        growing.add(told(value, opened.options))
    title = cast("dict[str, Any]", value).get("title") if isinstance(value, dict) else None
    yield growing.document(title=title if isinstance(title, str) else None)


def read_jsonl(opened: Opened) -> Iterator[Document]:
    """A block for each line, with its number as `row`. A long file is read in parts."""
    limits, number, offset = opened.options, 1, 0
    texts, regions, size = list[str](), list[Region](), 0
    for row, text in _lines(opened):
        if opened.size > limits.part_size and texts and size + len(text) > limits.part_size:
            yield part(opened, "".join(texts), number, offset, regions)
            offset, number, size, texts, regions = offset + size, number + 1, 0, [], []
        regions.append((size, {"row": row}))
        texts.append(text)
        size += len(text)
    if number > 1:
        yield part(opened, "".join(texts), number, offset, regions)
    else:
        yield opened.document("".join(texts).rstrip("\n"), tuple(regions))


def _lines(opened: Opened) -> Iterator[tuple[int, str]]:
    stream, most, row = lines_of(opened), opened.options.max_row, 0
    while line := stream.readline(most + 2):
        row += 1
        if len(line) > most:
            raise too_much(f"its line {row:,} has more characters than that", opened.options, "max_row")
        if line.strip():
            text = clean(told(parsed(opened, line, row), opened.options))
            if text:
                yield row, text + "\n\n"


def parsed(opened: Opened, text: str, line: int | None = None) -> Any:
    """The value. Raises Unreadable that says where it is none."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise too_much("it is nested deeper than that", opened.options, "max_depth") from error
    except json.JSONDecodeError as error:
        where = f"line {line or error.lineno}, column {error.colno}"
        raise Unreadable(f"it is no JSON at {where}: {error.msg}") from error


def told(value: Any, limits: Options) -> str:
    """A value as lines. A list of plain values is one line. Raises Unreadable past `max_depth`."""
    lines: list[str] = []
    _tell(value, "", lines, limits, limits.max_depth)
    return "\n".join(lines)


def _tell(value: Any, name: str, lines: list[str], limits: Options, left: int) -> None:
    if left < 0:
        raise too_much("it is nested deeper than that", limits, "max_depth")
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            _tell(inner, f"{name}.{key}" if name else key, lines, limits, left - 1)
    elif isinstance(value, list):
        items = cast("list[Any]", value)
        if all(not isinstance(item, dict | list) for item in items):
            _say(name, ", ".join(_plain(item) for item in items), lines)
            return
        for n, item in enumerate(items, start=1):
            _tell(item, f"{name}.{n}" if name else str(n), lines, limits, left - 1)
    else:
        _say(name, _plain(value), lines)


def _say(name: str, text: str, lines: list[str]) -> None:
    if text:
        lines.append(f"{name}: {text}" if name else text)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)
