"""The page of dependencies names every package that is installed, as required or as an extra."""

from __future__ import annotations

import re
import tomllib

from pages import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEXT = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
REQUIRED, EXTRAS = TEXT.split("\n## Extras")


def _names(lines: list[str]) -> set[str]:
    return {re.split(r"[\[<>=~;]", line)[0] for line in lines} - {"chainkit"}


def _first_cells(text: str, column: int) -> set[str]:
    rows = [line.split("|")[column] for line in text.splitlines() if line.startswith("| ")]
    return {name for cell in rows for name in re.findall(r"[\w-]+", cell)}


def test_every_required_package_has_its_row() -> None:
    assert _names(PROJECT["dependencies"]) - _first_cells(REQUIRED, 1) == set()


def test_every_package_of_an_extra_has_its_row() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = {n for extra, lines in extras.items() if extra not in ("dev", "all") for n in _names(lines)}
    assert wanted - _first_cells(EXTRAS, 2) == set()


def test_every_extra_that_a_user_chooses_is_on_the_page() -> None:
    chosen = set(PROJECT["optional-dependencies"]) - {"dev", "all"}
    assert chosen - _first_cells(EXTRAS, 1) == set()
