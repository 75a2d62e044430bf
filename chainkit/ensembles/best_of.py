"""Best of n: several samples of one chain, and the one with the highest score.

Cobbe and others, "Training Verifiers to Solve Math Word Problems" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from chainkit.ensembles.consistent import consistent
from chainkit.ensembles.scoring import best
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.combine import Picks
    from chainkit.ensembles.members import Rules
    from chainkit.ensembles.scoring import Score
    from chainkit.ensembles.verdict import Verdict
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply

    Spread = Sequence[float] | None

A = TypeVar("A")
T = TypeVar("T")


@overload
def best_of(
    chain: str,
    n: int,
    *,
    score: Picks[Reply] | Score[Reply],
    label: str | None = ...,
    enough: float | None = ...,
    temperatures: Spread = ...,
    seed: int | None = ...,
    **rules: Unpack[Rules],
) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def best_of(
    chain: Chain[A, T],
    n: int,
    *,
    score: Picks[T] | Score[T],
    label: str | None = ...,
    enough: float | None = ...,
    temperatures: Spread = ...,
    seed: int | None = ...,
    **rules: Unpack[Rules],
) -> Chain[A, Verdict[T]]: ...
def best_of(
    chain: Any,
    n: int,
    *,
    score: Any,
    label: str | None = None,
    enough: float | None = None,
    temperatures: Spread = None,
    seed: int | None = None,
    **rules: Any,
) -> Chain[Any, Any]:
    """`n` samples of one chain, and the one with the highest score: `consistent(chain, n, combine=best(score))`.

    `score` is what `best` takes: a function of the value, or of the question and the value; a chain to a number; a
    reranker; a classifier with `label`; or a combiner that picks, such as `judge(...)`. `enough` is a score at which
    asking stops, with `frugal=True` before the rest is asked. Temperatures, seeds and rules are those of `consistent`.
    """
    if n < 1:
        msg = f"best_of(n={n}): it needs at least one sample"
        raise CompositionError(msg)
    combine = best(score, label=label, enough=enough)
    return consistent(chain, n, combine=combine, temperatures=temperatures, seed=seed, **rules)
