"""Acme's adapter passes the suite, and what is Acme's alone is looked at here."""

from __future__ import annotations

from typing import Any

import pytest
from chainkit import embedder, model, profile
from chainkit.errors import BadRequest, StreamBroken
from chainkit.messages import Messages
from chainkit.models.request import ChatRequest
from chainkit.testing import FaultServer, conformance, faults
from chainkit_acme.reply import TalkFold
from shape import Talk

CHAT = conformance.provider("acme:acme-large", shape=Talk())
VECTORS = conformance.embedder(
    "acme:acme-embed",
    texts=lambda asked: asked["texts"],
    answer=lambda vectors, tokens: {"vectors": vectors, "used": {"read": tokens}},
    refusal=lambda status, message: {"problem": {"word": f"e{status}", "message": message}},
)


@pytest.mark.parametrize("case", conformance(CHAT), ids=str)
def test_acme_conforms(case: Any) -> None:
    case.check()


@pytest.mark.parametrize("case", conformance(VECTORS), ids=str)
def test_acme_embeds(case: Any) -> None:
    case.check()


def test_the_string_alone_finds_it() -> None:
    (asked,) = model("acme:acme-large", api_key="k", vendor={"acme_mood": "cheerful"}).render("hi")
    assert asked.url == "https://api.acme.example/v1/talk"
    assert asked.body["mood"] == "cheerful"
    assert asked.body["turns"] == [{"who": "user", "parts": [{"text": "hi"}]}]
    assert embedder("acme:acme-embed", api_key="k").render("hi")[0].url == "https://api.acme.example/v1/embed"
    assert profile("acme:acme-large").context == 200_000


def test_what_acme_does_not_take_is_refused_before_it_is_sent() -> None:
    with pytest.raises(BadRequest, match="top_k"):
        model("acme:acme-large", api_key="k", top_k=3).render("hi")


def test_a_seal_goes_back_to_acme() -> None:
    shape = Talk()
    with FaultServer([faults.saying(faults.Said("So.", thinking="Hm.")), "ok"], shape=shape) as server:
        chain = model("acme:acme-large", base_url=server.url, api_key="k")
        reply = chain.invoke("hi")
        chain.invoke(Messages((reply.message,)))
        assert server.requests[1].json["turns"][0]["parts"][0] == {"thought": {"text": "Hm.", "seal": "s"}}


def test_a_stream_cut_after_any_event_is_broken_and_keeps_what_came() -> None:
    shape = Talk()
    events = [shape.written(e).removeprefix(b"data: ") for e in shape.events(faults.Said("one two three"))]
    for count in range(len(events)):
        fold, shown = TalkFold(), ""
        for data in events[:count]:
            shown += "".join(piece.text for piece in fold.feed("", data))
        with pytest.raises(StreamBroken) as broken:
            fold.finish()
        assert broken.value.partial == shown


def test_a_request_is_read_without_a_server() -> None:
    body = Talk().body(faults.Said("So."))
    from chainkit_acme.chat import Talk as Wire

    assert Wire().decode(body).text == "So."
    assert Wire().encode(ChatRequest("m", Messages()), {}) == {"model": "m", "stream": False, "turns": []}
