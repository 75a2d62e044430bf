"""Results in a file: one line for each case, written as soon as it is there."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from chainkit.evaluate.case import Case, EvaluationError
from chainkit.evaluate.scored import Scored, scored

_BEGIN = '{"id"'


def read(path: str | Path) -> list[Scored]:
    """The results that a file holds. A last line that was cut short by a crash is left out; others raise."""
    text = _text(Path(path))
    *lines, rest = text.split("\n")
    found = [_line(line, f"{path}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    if rest.strip():
        if not _BEGIN.startswith(rest[: len(_BEGIN)]):
            found.append(_line(rest, f"{path}, line {len(lines) + 1}"))
            return found
        try:
            found.append(scored(json.loads(rest)))
        except (ValueError, KeyError, TypeError):
            """Cut short."""
    return found


def _text(path: Path) -> str:
    try:
        # A line that was cut short may end in the middle of a character.
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        msg = f"there is no file {path}"
        raise EvaluationError(msg) from None


def _line(line: str, where: str) -> Scored:
    try:
        return scored(cast("dict[str, Any]", json.loads(line)))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{where}: this is no result of evaluate()"
        raise EvaluationError(msg, cure="save= takes a file of its own, which only evaluate() writes") from error


class Saved:
    """A file of results that is read once and then added to; without a path it keeps nothing."""

    def __init__(self, path: str | Path | None, chain: str) -> None:
        self._path = None if path is None else Path(path)
        self._file: IO[str] | None = None
        self._found: dict[tuple[str | None, str], Scored] = {}
        if self._path is not None and self._path.exists():
            held = read(self._path)
            self._found = {(row.case.id, row.case.content): row for row in held if row.chain == chain}

    def found(self, case: Case) -> Scored | None:
        """The last result of that case with that input, unless the next try may go better."""
        row = self._found.get((case.id, case.content)) if self._found else None
        return None if row is None or row.transient else row

    def add(self, row: Scored) -> None:
        """Write a result; it is in the system's hands when this returns."""
        if self._file is not None:
            self._file.write(row.line() + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _mended(self._path)
            self._file = self._path.open("a", encoding="utf-8", newline="\n")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _mended(path: Path) -> None:
    """Cut off a last line without an end, so that the next result begins a line of its own."""
    if not path.exists() or not (held := path.read_bytes()) or held.endswith(b"\n"):
        return
    with path.open("r+b") as file:
        whole = held.rfind(b"\n") + 1
        try:
            scored(json.loads(held[whole:]))
        except (ValueError, KeyError, TypeError):
            file.truncate(whole)
        else:
            file.seek(0, 2)
            file.write(b"\n")
