"""Recorded answers of real providers are read as an independent parser reads them, line by line.

How a line is read and judged stands in `reading` and `judging`: a new wire is one row of `reading.READERS`.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chainkit.errors import AuthenticationError, BadRequest, ContextTooLong, ServerError, StreamBroken

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
import traffic_table
from judging import judged
from reading import (
    DIFFERS,
    GATEWAYS,
    OTHER_WIRES,
    RAISES,
    READERS,
    Reading,
    choice,
    differences,
    read,
    row_of,
    streamed,
    wire_of,
)

pytestmark = pytest.mark.slow

__all__ = ["GATEWAYS", "choice", "differences", "row_of"]

KINDS = ("chat", "chat_stream", "responses", "responses_stream", "messages", "messages_stream", "completion")
KINDS += ("embed", "rerank", "error", "image", "audio", "models", "other")


@pytest.mark.parametrize("kind", KINDS)
def test_every_recorded_answer_is_read_as_the_corpus_reads_it(everything: list[Any], kind: str) -> None:
    told = [judged(line) for line in everything if line.kind == kind]
    assert told
    wrong = [j.why for j in told if j.verdict == "wrong"]
    assert not wrong, "\n".join(wrong)


def test_every_wire_that_has_a_reader_has_answers_here(everything: list[Any]) -> None:
    wires = {line.wire.removesuffix("_stream") for line in everything if line.says}
    assert set(READERS) <= wires
    assert set(OTHER_WIRES) <= wires
    assert {*RAISES, *DIFFERS} <= {line.id for line in everything}


def test_most_of_the_corpus_agrees_and_little_is_left_out(everything: list[Any]) -> None:
    verdicts = Counter(judged(line).verdict for line in everything)
    assert verdicts["agree"] > 1500  # noqa: PLR2004 - the corpus is large
    assert verdicts["differ"] == len(DIFFERS)


CLASSES = {
    401: AuthenticationError,
    ("groq", 400): ServerError,
    ("openrouter", 400): ContextTooLong,
    ("perplexity", 400): ContextTooLong,
    404: BadRequest,
}
"""What a refusal is by its status, or by its vendor's words."""


def test_every_refusal_of_a_gateway_is_an_error_of_its_class_that_names_a_cure(traffic: list[Any]) -> None:
    lines = [line for line in traffic if line.provider in GATEWAYS and line.kind == "error"]
    for line in lines:
        row = GATEWAYS[line.provider]
        wire: Any = row.wires[row.default_api]
        error = wire.error(line.status, line.headers, line.body)
        assert type(error) is (CLASSES.get((line.provider, line.status)) or CLASSES[line.status]), line.id
        assert error.cure, line.id
        assert error.status == line.status
    assert len(lines) > 7  # noqa: PLR2004 - the corpus is large


def test_what_a_service_says_an_answer_cost_is_what_the_reply_costs(traffic: list[Any]) -> None:
    told: Counter[str] = Counter()
    for line in traffic:
        if line.provider not in ("openrouter", "perplexity", "xai") or wire_of(line) is None:
            continue
        reply = read(line)
        said = re.findall(rb'"(?:total_cost|cost|cost_in_usd_ticks|upstream_inference_cost)": ?([\d.e-]+)', line.body)
        if said:
            assert reply.cost.exact, line.id
            assert any(abs(reply.cost.low * scale - float(n)) < 1e-9 * scale for n in said for scale in (1, 10**10))
            told[line.provider] += 1
    assert set(told) == {"openrouter", "perplexity", "xai"}


def test_half_a_stream_is_a_broken_one_and_keeps_the_text_it_showed(traffic: list[Any]) -> None:
    streams = [line for line in traffic if wire_of(line) and streamed(line) and line.id not in RAISES]
    for line in streams:
        reading = Reading(line)
        events = reading.parser.feed(line.body)
        if len(events) < 10 or line.wire.startswith("writer"):  # noqa: PLR2004 - the end is in the first half, or nowhere
            continue
        for name, data in events[: len(events) // 2]:
            reading.show(name, data)
        with pytest.raises(StreamBroken) as broken:
            reading.fold.finish()
        assert broken.value.partial == reading.text, line.id


def test_every_citation_that_has_a_place_names_the_text_that_stands_there(traffic: list[Any]) -> None:
    placed = 0
    for line in traffic:
        if wire_of(line) is None or line.id in RAISES:
            continue
        reply = read(line)
        cited = [c for c in reply.citations if c.start is not None]
        assert [reply.text[c.start : c.end] for c in cited] == [c.text for c in cited], line.id
        placed += len(cited)
    assert placed > 100


def test_the_table_on_the_page_is_the_one_that_was_found(everything: list[Any]) -> None:
    held = traffic_table.PAGE.read_text(encoding="utf-8")
    shown = held.partition(traffic_table.BEGIN)[2].partition(traffic_table.END)[0].strip()
    assert shown == traffic_table.page(), "write it anew: python tests/providers/traffic_table.py --write"
