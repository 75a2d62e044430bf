"""The price list can be made newer on purpose, stays where a newer one cannot be had, and says its day."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from chainkit import profile
from chainkit.errors import ConnectionFailed, ReplyMalformed
from chainkit.models import price_list, prices
from chainkit.models.prices import price
from chainkit.usage import Usage

MILLION = Usage(input=1_000_000, output=1_000_000)
LIST = [
    {
        "id": "acme",
        "name": "Acme",
        "api_pattern": "https://acme[.]test",
        "models": [
            {
                "id": "tin",
                "match": {"equals": "tin"},
                "context_window": 4096,
                "prices": {"input_mtok": 1, "output_mtok": 2, "cache_read_mtok": 0.1},
                "price_variants": [{"when": {"service_tier": "flex"}, "prices": {"input_mtok": 0.5, "output_mtok": 1}}],
            }
        ],
    }
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from genai_prices.data_snapshot import set_custom_snapshot

    monkeypatch.setenv("CHAINKIT_CACHE", str(tmp_path))
    price_list._kept.cache_clear()
    yield
    set_custom_snapshot(None)
    price_list._kept.cache_clear()
    prices.forget()


@pytest.fixture
def served() -> Any:
    answers: list[bytes] = [json.dumps(LIST).encode()]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if answers[0] != b"gone" else 404)
            self.end_headers()
            self.wfile.write(answers[0])

        def log_message(self, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/prices.json", answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_shipped_list_says_its_package_and_the_day_of_its_newest_change() -> None:
    listed = profile("openai:gpt-4o-mini").prices
    assert listed is not None
    assert (listed.input, listed.output, listed.cached) == (0.15, 0.6, 0.075)
    assert listed.source.startswith("genai-prices ")
    assert listed.as_of is not None
    assert listed.as_of <= datetime.now(UTC).date()


def test_a_context_that_only_the_list_knows_is_taken_from_it() -> None:
    assert profile("xai:grok-4").context == profile("xai:grok-4").prices.context


def test_a_local_model_has_no_prices() -> None:
    assert profile("local:smollm2-135m").prices is None


def test_a_fetched_list_takes_the_shipped_ones_place_now_and_in_later_processes(served: Any) -> None:
    url, _ = served
    source, day = price_list.refresh(url)
    assert (source, day) == (url, datetime.now(UTC).date())
    assert price("acme", "tin", MILLION).low == pytest.approx(3.0)
    assert price("openai", "gpt-4o-mini", MILLION).kind == "Unknown"
    later_process()
    listed = prices.prices("acme", "tin")
    assert (listed.source, listed.as_of, listed.context) == (url, day, 4096)


def later_process() -> None:
    from genai_prices.data_snapshot import set_custom_snapshot

    set_custom_snapshot(None)
    price_list._kept.cache_clear()
    prices.forget()


def test_a_service_tier_has_its_own_price(served: Any) -> None:
    price_list.refresh(served[0])
    assert price("acme", "tin", MILLION, {"service_tier": "flex"}).low == pytest.approx(1.5)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'[{"id": 3}]', b"gone"])
def test_what_is_no_list_leaves_the_one_that_is_there(served: Any, body: bytes) -> None:
    url, answers = served
    answers[0] = body
    with pytest.raises((ReplyMalformed, ConnectionFailed)):
        price_list.refresh(url)
    assert price("openai", "gpt-4o-mini", MILLION).exact


def test_a_damaged_copy_in_the_cache_is_passed_over(served: Any) -> None:
    price_list.refresh(served[0])
    (price_list.folder() / "prices.json").write_text('{"source": "x"')
    later_process()
    assert price("openai", "gpt-4o-mini", MILLION).exact


def test_no_network_says_so_and_keeps_the_list() -> None:
    with pytest.raises(ConnectionFailed, match="could not be fetched"):
        price_list.refresh("http://127.0.0.1:9/prices.json")
    assert price("openai", "gpt-4o-mini", MILLION).exact


def test_sound_is_priced_by_its_seconds() -> None:
    minute = Usage(units=(("seconds", 60.0),))
    assert price("openai", "whisper-1", minute).low == pytest.approx(0.006)
    assert price("openai", "whisper-1", minute + minute).low == pytest.approx(0.012)


def test_what_is_priced_by_something_that_was_not_counted_is_unknown_and_not_nothing() -> None:
    assert price("openai", "whisper-1", MILLION).kind == "Unknown"
    assert price("openai", "tts-1", Usage(input=10)).kind == "Unknown"
    assert price("openai", "tts-1", Usage(units=(("characters", 1000.0),))).low == pytest.approx(0.015)


def test_a_price_for_each_request_is_counted() -> None:
    assert price("perplexity", "sonar", Usage(input=0, output=0)).low > 0
