"""JSON in the middle of other text: in fences, before and after prose. Finds what is there, mends nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
"""A fenced block; the last one may lack its end. A line of JSON cannot begin with a fence inside a string."""

_OPENER = re.compile(r"[{\[]")
_BRACKET = re.compile(r"[{}\[\]]")
_QUOTED = re.compile(r'\\.|["{}\[\]]', re.DOTALL)


def found(text: str) -> list[str]:
    """Each outermost JSON object or list in the text, and each fence that holds JSON of any kind, in order."""
    return [c for segment, fenced in _segments(without_thinking(text)) for c in _in_segment(segment, fenced=fenced)]


def without_thinking(text: str) -> str:
    """The text without a `<think>` block at its start, where local models draft what they do not mean."""
    start = text.lstrip()
    return start.partition("</think>")[2] if start.startswith("<think>") else text


def _segments(text: str) -> Iterator[tuple[str, bool]]:
    at = 0
    for fence in FENCE.finditer(text):
        yield text[at : fence.start()], False
        yield fence[2], True
        at = fence.end()
    yield text[at:], False


def _in_segment(segment: str, *, fenced: bool) -> Iterator[str]:
    if fenced and is_json(segment):
        yield segment
        return
    at = 0
    while opener := _OPENER.search(segment, at):
        start = opener.start()
        end = _end(segment, start, quotes=True)
        if end and is_json(segment[start:end]):
            yield segment[start:end]
            at = end
        else:
            at = _end_of_broken(segment, start, end)


def is_json(text: str) -> bool:
    """Whether the text is one JSON document."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _end_of_broken(text: str, start: int, end: int | None) -> int:
    """Where a bracket that opens no JSON closes: what stands in it is a part, and must not pass for the whole.

    Prose has lone quotes and JSON has brackets in strings, so both readings count and the later end holds.
    """
    other = _end(text, start, quotes=False)
    return max(end, other) if end and other else len(text)


def _end(text: str, start: int, *, quotes: bool) -> int | None:
    """Where the bracket at `start` closes, brackets between quotes left out where `quotes` says so."""
    depth, quoted = 0, False
    for mark in (_QUOTED if quotes else _BRACKET).finditer(text, start):
        sign = mark[0]
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign in "{[":
            depth += 1
        elif not quoted and sign in "}]":
            depth -= 1
            if depth == 0:
                return mark.end()
    return None
