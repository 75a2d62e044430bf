"""A completion: a raw text in, and the text that follows it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from chainkit import Chain, Fill, Reply, Run, completion, load, prompt, system, user
from chainkit.errors import BadRequest, CompositionError, RateLimited, StreamBroken
from chainkit.testing import ScriptedModel, check_laws
from chainkit.testing.faults import Seen, Told
from chainkit.testing.server import FaultServer

SPEC = "openai:davinci-002"


def chunk(text: str, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    choice = {"text": text, "index": index, "finish_reason": finish, "logprobs": None}
    return {"id": "cmpl-1", "object": "text_completion", "model": "davinci-002", "choices": [choice]}


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + (e if isinstance(e, bytes) else json.dumps(e).encode()) + b"\n\n" for e in events)


def goes_on(seen: Seen) -> Told:
    """A base model that says it is asked for two words more."""
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    if seen.json.get("stream"):
        told = sse(chunk(" is"), chunk(" here", "stop"), {**chunk(""), "choices": [], "usage": usage}, b"[DONE]")
        return Told(200, {"content-type": "text/event-stream"}, (told,), streamed=True)
    body = {**chunk(" is here", "stop"), "usage": usage}
    return Told(200, {"content-type": "application/json"}, (json.dumps(body).encode(),))


def asked(server: FaultServer, **options: Any) -> Chain[Any, Reply]:
    return completion(SPEC, base_url=server.url_v1, api_key="none", **options)


def test_the_text_goes_out_as_it_stands_and_what_follows_it_comes_back() -> None:
    with FaultServer(goes_on) as server:
        reply = asked(server, max_tokens=2, stop="\n", logprobs=1).invoke("Hello {world}")
    assert reply.text == " is here"
    assert (reply.usage.input, reply.usage.output, reply.finish_reason) == (5, 2, "stop")
    (seen,) = server.requests
    assert seen.path.endswith("/completions")
    assert seen.json == {
        "model": "davinci-002",
        "prompt": "Hello {world}",
        "max_tokens": 2,
        "stop": "\n",
        "logprobs": 1,
    }


def test_a_stream_shows_the_pieces_and_gives_the_same_reply() -> None:
    with FaultServer(goes_on) as server:
        with asked(server).stream("Hello") as stream:
            assert list(stream) == [" is", " here"]
        assert stream.value == asked(server).invoke("Hello")
        assert stream.value.usage == asked(server).invoke("Hello").usage


def test_it_keeps_the_laws_of_a_chain() -> None:
    runs = lambda: {"models": {"*": ScriptedModel("and so it ends")}}  # noqa: E731
    check_laws(completion(SPEC, max_tokens=3), ["Once", Fill("a", "b")], names={}, runs=runs)


def test_a_row_of_the_ledger_says_that_it_was_a_completion() -> None:
    with FaultServer(goes_on) as server, Run() as run:
        asked(server).invoke("Hello")
    (row,) = run.rows
    assert (row.kind, row.outcome, row.model) == ("complete", "ok", "davinci-002")
    assert run.usage.output == 2


def test_it_is_asked_again_where_the_server_is_busy() -> None:
    def busy(seen: Seen) -> Told:
        told = json.dumps({"error": {"message": "slow down", "type": "rate_limit_exceeded"}}).encode()
        return Told(429, {"content-type": "application/json", "retry-after": "0"}, (told,))

    with FaultServer([busy, goes_on]) as server:
        assert asked(server).invoke("Hello").text == " is here"
    with FaultServer(busy) as server, pytest.raises(RateLimited):
        asked(server, attempts=2).invoke("Hello")
    assert len(server.requests) == 2


def test_a_stream_that_breaks_off_keeps_what_had_come() -> None:
    def cut(seen: Seen) -> Told:
        return Told(200, {"content-type": "text/event-stream"}, (sse(chunk(" is")),), streamed=True)

    with FaultServer(cut) as server:
        stream = asked(server).stream("Hello")
        with pytest.raises(StreamBroken) as broken, stream:
            list(stream)
    assert broken.value.partial == " is"


def test_a_gap_goes_out_as_a_prefix_and_a_suffix() -> None:
    (rendered,) = completion("openai:gpt-3.5-turbo-instruct").render(Fill("def f(", "  return x"))
    assert (rendered.body["prompt"], rendered.body["suffix"]) == ("def f(", "  return x")


def test_a_prompt_of_one_turn_is_a_template_for_a_raw_text() -> None:
    chain = prompt("Q: {{ question }}\nA:", question=str) | completion(SPEC)
    (rendered,) = chain.render({"question": "why?"})
    assert rendered.body["prompt"] == "Q: why?\nA:"


def test_turns_are_refused_because_a_base_model_knows_none() -> None:
    chain = prompt(system("Be brief."), user("{{ a }}"), a=str) | completion(SPEC, api_key="none")
    with pytest.raises(CompositionError, match="got 2 messages"):
        chain.invoke({"a": "x"})


def test_what_is_no_text_is_refused_with_what_it_was() -> None:
    with pytest.raises(CompositionError, match="takes a text or a Fill.*int: 3"):
        completion(SPEC, api_key="none").invoke(3)


def test_a_chat_model_says_that_it_completes_nothing_before_anything_is_sent() -> None:
    with FaultServer(goes_on) as server, Run() as run:
        with pytest.raises(BadRequest, match="openai:gpt-5 completes no raw text.*nothing was sent") as error:
            completion("openai:gpt-5", base_url=server.url_v1, api_key="none").invoke("Hello")
        assert "model(" in (error.value.cure or "")
    assert (server.requests, list(run.rows)) == ([], [])


def test_an_option_that_the_model_cannot_honour_raises_before_anything_is_sent_or_is_left_out_by_wish() -> None:
    with FaultServer(goes_on) as server:
        with pytest.raises(BadRequest, match="'top_k'"):
            asked(server, top_k=4).invoke("Hello")
        assert server.requests == []
        reply = asked(server, top_k=4, unsupported="warn").invoke("Hello")
    assert "top_k" in reply.warnings[0]


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(CompositionError) as error:
        completion(SPEC, prompt_logprob=1)  # type: ignore[call-arg]
    assert "prompt_logprobs" in (error.value.cure or "")


def test_what_cannot_be_streamed_comes_in_one_piece() -> None:
    with FaultServer(goes_on) as server:
        for option in ({"best_of": 3}, {"prompt_logprobs": 0}):
            with asked(server, **option).stream("Hello") as stream:
                assert list(stream) == [" is here"]
    assert [("stream" in seen.json) for seen in server.requests] == [False, False]


def test_it_survives_a_dump_and_a_pickle() -> None:
    chain = completion(SPEC, max_tokens=4, stop=["a", "b"], attempts=1)
    assert load(chain.dump()) == chain
    assert pickle.loads(pickle.dumps(chain)) == chain


def test_a_dump_gets_no_address_in_among_the_options() -> None:
    for kind in ("completion", "model"):
        data = {"chainkit": 1, "chain": {"kind": kind, "spec": SPEC, "options": {"base_url": "http://elsewhere/v1"}}}
        with pytest.raises(CompositionError, match="'base_url' stands among a model's options"):
            load(data)
