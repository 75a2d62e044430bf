"""What the ensemble tests share: one question on the scripted clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainkit import Run
from chainkit.testing.clock import ScriptedIo


@contextmanager
def scripted(**rules: Any) -> Iterator[Run]:
    io = ScriptedIo()
    try:
        yield Run(io=io, keep=True, **rules)
    finally:
        io.close()


def ask(chain: Any, question: Any = "hi", **rules: Any) -> Any:
    with scripted(**rules) as run:
        return chain.invoke(question, run=run)
