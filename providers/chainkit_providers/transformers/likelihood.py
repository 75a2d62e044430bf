"""How likely tokens were, one object each, as Chat Completions tells it: `token`, `logprob`, `top_logprobs`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit_providers.transformers import native

if TYPE_CHECKING:
    from chainkit_providers.transformers.loaded import Loaded


class Probabilities:
    """A step of choosing that changes nothing: it sees the scores before anything else does, and writes them down.

    `rows` holds, for each answer, its tokens with the `most` likeliest beside each.
    """

    def __init__(self, loaded: Loaded, most: int, rows: int) -> None:
        self._torch = native.door("torch")
        self._loaded = loaded
        self._most = most
        self._now: Any = None
        self.rows: list[list[dict[str, Any]]] = [[] for _ in range(rows)]

    def __call__(self, tokens: Any, scores: Any) -> Any:
        self._now = self._torch.log_softmax(scores.float(), dim=-1)
        return scores

    def note(self, row: int, token: int) -> None:
        """That token was chosen in that row."""
        self.rows[row].append(_told(self._loaded, self._now[row], token, self._most))


def of_prompt(loaded: Loaded, tokens: list[int], most: int) -> list[dict[str, Any]]:
    """How likely each token of a prompt was after those before it; of the first nobody can say."""
    torch = native.door("torch")
    with torch.inference_mode():
        scores = loaded.model(torch.tensor([tokens], device=loaded.model.device)).logits[0, :-1]
    first: dict[str, Any] = {**_one(loaded, tokens[0], None), "top_logprobs": []}
    rest = [
        _told(loaded, torch.log_softmax(row.float(), dim=-1), token, most)
        for row, token in zip(scores, tokens[1:], strict=True)
    ]
    return [first, *rest]


def _told(loaded: Loaded, likely: Any, token: int, most: int) -> dict[str, Any]:
    values, numbers = likely.topk(most)
    others = [_one(loaded, n, v) for n, v in zip(numbers.tolist(), values.tolist(), strict=True)]
    return {**_one(loaded, token, float(likely[token])), "top_logprobs": others}


def _one(loaded: Loaded, token: int, logprob: float | None) -> dict[str, Any]:
    return {"token": loaded.tokenizer.decode([token]), "logprob": logprob}
