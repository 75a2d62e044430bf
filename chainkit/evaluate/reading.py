"""Cases from files, tables and objects."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from chainkit.errors import did_you_mean
from chainkit.evaluate.case import Case, EvaluationError, identified

Field: TypeAlias = "str | Sequence[str] | Callable[[Mapping[str, Any]], Any] | None"
"""Where a part of a case stands in a record: a field's name, several names (a mapping of them), or a function."""

Record: TypeAlias = "tuple[str, dict[str, Any]]"
"""Where it stands ("tests.csv, line 3"), and its fields."""


def cases(
    source: str | Path | Iterable[Any],
    *,
    input: Field = "input",
    expected: Field = "expected",
    id: Field = "id",
    tags: Field = "tags",
    encoding: str = "utf-8-sig",
) -> list[Case]:
    """Cases from a file (`.jsonl`, `.csv`, `.tsv`, `.json`) or from dicts, tuples, pydantic objects, dataclasses.

    `input`, `expected`, `id` and `tags` say where those stand: a field's name, a list of names (the input is then a
    dict of them, as a prompt with variables takes it), or a function of the record. All other fields are the case's
    `data`. A field that keeps its default name may be missing, except `input`. A tuple is `(input, expected)` or
    `(input, expected, id)`; tags may be a list, or a text with commas between. A CSV file has a header, and commas,
    semicolons or tabs between its fields. Raises EvaluationError with the line of what cannot be read, for ids that
    stand twice, and where there are no cases.
    """
    roles = Roles(input, expected, id, tags)
    if isinstance(source, str | Path):
        path = Path(source)
        records = [(where, record) for where, record in _of_file(path, encoding)]
        if not records:
            msg = f"{path} holds no cases"
            raise EvaluationError(msg)
        return _checked([(where, roles.case(where, record)) for where, record in records])
    return _checked([_given(roles, i, item) for i, item in enumerate(source)])


def _given(roles: Roles, number: int, item: Any) -> tuple[str, Case]:
    where = f"case {number}"
    return where, item if isinstance(item, Case) else roles.case(where, _fields(where, item))


def _checked(found: list[tuple[str, Case]]) -> list[Case]:
    seen: dict[str, str] = {}
    for where, case in found:
        if case.id is None:
            continue
        if case.id in seen:
            msg = f"{where}: the id {case.id!r} stands in {seen[case.id]} already"
            raise EvaluationError(msg, cure="give each case an id of its own, or id=None to name cases by content")
        seen[case.id] = where
    return identified(case for _, case in found)


@dataclass(frozen=True)
class Roles:
    """Which fields of a record are what."""

    input: Field
    expected: Field
    id: Field
    tags: Field

    def case(self, where: str, record: dict[str, Any]) -> Case:
        """The case that a record is."""
        asked = _role(where, record, self.input, "input", needed=True)
        name = _role(where, record, self.id, "id")
        return Case(
            asked,
            _role(where, record, self.expected, "expected"),
            None if name in (None, "") else str(name),
            _tags(_role(where, record, self.tags, "tags")),
            {k: v for k, v in record.items() if k not in self._used},
        )

    @property
    def _used(self) -> set[str]:
        used: set[str] = set()
        for role in (self.input, self.expected, self.id, self.tags):
            if isinstance(role, str):
                used.add(role)
            elif isinstance(role, Sequence):
                used.update(cast("Sequence[str]", role))
        return used


def _role(where: str, record: dict[str, Any], role: Field, word: str, *, needed: bool = False) -> Any:
    if role is None:
        if needed:
            msg = "cases(input=None): a case needs an input"
            raise EvaluationError(msg)
        return None
    if isinstance(role, str):
        return record.get(role) if role == word and not needed else _field(where, record, role, word)
    if callable(role):
        return _called(where, record, role, word)
    return {name: _field(where, record, name, word) for name in role}


def _called(where: str, record: dict[str, Any], role: Callable[[Mapping[str, Any]], Any], word: str) -> Any:
    try:
        return role(record)
    except Exception as error:
        msg = f"{where}: the function for {word}= raised {type(error).__name__}: {error}"
        raise EvaluationError(msg) from error


