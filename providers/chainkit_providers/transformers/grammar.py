"""Holds an answer to a grammar: llguidance says which tokens may come next, and the others' scores are cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest
from chainkit_providers.transformers import native

if TYPE_CHECKING:
    from chainkit_providers.transformers.loaded import Loaded

_NEVER = float("-inf")


class Grammar:
    """A step of choosing. The grammar is in llguidance's Lark form, as `grammar=` takes it.

    Raises BadRequest for a grammar that it does not read, or a tokenizer that it cannot follow.
    """

    def __init__(self, loaded: Loaded, grammar: str, prompt: int, rows: int) -> None:
        guiding = native.door("llguidance")
        words = _words(loaded)
        self._torch = native.door("torch")
        self._read = prompt
        self._rows = [guiding.LLMatcher(words, grammar, log_level=0) for _ in range(rows)]
        self._ends = loaded.ends
        if self._rows[0].is_error():
            msg = f"llguidance makes nothing of this grammar: {self._rows[0].get_error()}"
            raise BadRequest(msg, cure="a simpler output type, or a grammar in the Lark form of llguidance")

    def __call__(self, tokens: Any, scores: Any) -> Any:
        for row in range(len(self._rows)):
            self._follow(row, tokens[row, self._read :].tolist())
        self._read = tokens.shape[1]
        return self._torch.stack([self._cut(row, scores[row]) for row in range(len(self._rows))])

    def _follow(self, row: int, new: list[int]) -> None:
        matcher = self._rows[row]
        if new and not matcher.is_stopped() and not matcher.is_error():
            matcher.consume_tokens(new)

    def _cut(self, row: int, scores: Any) -> Any:
        matcher = self._rows[row]
        if matcher.is_stopped() or matcher.is_error():
            allowed = self._torch.zeros(scores.shape[0], dtype=self._torch.bool)
            allowed[self._ends] = True
        else:
            told = self._torch.frombuffer(bytearray(matcher.compute_logit_bias()), dtype=self._torch.uint8) != 0
            # A model may have more places for scores than its tokenizer has tokens.
            allowed = self._torch.zeros(scores.shape[0], dtype=self._torch.bool)
            size = min(len(told), len(allowed))
            allowed[:size] = told[:size]
        return scores.masked_fill(~allowed.to(scores.device), _NEVER)


def _words(loaded: Loaded) -> Any:
    """The tokenizer as llguidance knows it, made once: that takes a second for a large vocabulary."""
    if "words" not in loaded.kept:
        try:
            loaded.kept["words"] = native.door("llguidance.hf").from_tokenizer(loaded.tokenizer, eos_token=loaded.ends)
        except Exception as error:
            msg = f"the tokenizer of {loaded.name} is of a kind that no grammar can follow: {error}"
            raise BadRequest(
                msg, cure="ask for the form in words: output mode 'prompt', or use another model"
            ) from error
    return loaded.kept["words"]
