"""Every row passes the suite that a stranger's adapter is held to, against a server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chainkit.run.carriers.clients import CLIENTS
from chainkit.testing import conformance
from chainkit_providers import gateways
from chainkit_providers.gateways import Ended, Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = sorted(n for n, row in vars(gateways).items() if isinstance(row, Gateway) and not isinstance(row, Ended))
SHAPES = {"chat": "chat-completions", "responses": "responses"}


@pytest.fixture(autouse=True)
def _fresh_clients() -> Iterator[None]:
    yield
    CLIENTS.close_all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_row_conforms(name: str) -> None:
    row: Gateway = getattr(gateways, name)
    tools = bool(row.dialect.tool_choices)
    subject = conformance.provider(f"{name}:some-model", shape=SHAPES[row.default_api], under="/v1", tools=tools)
    # The wire itself is held to every mode elsewhere; here each row is asked in one of two.
    conformance.check(subject, modes=("invoke" if ROWS.index(name) % 2 else "stream",))
