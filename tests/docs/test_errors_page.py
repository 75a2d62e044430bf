"""The page of errors names every class, and says of each rightly whether it is retried."""

from __future__ import annotations

import inspect

from chainkit import errors
from pages import ROOT

TEXT = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def _classes() -> list[type]:
    found = [c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.ChainkitError)]
    return [c for c in found if c not in (errors.ChainkitError, errors.ProviderError)]


def test_every_error_stands_in_the_table() -> None:
    assert [c.__name__ for c in _classes() if f"\n| `{c.__name__}`" not in TEXT] == []


def test_transient_errors_are_marked_as_retried() -> None:
    rows = {c.__name__: next(r for r in TEXT.splitlines() if r.startswith(f"| `{c.__name__}`")) for c in _classes()}
    transient = {c.__name__ for c in _classes() if getattr(c, "transient", False)}
    assert {name for name, row in rows.items() if "*retried*" in row} == transient
