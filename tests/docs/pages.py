"""The pages that readers see, and the Python in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(
    r"^(?P<indent> *)(?P<mark>`{3,})(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)(?P=mark) *$", re.M | re.S
)
_INCLUDED = re.compile(r'^--8<-- "(?P<path>[^"]+)"$', re.M)
_SKIPPED = re.compile(r'title="not run: (?P<reason>[^"]{8,})"')


@dataclass(frozen=True)
class Fence:
    """A block of code in a page; `line` is that of its first line, from 1."""

    page: Path
    line: int
    language: str
    text: str
    skipped: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fences(page: Path) -> list[Fence]:
    """All blocks of a page, in order. One is skipped only by a reason that its reader sees as a title."""
    whole = page.read_text(encoding="utf-8")
    return [_fence(page, whole, found) for found in _FENCE.finditer(whole)]


def _fence(page: Path, whole: str, found: re.Match[str]) -> Fence:
    indent, info = found["indent"], found["info"].strip()
    body = "".join(line.removeprefix(indent) for line in found["body"].splitlines(keepends=True))
    body = _INCLUDED.sub(lambda m: (ROOT / m["path"]).read_text(encoding="utf-8"), body)
    skipped = _SKIPPED.search(info)
    line = whole.count("\n", 0, found.start("body")) + 1
    return Fence(page, line, info.split(" ")[0], body, skipped["reason"] if skipped else None)


def pages() -> list[Path]:
    """README, CONTRIBUTING and all pages of docs/ and cookbook/, except the data that recipes read."""
    own = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    inside = [p for folder in ("docs", "cookbook") for p in sorted((ROOT / folder).rglob("*.md"))]
    return [p for p in own + inside if p.is_file() and "data" not in p.relative_to(ROOT).parts]


def scripts() -> list[Path]:
    """The recipes that are whole files."""
    return sorted((ROOT / "cookbook").glob("*.py"))
