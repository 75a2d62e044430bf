"""What is wrong with an answer, said once for two readers: the person, and the model that is asked again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chainkit.errors import Attempt, OutputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, ValidationError

Path: TypeAlias = tuple[str | int, ...]

SHOWN = 8
"""How many problems an error lists; a model mends the first ones first."""

WIDTH = 60
"""How much of a wrong value an error shows, in characters."""

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One misfit: where in the answer, what is wanted there, and what came instead."""

    path: Path
    wanted: str
    got: Any = _MISSING

    def __str__(self) -> str:
        came = "" if self.got is _MISSING else f"; got {shown(self.got)}"
        return f"{place(self.path)}: {self.wanted}{came}"


class Misfit(Exception):
    """A JSON document that is not of the type; `problems` say where."""

    def __init__(self, problems: list[Problem], *, syntax: str | None = None) -> None:
        super().__init__()
        self.problems = problems
        self.syntax = syntax


def place(path: Path) -> str:
    """A path as people write it: `authors[0].name`; the root is `answer`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "answer"


def shown(value: Any) -> str:
    """A value as JSON, cut to a readable length."""
    if isinstance(value, Mapping | list) and len(cast("Sequence[Any]", value)) > 4:
        return f"{'an object of' if isinstance(value, Mapping) else 'a list of'} {len(cast('Sequence[Any]', value))}"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= WIDTH else text[:WIDTH] + "…"


def unfit(name: str, problems: Sequence[Problem], raw: str | None) -> OutputError:
    """The error of an answer that was read and does not fit."""
    lines = [f"  {p}" for p in problems[:SHOWN]]
    if len(problems) > SHOWN:
        lines.append(f"  and {len(problems) - SHOWN} more")
    return output_error(f"the answer is not a valid {name}:\n" + "\n".join(lines), raw)


def output_error(message: str, raw: str | None) -> OutputError:
    """An OutputError that carries the raw answer."""
    error = OutputError(message)
    error.attempts = (Attempt(error=message, text=raw),)
    return error


def from_pydantic(error: ValidationError, document: Any) -> list[Problem]:
    """Pydantic's findings on `document` in our words, paths as they stand in the JSON."""
    return [_problem(d, document) for d in error.errors(include_url=False, include_context=False)]


def _problem(detail: ErrorDetails, document: Any) -> Problem:
    kind, message = detail["type"], detail["msg"]
    path = _in_document(detail["loc"], document, absent=kind == "missing")
    if kind == "missing":
        return Problem(path, "missing")
    if kind == "extra_forbidden":
        return Problem(path, "no such field")
    return Problem(path, _wanted(message), detail["input"])


def _wanted(message: str) -> str:
    for start in ("Input ", "Value error, ", "Assertion failed, "):
        if message.startswith(start):
            return message.removeprefix(start)
    return message[:1].lower() + message[1:]


def _in_document(loc: Path, document: Any, *, absent: bool) -> Path:
    """Pydantic's location without the names of union members and validators, which no answer holds."""
    path: list[str | int] = []
    for n, step in enumerate(loc):
        if absent and n == len(loc) - 1:
            path.append(step)
        elif _holds(document, step):
            path.append(step)
            document = document[step]
    return tuple(path)


def _holds(document: Any, step: str | int) -> bool:
    if isinstance(document, list):
        return isinstance(step, int) and 0 <= step < len(cast("list[Any]", document))
    return isinstance(document, dict) and step in document


def is_wrapper(document: Any) -> bool:
    """Whether a JSON document has the form that types which are no objects are asked for in."""
    return isinstance(document, dict) and cast("dict[str, Any]", document).keys() == {"value"}


def without_nulls(document: Any, problems: Sequence[Problem]) -> Any | None:
    """The document without the object fields that are null and should not be; None where there are none.

    A dialect that wants every field required lets a model say "absent" as null.
    """
    paths = [p.path for p in problems if p.got is None and p.path and isinstance(p.path[-1], str)]
    for path in paths:
        document = _without(document, path)
    return document if paths else None


def _without(document: Any, path: Path) -> Any:
    step, rest = path[0], path[1:]
    if not _holds(document, step):
        return document
    if isinstance(document, list):
        items = cast("list[Any]", document)
        return [_without(v, rest) if i == step else v for i, v in enumerate(items)]
    fields = cast("dict[str, Any]", document)
    if not rest:
        return {k: v for k, v in fields.items() if k != step}
    return {k: _without(v, rest) if k == step else v for k, v in fields.items()}
