"""The six tasks that a newcomer tries first, in the lines that they may take."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from pages import ROOT, fences

ALLOWED = {
    "hello.py": 2,
    "typed_prompt.py": 4,
    "answers_from_a_folder.py": 4,
    "vote.py": 3,
    "careful.py": 3,
}


def _lines(source: str) -> list[str]:
    """The lines that count: not blank, no comments, not the pydantic class."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _script(name: str) -> str:
    return (ROOT / "cookbook" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "most"), ALLOWED.items())
def test_a_task_takes_no_more_lines_than_allowed(name: str, most: int) -> None:
    assert len(_lines(_script(name))) <= most


def test_the_provider_is_swapped_with_one_string() -> None:
    before, after = _script("hello.py").split('"'), _script("swap_the_provider.py").split('"')
    assert [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [1]


@pytest.mark.parametrize("name", ALLOWED)
def test_the_readme_shows_the_task_as_it_stands_in_the_cookbook(name: str) -> None:
    shown = [" ".join(_lines(f.text)) for f in fences(Path(ROOT / "README.md")) if f.language == "python"]
    assert any(" ".join(_lines(_script(name))) in text for text in shown)
