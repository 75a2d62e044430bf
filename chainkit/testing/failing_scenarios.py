"""Scenarios of the conformance suite where something fails: refusals, broken answers, time, leaving."""
# ruff: noqa: D103

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    ConnectionFailed,
    ContextTooLong,
    DeadlineExceeded,
    PermissionDenied,
    ProviderError,
    RateLimited,
    ReplyMalformed,
    ServerError,
    StreamBroken,
    UnknownModel,
)
from chainkit.messages import ToolCall
from chainkit.run.run import Run
from chainkit.testing import faults
from chainkit.testing.faults import Behaviour, Seen
from chainkit.testing.talking import KEY, STREAMS, TEXT, WHOLE, Talk, scenario, secret_free, told_to
from chainkit.testing.wire_bodies import Said, events, known

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.testing.server import FaultServer

_SHORT, _PATIENCE = 0.06, 1.0
"""A deadline, and the time by which everything must be over, seconds."""

# Refusals.


@scenario()
def a_wrong_key_is_said_once_and_never_shown(talk: Talk) -> None:
    with talk.serving(faults.status(401, f"Incorrect API key provided: {KEY}")) as server:
        chain, run = talk.model(server), Run()
        error = talk.fails(AuthenticationError, chain, run)
        assert len(server.requests) == 1
        assert isinstance(error, AuthenticationError)
        assert error.status == 401
        assert error.cure
        secret_free(chain, run, *run.rows, *(r.facts() for r in run.rows), *chain.render("hi"))


@scenario()
def a_bad_request_is_not_sent_again(talk: Talk) -> None:
    with talk.serving(faults.status(400, "no such field")) as server:
        error = talk.fails(BadRequest, talk.model(server))
        assert "no such field" in str(error)
        assert len(server.requests) == 1


@scenario()
def what_is_not_allowed_is_not_asked_again(talk: Talk) -> None:
    with talk.serving(faults.status(403, "no access to this model")) as server:
        error = talk.fails(PermissionDenied, talk.model(server))
        assert "no access to this model" in str(error)
        assert len(server.requests) == 1


@scenario()
def a_model_that_there_is_not_is_said_once(talk: Talk) -> None:
    with talk.serving(faults.status(404, "the model 'loopback' does not exist")) as server:
        error = talk.fails((BadRequest, UnknownModel), talk.model(server))
        assert "does not exist" in str(error)
        assert len(server.requests) == 1


@scenario()
def a_question_that_is_too_long_has_its_own_error(talk: Talk) -> None:
    code, told = known(talk.shape).too_long("99999 tokens > 8192 maximum")
    with talk.serving(faults.raw(json.dumps(told), status=code)) as server:
        talk.fails(ContextTooLong, talk.model(server))
        assert len(server.requests) == 1


@scenario()
def a_rate_limit_is_waited_for(talk: Talk) -> None:
    with talk.serving(faults.status(429, after=0.02), faults.status(429, after=0.02, form="ms"), "at last") as server:
        began, run = time.monotonic(), Run()
        assert talk.ask(talk.model(server), run=run).text == "at last"
        assert time.monotonic() - began >= 0.04
        assert [r.outcome for r in run.rows] == ["error", "error", "ok"]
        assert len(server.requests) == 3


@scenario()
def attempts_end(talk: Talk) -> None:
    with talk.serving(faults.status(429, after=0.0)) as server:
        talk.fails(RateLimited, talk.model(server, attempts=2))
        assert len(server.requests) == 2


@scenario()
def an_overload_is_tried_again(talk: Talk) -> None:
    for code in (500, 502, 503, 529):
        with talk.serving(faults.status(code, after=0.0), "well again") as server:
            assert talk.ask(talk.model(server)).text == "well again"
        with talk.serving(faults.web_page(code)) as server:
            talk.fails(ServerError, talk.model(server, attempts=1))


@scenario()
def a_redirect_is_not_followed(talk: Talk) -> None:
    with talk.serving(faults.redirect("http://127.0.0.1:9/elsewhere")) as server:
        talk.fails(BadRequest, talk.model(server))
        assert len(server.requests) == 1


# Malformed and cut.


@scenario()
def what_is_no_answer_is_malformed(talk: Talk) -> None:
    spoiled = [faults.bad_json(), faults.truncated_json(), faults.web_page(), faults.raw("[]"), faults.raw('"hi"')]
    for behaviour in (*spoiled, faults.empty_body(), faults.empty_stream()):
        with talk.serving(behaviour) as server:
            talk.fails((ReplyMalformed, StreamBroken), talk.model(server, attempts=1))


@scenario(*STREAMS)
def a_stream_cut_after_any_event_is_broken_or_whole(talk: Talk) -> None:
    said = Said("one two three", (ToolCall("now", {"a": 1}, "id_1"),))
    for count in range(len(events(talk.shape, said))):
        with talk.serving(faults.cut_after_event(count, faults.saying(said))) as server:
            error = talk.fails((StreamBroken, ConnectionFailed), talk.model(server, attempts=1))
            assert getattr(error, "partial", "") == "".join(talk.pieces)
            assert "one two three".startswith("".join(talk.pieces))


