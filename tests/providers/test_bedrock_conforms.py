"""Bedrock's Converse passes the suite, against a server that speaks AWS's frames."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from chainkit.run.carriers.clients import CLIENTS
from chainkit.testing import conformance

pytest.importorskip("botocore", reason="the extra [bedrock] is not installed")
# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent / "shapes"))
from converse import Converse

CLAUDE = conformance.provider("bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0", shape=Converse())
NOVA = conformance.provider("bedrock:amazon.nova-lite-v1:0", shape=Converse())


@pytest.fixture(autouse=True)
def _fresh_clients(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    yield
    CLIENTS.close_all()


@pytest.mark.parametrize("case", conformance(CLAUDE), ids=str)
def test_converse_conforms(case: Any) -> None:
    case.check()


@pytest.mark.parametrize("case", conformance(NOVA, modes=("invoke", "stream")), ids=str)
def test_so_does_another_maker_behind_it(case: Any) -> None:
    case.check()
