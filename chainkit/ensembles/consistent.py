"""Self-consistency: one chain asked several times, and what it says most.

Wang and others, "Self-Consistency Improves Chain of Thought Reasoning in Language Models" (2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from chainkit.compose.coerce import as_chain
from chainkit.compose.ending import Ending, ending
from chainkit.compose.sequence import sequence
from chainkit.ensembles.combine import Combiner, Picks
from chainkit.ensembles.members import asked
from chainkit.ensembles.using import as_combiner
from chainkit.ensembles.vote import vote
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.members import Rules
    from chainkit.ensembles.verdict import Verdict
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply

    Spread = Sequence[float] | None

A = TypeVar("A")
T = TypeVar("T")
R = TypeVar("R")


@overload
def consistent(
    chain: str,
    n: int,
    *,
    combine: Picks[Reply] = ...,
    temperatures: Spread = ...,
    seed: int | None = ...,
    **rules: Unpack[Rules],
) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def consistent(
    chain: Chain[A, T],
    n: int,
    *,
    combine: Picks[T] = ...,
    temperatures: Spread = ...,
    seed: int | None = ...,
    **rules: Unpack[Rules],
) -> Chain[A, Verdict[T]]: ...
@overload
def consistent(
    chain: str,
    n: int,
    *,
    combine: Combiner[Reply, R] | Callable[[list[Reply]], R],
    temperatures: Spread = ...,
    seed: int | None = ...,
    **rules: Unpack[Rules],
) -> Chain[Promptable, Verdict[R]]: ...
@overload
def consistent(
    chain: Chain[A, T],
    n: int,
    *,
    combine: Combiner[T, R] | Callable[[list[T]], R],
    temperatures: Spread = ...,
    seed: int | None = ...,
    **rules: Unpack[Rules],
) -> Chain[A, Verdict[R]]: ...
def consistent(
    chain: Any, n: int, *, combine: Any = None, temperatures: Spread = None, seed: int | None = None, **rules: Any
) -> Chain[Any, Any]:
    """`n` samples of one chain, combined by `vote()` unless said otherwise: an `ensemble` of the chain n times.

    The samples differ by the model's own chance. `temperatures` are given to the samples in turn, and `seed`,
    `seed + 1`, ... one to each; both need a chain that ends in a model. The rules are those of `ensemble`.
    Raises CompositionError for a model at temperature 0, which would be asked the same n times over.
    """
    if n < 1:
        msg = f"consistent(n={n}): it needs at least one sample"
        raise CompositionError(msg)
    members = _samples(as_chain(chain), n, temperatures, seed)
    return asked(members, as_combiner(vote() if combine is None else combine), **rules)


def _samples(chain: Chain[Any, Any], n: int, temperatures: Spread, seed: int | None) -> list[Chain[Any, Any]]:
    if temperatures is None and seed is None:
        _may_differ(chain, n)
        return [chain] * n
    end = ending(chain, "consistent(temperatures=, seed=)")
    found: list[Chain[Any, Any]] = []
    for number in range(n):
        changed: dict[str, Any] = {} if seed is None else {"seed": seed + number}
        if temperatures:
            changed["temperature"] = temperatures[number % len(temperatures)]
        found.append(_with(end, changed))
    return found


def _with(end: Ending, options: dict[str, Any]) -> Chain[Any, Any]:
    parts = [p for p in (end.before, end.model.having(options), end.after) if p is not None]
    return parts[0] if len(parts) == 1 else sequence(*parts)


def _may_differ(chain: Chain[Any, Any], n: int) -> None:
    """Refuse what can only say the same n times. A chain that does not end in a model is not looked into."""
    try:
        options = dict(ending(chain, "consistent()").model.options)
    except CompositionError:
        return
    if n > 1 and options.get("temperature") == 0:
        msg = f"consistent(n={n}) of a model at temperature 0 would ask the same {n} times"
        raise CompositionError(msg, cure="leave temperature out, or give temperatures=[0.5, 0.8, 1.0]")
    if n > 1 and options.get("seed") is not None:
        msg = f"consistent(n={n}) of a model with a seed would ask the same {n} times"
        raise CompositionError(msg, cure=f"give consistent(..., seed={options['seed']}) instead of the model's own")
