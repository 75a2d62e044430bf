"""Recorded streams, vectors and refusals of Gemini: cut at every byte, and read by what they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any


from chainkit import errors as e
from chainkit.messages import Messages
from chainkit.models.embed import EmbedRequest
from chainkit.models.http_answer import last
from chainkit.models.pieces import TextPiece
from chainkit.models.request import ChatRequest
from chainkit.models.sse import SseParser
from chainkit_providers.google.embed import EMBED
from chainkit_providers.google.gemini import Gemini

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = ChatRequest("m", Messages())
WIRE = Gemini()
STREAMS = 50
LONGEST = 7_000


def outcome(events: list[tuple[str, bytes]], tail: bytes) -> Any:
    """What comes of a cut after these events and a part of the next one: the reply, or the error."""
    fold, parser, shown = WIRE.fold(REQUEST), SseParser(), []
    parser.feed(b": read before\n\n" + tail)

    def show(name: str, data: bytes) -> list[Any]:
        pieces = list(fold.feed(name, data))
        shown.extend(p.text for p in pieces if isinstance(p, TextPiece))
        return pieces

    for event in events:
        show(*event)
    last(parser, show)
    try:
        return fold.finish()
    except e.StreamBroken as broken:
        assert broken.partial == "".join(shown)
        return broken


def outcomes(body: bytes) -> Iterator[Any]:
    """What comes of a cut after each byte."""
    parser, events, tail = SseParser(), [], bytearray()
    yield outcome(events, b"")
    for at in range(len(body)):
        tail += body[at : at + 1]
        found = parser.feed(body[at : at + 1])
        events += found
        if found:
            tail.clear()
        yield outcome(events, bytes(tail))


def streams(traffic: list[Any]) -> list[Any]:
    """Different streams, none too long."""
    found = [n for n in traffic if n.wire == "gemini_stream" and n.body.startswith(b"data") and len(n.body) < LONGEST]
    return sorted(found, key=lambda n: (len(n.body) % 97, n.id))[:STREAMS]


def test_a_stream_cut_after_any_byte_is_broken_with_what_had_come_or_whole(traffic: list[Any]) -> None:
    lines = streams(traffic)
    assert len(lines) == STREAMS
    for line in lines:
        whole = None
        for at, told in enumerate(outcomes(line.body)):
            if isinstance(told, e.StreamBroken):
                # Once the last event is there, nothing that follows undoes it.
                assert whole is None, (line.id, at)
            else:
                whole = told
                assert whole.text == line.says["choices"][0]["text"], (line.id, at)
                assert whole.usage.output == line.says["output_tokens"], (line.id, at)
        assert whole is not None


def test_recorded_vectors_are_read_as_the_corpus_reads_them(traffic: list[Any]) -> None:
    lines = [n for n in traffic if n.kind == "embed" and n.provider in ("google", "google_vertex")]
    for line in lines:
        said = line.says["embed"]
        request = EmbedRequest("m", {}, texts=("",) * said["n"])
        got = EMBED.decode(json.loads(line.body), request)
        assert len(got) == said["n"]
        assert all(len(v) == said["dims"] for v in got)
        assert list(got[0][:4]) == said["head"]
        told = (said["usage"] or {}).get("promptTokenCount")
        if told is not None:
            assert got.usage.input == told
    assert len(lines) > 15


REFUSALS: dict[str, type[e.ProviderError]] = {
    "API key not valid": e.AuthenticationError,
    "API keys are not supported": e.AuthenticationError,
    "You exceeded your current quota": e.RateLimited,
    "is not found for API version": e.BadRequest,
    "exceeds the maximum number of tokens": e.ContextTooLong,
}


def test_every_recorded_refusal_is_an_error_of_its_class_with_a_cure_and_its_wait(traffic: list[Any]) -> None:
    lines = [n for n in traffic if n.kind == "error" and n.provider in ("google", "google_vertex")]
    for line in lines:
        told, error = line.says["error"], WIRE.error(line.status, line.headers, line.body)
        (wanted,) = [kind for said, kind in REFUSALS.items() if said in told["message"]]
        assert type(error) is wanted, line.id
        assert (error.status, error.code) == (told["status"], told["type"])
        assert error.retry_after == told.get("retry_delay_s")
        assert told["message"][:80] in str(error)
        assert error.cure
    assert len(lines) > 5
