"""Thinking, calls and text in what a model wrote: whole, and in any pieces."""

from __future__ import annotations

import random
from typing import Any

import pytest

from chainkit.messages import Text, Thinking, ToolCall
from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit_providers.transformers.answer import Growing, reply
from chainkit_providers.transformers.writing import Row, Written

CALL = '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": "ü"}}\n</tool_call>'
WRITTEN: dict[str, tuple[str, list[Any]]] = {
    "text": ("Hello  there \n", [Text("Hello  there \n")]),
    "thinking": ("<think>\nhm, 2 < 3\n</think>\n\nYes.", [Thinking("\nhm, 2 < 3\n"), Text("Yes.")]),
    "thinking that was cut": ("<think>\nhm", [Thinking("\nhm")]),
    "a call": (CALL, [ToolCall("add", {"a": 1, "b": "ü"}, "call_1")]),
    "a call after text": (f"I add.\n\n{CALL}\n", [Text("I add."), ToolCall("add", {"a": 1, "b": "ü"}, "call_1")]),
    "two calls": (
        f"{CALL}\n{CALL}",
        [ToolCall("add", {"a": 1, "b": "ü"}, "call_1"), ToolCall("add", {"a": 1, "b": "ü"}, "call_2")],
    ),
    "a call without its end": (
        CALL.removesuffix("</tool_call>"),
        [ToolCall("add", {"a": 1, "b": "ü"}, "call_1")],
    ),
    "a call that was cut": ("So: " + CALL[:30], [Text("So: " + CALL[:30])]),
    "no call after all": ("a <tool_call>what</tool_call> b", [Text("a <tool_call>what</tool_call> b")]),
    "a tag that is none": ("a < b <tool> c <tool_", [Text("a < b <tool> c <tool_")]),
    "thinking, a call": (f"<think>t</think>\n{CALL}", [Thinking("t"), ToolCall("add", {"a": 1, "b": "ü"}, "call_1")]),
    "arguments that are none": (
        '<tool_call>{"name": "add", "arguments": 3}</tool_call>',
        [Text('<tool_call>{"name": "add", "arguments": 3}</tool_call>')],
    ),
}  # fmt: skip


def pieces(text: str, seed: int) -> list[str]:
    chance, cut, at = random.Random(seed), [], 0
    while at < len(text):
        size = chance.randint(1, 5)
        cut.append(text[at : at + size])
        at += size
    return cut


def said(parts: list[Any]) -> list[Any]:
    return [(type(p).__name__, getattr(p, "text", None) or (p.name, p.arguments, p.id)) for p in parts]


@pytest.mark.parametrize("name", WRITTEN)
def test_an_answer_in_any_pieces_is_the_same(name: str) -> None:
    text, parts = WRITTEN[name]
    for seed in range(25):
        growing = Growing(chat=True, tools=True)
        shown = [p for piece in pieces(text, seed) for p in growing.feed(piece)] + growing.rest()
        assert said(growing.parts) == said(parts)
        written = "".join(p.text for p in shown if isinstance(p, TextPiece))
        assert written == "".join(p.text for p in parts if isinstance(p, Text))
        thought = "".join(p.text for p in shown if isinstance(p, ThinkingPiece))
        assert thought == "".join(p.text for p in parts if isinstance(p, Thinking))
        called = [(p.index, p.name, p.id) for p in shown if isinstance(p, ToolPiece)]
        wanted = [p for p in parts if isinstance(p, ToolCall)]
        assert called == [(at, p.name, p.id) for at, p in enumerate(wanted)]


def test_without_tools_a_call_is_text_and_a_completion_is_nothing_else() -> None:
    plain = Growing(chat=True, tools=False)
    plain.feed(CALL)
    plain.rest()
    assert said(plain.parts) == [("Text", CALL)]
    raw = Growing(chat=False, tools=False)
    raw.feed("<think>x</think>y")
    raw.rest()
    assert said(raw.parts) == [("Text", "<think>x</think>y")]


def test_a_reply_counts_all_rows_and_keeps_the_reason() -> None:
    rows = [Row("Hi.", 3, "eos"), Row("Hi the", 4), Row(CALL, 9, "stop"), Row("b", 1, "stop", score=-0.5)]
    whole = reply(Written(rows, 10), "m", chat=True, tools=True)
    assert (whole.usage.input, whole.usage.output) == (10, 17)
    assert [(r.finish_reason, r.finish_word) for r in (whole, *whole.choices)] == [
        ("stop", "eos"),
        ("length", "length"),
        ("tool_calls", "stop"),
        ("stop", "stop"),
    ]
    assert whole.choices[-1].raw == {"score": -0.5}
    assert whole.cost.exact
