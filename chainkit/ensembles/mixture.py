"""A mixture of agents: proposers in layers, and one that writes the answer from what the last layer said.

Wang and others, "Mixture-of-Agents Enhances Large Language Model Capabilities" (2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from chainkit.ensembles.fuse import fuse
from chainkit.ensembles.rounds import RoundRules, rounds

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Verdict
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply

R = TypeVar("R")


@overload
def mixture(
    proposers: Sequence[str | Chain[Promptable, Any]],
    aggregator: str,
    *,
    layers: int = ...,
    **rules: Unpack[RoundRules],
) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def mixture(
    proposers: Sequence[str | Chain[Promptable, Any]],
    aggregator: Chain[Promptable, R],
    *,
    layers: int = ...,
    **rules: Unpack[RoundRules],
) -> Chain[Promptable, Verdict[R]]: ...
def mixture(proposers: Sequence[Any], aggregator: Any, *, layers: int = 2, **rules: Any) -> Chain[Any, Any]:
    """Proposers answer, see in each further layer what all said, and answer anew; the aggregator writes the answer.

    It costs `layers` calls of each proposer and one of the aggregator. A proposer that fails in the first layer is a
    ballot with that reason, later it keeps what it said before. `.answer` streams the aggregator's text; the
    verdict's `ballots` are the last layer's, `earlier` those before, and the agreement is the last layer's.
    """
    return rounds("mixture", proposers, fuse(aggregator), layers, **rules)
