"""What our wires send in the conformance scenarios is what their vendors, and a real server, take."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("botocore", reason="the extra [bedrock] is not installed")
# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
import accepted
from accepted import BY_SERVER, BY_TYPES, PAGE, SERVED, WIRES, problems, requests

from chainkit.run.carriers.clients import CLIENTS

pytestmark = pytest.mark.slow

LIMITS = {"openai chat": "max_completion_tokens", "openai responses": "max_output_tokens", "anthropic": "max_tokens"}


@pytest.fixture(autouse=True)
def _ready(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    yield
    CLIENTS.close_all()


@pytest.mark.parametrize("wire", WIRES)
def test_what_a_wire_sends_in_every_scenario_fits_its_vendors_own_types(wire: str) -> None:
    pytest.importorskip(WIRES[wire].package)
    explained = {scenario for name, scenario in BY_TYPES if name == wire}
    found = problems(wire)
    assert set(found) == explained, found
    assert len(requests(wire)) > 15  # noqa: PLR2004 - most scenarios ask something of their own


@pytest.mark.parametrize("wire", WIRES)
def test_the_types_refuse_what_they_do_not_know(wire: str) -> None:
    pytest.importorskip(WIRES[wire].package)
    import dataclasses

    seen = requests(wire)["text"][0]
    place = {"google": "generationConfig"}.get(wire)
    strange = {"no_such_field": 1}
    told = seen.json | ({place: {**seen.json.get(place, {}), **strange}} if place else strange)
    assert WIRES[wire].check(dataclasses.replace(seen, json=told))


def test_the_table_on_the_page_is_the_one_that_was_found() -> None:
    for wire in WIRES.values():
        pytest.importorskip(wire.package)
    held = PAGE.read_text(encoding="utf-8")
    shown = held.partition(accepted.BEGIN)[2].partition(accepted.END)[0].strip()
    assert shown == accepted.table(), "write it anew: python tests/providers/accepted.py --write"


def refused(wire: str, url: str) -> dict[str, str]:
    """What the real server says to each scenario's requests that it does not take; answers are kept short."""
    import httpx

    found: dict[str, str] = {}
    for scenario, asked in requests(wire).items():
        for seen in asked[:4]:
            body = seen.json | {LIMITS[wire]: 3}
            told = httpx.post(url + seen.path, json=body, timeout=60)
            if told.status_code != 200:  # noqa: PLR2004
                found[scenario] = told.text[:300]
    return found


@pytest.mark.local
@pytest.mark.xdist_group("real-server")
@pytest.mark.parametrize("wire", SERVED)
def test_a_real_server_takes_what_a_wire_sends_in_every_scenario(wire: str) -> None:
    from real_server import RealServer

    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    path = place(find("smollm2-135m"))
    if find_spec("xllamacpp") is None or not path.is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "the local model is not here: chainkit pull smollm2-135m"
        )
    with RealServer(path) as server:
        found = refused(wire, server.url)
    assert set(found) == {scenario for name, scenario in BY_SERVER if name == wire}, found
