"""What the commands say: results on stdout, everything else on stderr; one JSON document with --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from chainkit.errors import ChainkitError

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class Screen:
    """Where a command writes."""

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
        self.out = Console(highlight=False, soft_wrap=True)
        self.err = Console(stderr=True, highlight=False)

    def say(self, text: str = "", *, end: str = "\n") -> None:
        """A line of the result, exactly as it is."""
        sys.stdout.write(text + end)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """A line beside the result."""
        self.err.print(text, style="dim", markup=False)

    @contextmanager
    def progress(self, what: str) -> Generator[Callable[[int, int, str], None]]:
        """A bar beside the result, where a person watches: told (done, total, the next one). It is gone at the end."""
        bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                       console=self.err, transient=True)  # fmt: skip
        with bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total, _: bar.update(task, completed=done, total=total)

    def json(self, value: Any) -> None:
        """The one document."""
        self.say(json.dumps(plain(value), ensure_ascii=False, indent=2))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
        """Rows under columns."""
        table = Table(*columns, title=title, title_justify="left", header_style="bold")
        for row in rows:
            table.add_row(*("" if v is None else escape(str(v)) for v in row))
        self.out.print(table)


def fail(error: Exception) -> None:
    """An error as its message, place and cure."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if isinstance(error, ChainkitError):
        first, *rest = str(error).splitlines()
        console.print(f"{type(error).__name__}: {first}", style="red", markup=False)
        for line in rest:
            console.print(line, style="yellow" if line.startswith("  try:") else "dim", markup=False)
        return
    console.print(f"{type(error).__name__}: {error}", style="red", markup=False)
    for note in getattr(error, "__notes__", ()):
        console.print(note, style="dim", markup=False)


def plain(value: Any) -> Any:
    """A value as JSON data."""
    if hasattr(value, "ballots"):
        return _verdict(value)
    if hasattr(value, "finish_reason"):
        return {"text": value.text, "finish_reason": value.finish_reason, "usage": plain(value.usage)}
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {k: plain(v) for k, v in asdict(value).items() if v is not None}
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}  # pyright: ignore
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]  # pyright: ignore
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _verdict(value: Any) -> dict[str, Any]:
    return {
        "value": plain(value.value),
        "agreement": value.agreement,
        "entropy": value.entropy,
        "ballots": [{"member": b.member, "value": plain(b.value), "said": str(b)} for b in value.ballots],
    }
