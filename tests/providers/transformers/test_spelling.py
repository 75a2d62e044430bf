"""Tokens as text, and where a stop string ends it."""

from __future__ import annotations

from typing import Any

import pytest

from chainkit_providers.transformers.spelling import Spelling, Stops


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def decode(self, tokens: list[int], **_: Any) -> str:
        return bytes(tokens).decode("utf-8", "replace")


def test_only_whole_characters_are_shown() -> None:
    spelling, text = Spelling(Bytes(), b"prompt"), "aß日🙂b"
    shown = [spelling.feed(byte) for byte in text.encode()]
    assert [piece for piece in shown if piece] == list(text)
    assert spelling.rest() == ""


def test_half_a_character_at_the_end_is_shown_as_such() -> None:
    spelling = Spelling(Bytes(), b"")
    assert [spelling.feed(byte) for byte in "a日".encode()[:3]] == ["a", "", ""]
    assert spelling.rest() == "\ufffd"


class Words:
    """A tokenizer that drops the space at a text's beginning, as SentencePiece does."""

    def decode(self, tokens: list[str], **_: Any) -> str:
        return "".join(tokens).replace("_", " ").removeprefix(" ")


def test_a_space_at_the_beginning_of_the_answer_is_kept() -> None:
    spelling: Any = Spelling(Words(), ["_The", "_capital"])  # type: ignore[list-item]  # pyright: ignore
    assert [spelling.feed(t) for t in ("_is", "_Ber", "lin")] == [" is", " Ber", "lin"]


@pytest.mark.parametrize(
    ("pieces", "stops", "shown"),
    [
        (["Hello", " END", " more"], ["END"], "Hello "),
        (["Hel", "lo E", "N", "D!"], ["END"], "Hello "),
        (["Hello E", "N", "C"], ["END"], "Hello ENC"),
        (["a\n", "\nb"], ["\n\n"], "a"),
        (["one two"], ["two", "one"], ""),
        (["no stop"], [], "no stop"),
        (["aab", "aac"], ["aac"], "aab"),
    ],
)
def test_a_text_ends_before_its_first_stop_string(pieces: list[str], stops: list[str], shown: str) -> None:
    watch, found = Stops(stops), ""
    for piece in pieces:
        found += watch.feed(piece)
        if watch.hit:
            break
    assert found + ("" if watch.hit else watch.rest()) == shown


def test_the_end_of_a_call_belongs_to_the_answer() -> None:
    watch = Stops(["X"], kept="</call>")
    assert watch.feed("{}</ca") + watch.feed("ll> and") == "{}</call>"
    assert watch.hit
