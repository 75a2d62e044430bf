"""Twenty real streams of each of OpenAI's wires, cut after every byte: what had arrived is kept, and nothing invented.

A stream that is cut before its end is broken and holds the text that came; one that is cut after its finish reason,
but before its usage, is whole but for that.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.errors import ReplyMalformed, StreamBroken
from chainkit.messages import Messages
from chainkit.models.pieces import TextPiece
from chainkit.models.request import ChatRequest
from chainkit.models.sse import SseParser
from chainkit_providers import gateways
from chainkit_providers.azure import provider as azure
from chainkit_providers.openai import CHAT, RESPONSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.models.reply import Reply

REQUEST = ChatRequest("m", Messages())
MANY = 20
LONGEST = 30_000
"""Bytes of a stream that is cut at each of them."""
BROKEN = ("groq-chat_stream-4eab04e1c5028e", "local_openai_compat-chat_stream-41c9acc87f1cbb")


def wire_of(line: Any) -> Any:
    """The wire that reads a stream: its own row's where it has one."""
    api = "responses" if "responses" in line.wire else "chat"
    if line.provider == "azure":
        return azure.wires[api]
    row = getattr(gateways, line.provider, None)
    own = row.wires.get(api) if isinstance(row, gateways.Gateway) else None
    return own or (RESPONSES if api == "responses" else CHAT)


def chosen(traffic: list[Any], wire: str) -> list[Any]:
    """Short streams of as many vendors as there are: always the same ones."""
    fitting = sorted(
        (line for line in traffic if line.wire == wire and len(line.body) <= LONGEST and line.id not in BROKEN),
        key=lambda line: line.id,
    )
    groups = {line.provider: [o for o in fitting if o.provider == line.provider] for line in fitting}
    turns = [line for turn in zip_longest(*groups.values()) for line in turn if line is not None]
    return turns[:MANY]


def cut(line: Any, at: int) -> tuple[Any, str]:
    """What a stream is that ends there, as its reader sees it: (the reply or the error, the text that was shown)."""
    fold, parser, shown = wire_of(line).fold(REQUEST), SseParser(), []
    events = [*parser.feed(line.body[:at])]
    for name, data in events:
        shown += fold.feed(name, data)
    try:
        for name, data in parser.rest():
            shown += fold.feed(name, data)
    except ReplyMalformed:
        """Half an event shows nothing."""
    text = "".join(p.text for p in shown if isinstance(p, TextPiece))
    try:
        return fold.finish(), text
    except StreamBroken as broken:
        return broken, text


def judged(found: Any, text: str, whole: Reply) -> bool:
    """Whether that is what a cut may make of a stream."""
    if isinstance(found, StreamBroken):
        return found.partial == text and whole.text.startswith(text)
    return found == whole and text == whole.text and found.usage in (whole.usage, type(whole.usage)())


def every_byte(line: Any) -> Iterator[tuple[int, Any, str]]:
    """A cut after each byte. Only where an event is whole, or whole but for its blank line, can anything change."""
    fold, parser, text, at = wire_of(line).fold(REQUEST), SseParser(), "", 0
    for at in range(1, len(line.body) + 1):
        for name, data in parser.feed(line.body[at - 1 : at]):
            text += "".join(p.text for p in fold.feed(name, data) if isinstance(p, TextPiece))
        if line.body[at - 1 : at] in (b"}", b"]", b"\n", b"\r"):
            yield at, *cut(line, at)
            continue
        try:
            yield at, fold.finish(), text
        except StreamBroken as broken:
            yield at, broken, text


@pytest.mark.parametrize("wire", ["openai_chat_stream", "openai_responses_stream"])
def test_a_stream_that_is_cut_after_any_byte_is_broken_or_whole(traffic: list[Any], wire: str) -> None:
    lines = chosen(traffic, wire)
    assert len(lines) == MANY
    for line in lines:
        whole, _ = cut(line, len(line.body))
        broken = [at for at, found, text in every_byte(line) if not judged(found, text, whole)]
        assert not broken, f"{line.id} cut at {broken[:5]}"
