"""Strengths out of comparisons: the model of Bradley and Terry."""

from __future__ import annotations

from collections.abc import Sequence

PRIOR = 0.1
"""Wins of each over each that are added to what was seen, so that one who always wins is not infinitely strong."""

_ROUNDS = 10_000
_NEAR = 1e-13


def strengths(wins: Sequence[Sequence[float]], prior: float = PRIOR) -> list[float]:
    """How strong each one is, adding up to 1: i beats j with probability `s[i] / (s[i] + s[j])`.

    `wins[i][j]` is how often i beat j; a tie is half a win for each. `prior` is added to each of them. The most likely
    strengths are found by the minorise-maximise steps of Hunter, "MM algorithms for generalized Bradley-Terry models",
    The Annals of Statistics 32 (2004).
    """
    n = len(wins)
    others = [[j for j in range(n) if j != i] for i in range(n)]
    won = [sum(wins[i][j] + prior for j in others[i]) for i in range(n)]
    played = [[wins[i][j] + wins[j][i] + 2 * prior for j in range(n)] for i in range(n)]
    found = [1 / n] * n
    if n == 1:
        return found
    for _ in range(_ROUNDS):
        new = [won[i] / sum(played[i][j] / (found[i] + found[j]) for j in others[i]) for i in range(n)]
        whole = sum(new)
        new = [s / whole for s in new]
        near = max(abs(a - b) for a, b in zip(new, found, strict=True)) < _NEAR
        found = new
        if near:
            break
    return found