@scenario(*STREAMS)
def a_reset_stream_is_broken(talk: Talk) -> None:
    with talk.serving(faults.reset(faults.answer(TEXT), after=400)) as server:
        error = talk.fails((StreamBroken, ConnectionFailed), talk.model(server, attempts=1))
        assert TEXT.startswith(getattr(error, "partial", ""))
        assert server.wait_closed()


@scenario(*WHOLE)
def a_cut_answer_is_a_connection_that_failed(talk: Talk) -> None:
    for spoil in (faults.cut, faults.reset):
        for after in (-1, 0, 5):
            with talk.serving(spoil(after=after)) as server:
                talk.fails(ConnectionFailed, talk.model(server, attempts=1))


@scenario(*STREAMS)
def an_error_inside_a_stream_is_raised(talk: Talk) -> None:
    with talk.serving(faults.error_in_stream(3, faults.answer(TEXT), "overloaded today")) as server:
        error = talk.fails(ProviderError, talk.model(server, attempts=1))
        assert "overloaded today" in str(error)


def _same(talk: Talk, spoil: Callable[[Behaviour], Behaviour]) -> None:
    for seed in (None, 3):
        with talk.serving(spoil(faults.answer(TEXT)), seed=seed) as server:
            assert talk.ask(talk.model(server)).text == TEXT


@scenario(*STREAMS)
def comments_that_keep_a_line_open_are_no_events(talk: Talk) -> None:
    _same(talk, faults.comments)


@scenario(*STREAMS)
def lines_may_end_in_crlf(talk: Talk) -> None:
    _same(talk, faults.crlf)


@scenario(*STREAMS)
def characters_may_come_in_pieces(talk: Talk) -> None:
    _same(talk, faults.split_characters)


@scenario(*STREAMS)
def the_last_event_may_lack_its_blank_line(talk: Talk) -> None:
    _same(talk, faults.no_last_blank_line)


@scenario(*STREAMS)
def a_compressed_stream(talk: Talk) -> None:
    _same(talk, faults.gzipped)


@scenario(*WHOLE)
def a_compressed_answer(talk: Talk) -> None:
    with talk.serving(faults.gzipped(faults.answer(TEXT))) as server:
        assert talk.ask(talk.model(server)).text == TEXT


# Time, and leaving.


@scenario()
def a_slow_first_byte_is_waited_for(talk: Talk) -> None:
    with talk.serving(faults.stall(faults.answer(TEXT), seconds=0.05)) as server:
        assert talk.ask(talk.model(server)).text == TEXT


@scenario()
def a_deadline_cuts_every_wait_and_closes_the_connection(talk: Talk) -> None:
    for behaviour in (faults.stall(), faults.stall(after=20), faults.drip(faults.answer(TEXT), 0.02)):
        with talk.serving("ok", behaviour) as server:
            chain = talk.model(server)
            # A vendor's package may take a second to import; that is not the server's time.
            talk.ask(chain)
            began, run = time.monotonic(), Run(deadline=_SHORT)
            talk.fails(DeadlineExceeded, chain, run)
            assert time.monotonic() - began < _PATIENCE
            assert [r.outcome for r in run.rows] == ["cut"]
            assert server.wait_idle()


@scenario("stream", "astream", "ainvoke")
def leaving_closes_the_connection(talk: Talk) -> None:
    behaviour = faults.stall(faults.answer(TEXT), after=None if talk.mode == "ainvoke" else 900)
    with talk.serving(behaviour) as server:
        chain, run = talk.model(server), Run()
        if talk.mode == "stream":
            with chain.stream("hi", run=run) as stream:
                next(stream)
        else:
            asyncio.run(_left(talk, chain, server, run))
        assert server.wait_idle()
        assert [r.outcome for r in run.rows] == ["cancelled"]


async def _left(talk: Talk, chain: Chain[Any, Any], server: FaultServer, run: Run) -> None:
    if talk.mode == "astream":
        async with chain.astream("hi", run=run) as stream:
            await anext(stream)
        return
    task = asyncio.ensure_future(chain.ainvoke("hi", run=run))
    await asyncio.to_thread(server.wait_busy)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@scenario("invoke", "ainvoke")
def many_at_once_get_their_own_answers(talk: Talk) -> None:
    with talk.serving(_last_word) as server:
        chain, values = talk.model(server), [f"word-{i}" for i in range(20)]
        replies = chain.batch(values) if talk.mode == "invoke" else asyncio.run(chain.abatch(values))
        assert [r.text for r in replies] == values


def _last_word(seen: Seen) -> str:
    """The one word of the question, wherever this format holds it."""
    told = told_to(seen)
    return told[told.index("word-") :].split('"')[0]