def _field(where: str, record: dict[str, Any], name: str, word: str) -> Any:
    if name not in record:
        msg = f"{where}: there is no field {name!r}"
        known = did_you_mean(name, list(record))
        raise EvaluationError(
            msg, cure=f"say which field it is with cases(..., {word}=...)" + (f"; {known}" if known else "")
        )
    return record[name]


def _tags(found: Any) -> tuple[str, ...]:
    if found is None:
        return ()
    if isinstance(found, str):
        return tuple(t.strip() for t in found.split(",") if t.strip())
    return tuple(str(t) for t in found)


_TUPLE = ("input", "expected", "id")


def _fields(where: str, item: Any) -> dict[str, Any]:
    kind = cast("Any", type(item))
    if isinstance(item, Mapping):
        return {str(k): v for k, v in cast("Mapping[Any, Any]", item).items()}
    if hasattr(item, "model_fields_set"):
        return {name: getattr(item, name) for name in kind.model_fields}
    if is_dataclass(item) and not isinstance(item, type):
        return {f.name: getattr(item, f.name) for f in fields(item)}
    if isinstance(item, tuple) and 1 <= len(held := cast("tuple[Any, ...]", item)) <= len(_TUPLE):
        return dict(zip(_TUPLE, held, strict=False))
    msg = f"{where} is a {kind.__name__}: {item!r:.80}"
    raise EvaluationError(
        msg, cure="give dicts, tuples (input, expected), pydantic objects, dataclasses or Case objects"
    )


# Files.


def _of_file(path: Path, encoding: str) -> Iterator[Record]:
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".tsv": _csv, ".json": _json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        msg = f"{path}: cases are read from .jsonl, .csv, .tsv and .json files"
        raise EvaluationError(msg, cure="read it yourself and give cases() a list of dicts")
    try:
        yield from reader(path, encoding)
    except FileNotFoundError:
        msg = f"there is no file {path}"
        raise EvaluationError(msg) from None
    except UnicodeDecodeError as error:
        msg = (
            f"{path} is not {encoding}: byte {error.start} ({error.object[error.start]:#04x}) is none of its characters"
        )
        raise EvaluationError(msg, cure='say how it is written, such as cases(..., encoding="cp1252")') from error


def _jsonl(path: Path, encoding: str) -> Iterator[Record]:
    with path.open(encoding=encoding, newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                where = f"{path}, line {number}"
                yield where, _fields(where, _parsed(line, where))


def _json(path: Path, encoding: str) -> Iterator[Record]:
    items = _parsed(path.read_text(encoding=encoding), str(path))
    if not isinstance(items, list):
        msg = f"{path} holds a {cast('Any', type(items)).__name__}, and not a list of cases"
        raise EvaluationError(msg)
    for number, item in enumerate(cast("list[Any]", items)):
        where = f"{path}, item {number}"
        yield where, _fields(where, item)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = where if ", line" in where else f"{where}, line {error.lineno}"
        msg = f"{at}: not JSON at column {error.colno} ({error.msg}): {text.strip()[:60]!r}"
        raise EvaluationError(msg) from error


def _csv(path: Path, encoding: str) -> Iterator[Record]:
    with path.open(encoding=encoding, newline="") as lines:
        delimiter = _delimiter(lines.readline())
        lines.seek(0)
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        line = 1
        try:
            header = [name.strip() for name in next(rows, list[str]())]
            line = rows.line_num + 1
            for row in rows:
                if row:
                    yield _row(f"{path}, line {line}", header, row)
                line = rows.line_num + 1
        except csv.Error as error:
            msg = f"{path}, line {line}: {error}"
            cure = (
                "write long texts as JSON lines" if "limit" in str(error) else 'double quotation marks in a field: ""'
            )
            raise EvaluationError(msg, cure=cure) from error


def _delimiter(header: str) -> str:
    """The mark between the fields: the one that the header has most of."""
    return max(",;\t", key=header.count)


def _row(where: str, header: list[str], row: list[str]) -> Record:
    if len(row) != len(header):
        msg = f"{where}: {len(row)} fields, and the header has {len(header)}"
        raise EvaluationError(msg, cure="put quotation marks around a field that holds the mark between fields")
    return where, dict(zip(header, row, strict=True))
