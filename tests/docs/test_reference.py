"""The reference holds every name that `from chainkit import ...` gives."""

from __future__ import annotations

import re

import chainkit
from pages import ROOT


def test_every_public_name_stands_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    shown = {line.rpartition(".")[2] for line in re.findall(r"^::: (\S+)$", text, re.M)}
    assert [name for name in chainkit.__all__ if name != "__version__" and name not in shown] == []
