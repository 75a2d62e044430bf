"""Server-sent events, whole and in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainkit.errors import ReplyMalformed
from chainkit.models import sse
from chainkit.models.sse import SseParser


def parsed(*pieces: bytes) -> list[tuple[str, bytes]]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("lines", "events"),
    [
        ([b"data: one", b""], [("message", b"one")]),
        ([b"data: one", b"", b"data: two", b""], [("message", b"one"), ("message", b"two")]),
        ([b"event: ping", b"data: {}", b""], [("ping", b"{}")]),
        ([b"data: {}", b"event: ping", b""], [("ping", b"{}")]),
        ([b"data: one", b"data: two", b"data:", b"data: ", b""], [("message", b"one\ntwo\n\n")]),
        ([b"data:one", b""], [("message", b"one")]),
        ([b"data:  one", b""], [("message", b" one")]),
        ([b": a comment", b"data: one", b":", b""], [("message", b"one")]),
        ([b": only a comment", b"", b"data: one", b""], [("message", b"one")]),
        ([b"", b"", b"data: one", b"", b"", b"", b"data: two", b""], [("message", b"one"), ("message", b"two")]),
        ([b"id: 7", b"retry: 10", b"data: one", b"what: ever", b""], [("message", b"one")]),
        ([b"event: nothing said", b"", b"data: one", b""], [("message", b"one")]),
        ([b"event:", b"data: one", b""], [("message", b"one")]),
        ([b"data", b""], [("message", b"")]),
        ([b"data: a: b", b""], [("message", b"a: b")]),
        (["data: grün ☕ 👩‍👩‍👧".encode(), b""], [("message", "grün ☕ 👩‍👩‍👧".encode())]),
        ([b"\xef\xbb\xbfdata: after a mark", b""], [("message", b"after a mark")]),
        ([b"data: one", b"", b"\xef\xbb\xbfdata: no mark here", b""], [("message", b"one")]),
    ],
)
def test_a_stream_is_read_as_the_standard_says(lines: list[bytes], end: bytes, events: list[tuple[str, bytes]]) -> None:
    data = b"".join(line + end for line in lines)
    assert parsed(data) == events
    assert parsed(*(data[i : i + 1] for i in range(len(data)))) == events


def test_an_event_without_its_blank_line_is_only_given_when_asked_for() -> None:
    parser = SseParser()
    assert parser.feed(b"data: one\n\ndata: [DONE]\n") == [("message", b"one")]
    assert parser.rest() == [("message", b"[DONE]")]
    assert parser.rest() == []


def test_nothing_is_left_of_a_stream_that_ended_well() -> None:
    parser = SseParser()
    parser.feed(b"data: one\n\n")
    assert parser.rest() == []


def test_line_ends_may_be_mixed() -> None:
    assert parsed(b"data: one\r\n\ndata: two\r\r\ndata: three\n\r\n") == [
        ("message", b"one"),
        ("message", b"two"),
        ("message", b"three"),
    ]


def test_a_stream_that_makes_no_event_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_LIMIT", 1000)
    parser = SseParser()
    with pytest.raises(ReplyMalformed, match="no event"):
        for _ in range(200):
            parser.feed(b"x" * 10)


LINES = st.sampled_from(
    [b"data: x", b"data", b"data:y", b"event: e", b"event: f", b": note", b"id: 1", b"", b"", b"data: \xc3\xa4", b"odd"]
)


@given(
    st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=30),
    st.lists(st.integers(0, 300), max_size=10),
)
def test_how_the_network_cuts_a_stream_changes_nothing(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    # A lone \r at the end of a line may be half of a \r\n only where the next line is empty: keep ends alike.
    end = lines[0][1] if lines else b"\n"
    data = b"".join(line + end for line, _ in lines)
    places = sorted({0, len(data), *(c for c in cuts if c < len(data))})
    pieces = [data[a:b] for a, b in zip(places, places[1:], strict=False)]
    assert parsed(*pieces) == parsed(data) == list(_by_the_book([line for line, _ in lines]))


def _by_the_book(lines: list[bytes]) -> list[tuple[str, bytes]]:
    """The standard's own algorithm, a line at a time."""
    found: list[tuple[str, bytes]] = []
    name, data = b"", None
    for line in lines:
        if not line:
            if data is not None:
                found.append((name.decode() or "message", b"\n".join(data)))
            name, data = b"", None
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if field == b"data":
            data = [*(data or []), value]
        elif field == b"event":
            name = value
    return found
