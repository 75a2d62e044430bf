"""When votes enough have been counted: a test that may be looked at after every vote.

PPR-1v1 of Jain and others, "PAC Mode Estimation using PPR Martingale Confidence Sequences" (2022). The leader is held
against each rival by itself: of the votes for either of the two, is the leader's share above one half? The answer stands
once the posterior density of one half, under a uniform prior, has fallen to the error allowed. By Ville's inequality
that holds at all times together, so that it is no fault to look after each vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cache
from math import comb
from typing import Any, Literal, get_args, get_origin

from chainkit.ensembles.combine import normal


def leads(votes: Sequence[int], confidence: float, answers: int | None = None) -> bool:
    """Whether the answer with the most votes is the most likely one, with that confidence.

    `votes` are those of each answer seen, in any order; `answers` how many answers are possible. Where that is not
    known, one more than were seen is taken, which is the paper's rule with a bound that grows as answers are seen: the
    error then rests on simulation, not on the theorem.
    """
    first, *rest = sorted(votes, reverse=True)
    possible = max(len(votes) + 1 if answers is None else answers, len(votes))
    if possible == 1:
        return True
    # The density grows with the rival's votes: who passes the strongest rival passes all of them.
    rival = rest[0] if rest else 0
    return first > rival and density(first, rival) <= (1 - confidence) / (possible - 1)


@cache
def density(one: int, other: int) -> float:
    """The density at 1/2 of Beta(one + 1, other + 1)."""
    whole = one + other
    return (whole + 1) * comb(whole, one) / 2**whole


def answers_of(kind: Any) -> int | None:
    """How many different answers a type allows (bool, Literal, Enum), or None where it does not tell."""
    if kind is bool:
        return 2
    if get_origin(kind) is Literal:
        return len({normal(v) for v in get_args(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return len(kind)
    return None
