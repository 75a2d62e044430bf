"""Tokens are counted before anything is asked: by the provider that can, else as an estimate that says so."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainkit import Run, model, prompt
from chainkit.compose.count import token_counter
from chainkit.errors import AuthenticationError, CompositionError
from chainkit.models.count import TokenCount, estimate
from chainkit.testing import ScriptedModel


@pytest.fixture
def counting() -> Any:
    asked: list[tuple[str, Any]] = []
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            data = json.dumps({"input_tokens": 42, "error": {"message": "no"}}).encode()
            self.send_response(status[0])
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked, status
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_provider_that_counts_is_asked_with_what_the_model_would_read(counting: Any) -> None:
    url, asked, _ = counting
    chain = prompt("say {{ word }}", word=str) | model(
        "anthropic:claude-haiku-4-5", base_url=url, api_key="k" * 8, max_tokens=9, temperature=0
    )
    told = token_counter(chain).invoke({"word": "hello"})
    assert (told.tokens, told.estimated, str(told)) == (42, False, "42 tokens")
    ((path, body),) = asked
    assert path == "/v1/messages/count_tokens"
    assert "say hello" in json.dumps(body)
    assert not body.keys() & {"max_tokens", "temperature", "stream"}


def test_the_other_interface_counts_for_its_whole_vendor(counting: Any) -> None:
    url, asked, _ = counting
    chain = model("openai:gpt-4o-mini", base_url=f"{url}/v1", api_key="k" * 8, output=int)
    assert int(token_counter(chain).invoke("how many?")) == 42
    ((path, body),) = asked
    assert path == "/v1/responses/input_tokens"
    assert body["model"] == "gpt-4o-mini"
    assert "text" in body


def test_a_count_has_a_row_of_its_own_and_costs_nothing(counting: Any) -> None:
    with Run(keep=True) as run:
        token_counter(model("anthropic:claude-haiku-4-5", base_url=counting[0], api_key="k" * 8)).invoke("hi")
    (row,) = run.rows
    assert (row.kind, row.outcome, str(row.cost)) == ("count", "ok", "$0.000000")


def test_a_server_without_that_door_gives_an_estimate_with_a_warning(counting: Any) -> None:
    url, _, status = counting
    status[0] = 404
    told = token_counter(model("openai:gpt-4o-mini", base_url=f"{url}/v1", api_key="k" * 8)).invoke("hi there")
    assert told.estimated
    assert "does not count here" in told.warnings[0]
    status[0] = 401
    with pytest.raises(AuthenticationError):
        token_counter(model("openai:gpt-4o-mini", base_url=f"{url}/v1", api_key="k" * 8)).invoke("hi there")


def test_a_provider_that_does_not_count_is_not_asked() -> None:
    told = token_counter(ScriptedModel("x")).invoke("one two three four")
    assert told == TokenCount(tokens=told.tokens, estimated=True, model=told.model)
    assert 6 <= told.tokens <= 12
    assert str(told).startswith("about ")


def test_offline_asks_nobody(counting: Any) -> None:
    url, asked, _ = counting
    chain = model("anthropic:claude-haiku-4-5", base_url=url, api_key="k" * 8)
    assert token_counter(chain, offline=True).invoke("hi").estimated
    assert asked == []


@pytest.mark.local
def test_a_local_model_counts_itself_as_its_own_usage_does() -> None:
    chain = model("local:smollm2-135m", max_tokens=1)
    question = "Wie viele Wörter hat dieser Satz?"
    told = token_counter(chain).invoke(question)
    assert not told.estimated
    assert told.tokens == chain.invoke(question).usage.input


def test_a_chain_without_a_model_at_its_end_is_refused() -> None:
    with pytest.raises(CompositionError, match="ends in a model"):
        token_counter(prompt("x"))


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_is_never_fewer_tokens(a: str, b: str) -> None:
    assert estimate(a) >= 0
    assert estimate(f"{a}\n{b}") >= max(estimate(a), estimate(b))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Counted with the vocabulary of 200,000 entries that hosted models have had since 2024.
        ("The quick brown fox jumps over the lazy dog.", 10),
        ("Der schnelle braune Fuchs springt über den faulen Hund.", 14),
        ('{"name": "Ulm", "people": 126329}', 14),
    ],
)
def test_an_estimate_is_near_a_count(text: str, tokens: int) -> None:
    assert estimate(text) == pytest.approx(tokens, rel=0.35)
