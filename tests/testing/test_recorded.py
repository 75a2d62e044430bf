"""The suite against a service that is there: recorded once, and played without it."""

from __future__ import annotations

import json

import pytest

from chainkit.errors import ChainkitError
from chainkit.messages import ToolCall
from chainkit.run.carriers.clients import CLIENTS
from chainkit.testing import FaultServer, conformance, faults
from chainkit.testing.recorded import LIVE, LIVE_SCENARIOS

KEY = "sk-live-key-of-nobody-0123456789"


@pytest.fixture(autouse=True)
def _fresh_clients(monkeypatch):
    monkeypatch.delenv(LIVE, raising=False)
    yield
    CLIENTS.close_all()


def service(seen):
    """Answers as a service would: refuses what it does not know, and calls a tool where there are some."""
    if "no-such-model" in json.dumps(seen.json):
        return faults.status(404, "there is no such model")
    if seen.json.get("max_completion_tokens") == 16 or seen.json.get("max_tokens") == 16:
        return faults.answer("one two three", finish="length")
    if "response_format" in seen.json:
        return faults.answer('{"name": "Berlin", "country": "Germany"}')
    if seen.json.get("tools") and seen.json["messages"][-1]["role"] == "user":
        return faults.answer("", calls=[ToolCall("get_weather", {"city": "Paris"}, "call_1")])
    return faults.answer("Hello there.")


def cases(folder, server, **more):
    wrong = {"a wrong key is refused": "this service takes any key"}
    return conformance.recorded(
        "openai:gpt-4o", folder, base_url=server, api_key=KEY, api="chat", without=wrong, **more
    )


def test_what_was_recorded_live_is_played_without_the_service_and_without_the_key(tmp_path, monkeypatch):
    with FaultServer(service) as server:
        url = server.url_v1
        live = cases(tmp_path, url, live=True)
        assert len(live) == 2 * (len(LIVE_SCENARIOS) - 1)
        for case in live:
            case.check()
    tapes = [p.read_text() for p in tmp_path.rglob("*.json")]
    assert len(tapes) == len(live)
    assert not any(KEY in tape for tape in tapes)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    played = cases(tmp_path, url)
    assert [str(c) for c in played] == [str(c) for c in live]
    for case in played:
        case.check()


def test_a_case_that_failed_leaves_no_tape(tmp_path):
    with FaultServer(faults.answer("")) as server:
        case = cases(tmp_path, server.url_v1, live=True)[0]
        with pytest.raises(AssertionError):
            case.check()
    assert list(tmp_path.rglob("*.json")) == []


def test_the_variable_names_who_is_asked_live(tmp_path, monkeypatch):
    with pytest.raises(ChainkitError, match="no recordings") as caught:
        cases(tmp_path, "http://127.0.0.1:9")
    assert "CHAINKIT_LIVE=openai" in (caught.value.cure or "")
    monkeypatch.setenv(LIVE, "acme, openai")
    assert all(case.live for case in cases(tmp_path, "http://127.0.0.1:9"))
