"""Tokens as they come, as text: whole characters only, and nothing of a stop string."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEFORE = 6
"""Tokens of the prompt that are spelt with the first of the answer: some tokenizers drop a space at the beginning."""
_HALF = "\ufffd"


class Spelling:
    """The text of one answer, token by token."""

    __slots__ = ("_read", "_shown", "_tokenizer", "_tokens")

    def __init__(self, tokenizer: Any, prompt: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self._tokens = list(prompt[-_BEFORE:])
        self._shown = 0
        self._read = len(self._tokens)

    def feed(self, token: int) -> str:
        """The text that this token makes certain; empty in the middle of a character."""
        self._tokens.append(token)
        known, whole = self._spelt(self._read), self._spelt(len(self._tokens))
        if len(whole) <= len(known) or whole.endswith(_HALF):
            return ""
        self._shown, self._read = self._read, len(self._tokens)
        return whole[len(known) :]

    def rest(self) -> str:
        """The half of a character that nothing followed."""
        known, whole = self._spelt(self._read), self._spelt(len(self._tokens))
        self._read = len(self._tokens)
        return whole[len(known) :]

    def _spelt(self, end: int) -> str:
        some = self._tokens[self._shown : end]
        text: str = self._tokenizer.decode(some, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


class Stops:
    """Holds back what may be the beginning of a stop string, and ends the text before one."""

    __slots__ = ("_held", "_kept", "_stops", "hit")

    def __init__(self, stops: Sequence[str], kept: str | None = None) -> None:
        self._stops = [s for s in (*stops, kept) if s]
        self._kept = kept
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """The text that is certain; all that comes after a stop string is dropped. `kept` stands at the text's end."""
        if not self._stops:
            return text
        self._held += text
        found = [(at, s) for s in self._stops if (at := self._held.find(s)) >= 0]
        if found:
            at, stop = min(found)
            self.hit = True
            shown, self._held = self._held[: at + (len(stop) if stop == self._kept else 0)], ""
            return shown
        kept = max(_overlap(self._held, s) for s in self._stops)
        cut = len(self._held) - kept
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown

    def rest(self) -> str:
        """What was held back, and was no stop string."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """How many characters of the text's end are the stop string's beginning."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
