"""A debate: members see each other's answers, and may correct themselves, until they agree or the rounds are over.

Du and others, "Improving Factuality and Reasoning in Language Models through Multiagent Debate" (2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from chainkit.ensembles.combine import Combining, Picks
from chainkit.ensembles.judge import judge as judged
from chainkit.ensembles.rounds import RoundRules, rounds
from chainkit.ensembles.vote import vote
from chainkit.errors import CompositionError

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Verdict
    from chainkit.messages import Promptable
    from chainkit.models.reply import Reply

T = TypeVar("T")


@overload
def debate(
    members: Sequence[str],
    *,
    rounds: int = ...,
    judge: str | Picks[Reply] | None = ...,
    combine: Picks[Reply] | None = ...,
    **rules: Unpack[RoundRules],
) -> Chain[Promptable, Verdict[Reply]]: ...
@overload
def debate(
    members: Sequence[Chain[Promptable, T]],
    *,
    rounds: int = ...,
    judge: str | Picks[T] | None = ...,
    combine: Picks[T] | None = ...,
    **rules: Unpack[RoundRules],
) -> Chain[Promptable, Verdict[T]]: ...
def debate(
    members: Sequence[Any], *, rounds: int = 2, judge: Any = None, combine: Any = None, **rules: Any
) -> Chain[Any, Any]:
    """Members answer, see in each further round what all said and which answer was theirs, and answer anew.

    It ends when all agree, or after so many `rounds`; then `judge` (a model, or a combiner such as
    `judge("...", swap=True)`) picks, or `combine` (a vote unless said otherwise). A member that fails in the first
    round is a ballot with that reason, later it keeps what it said before. The verdict's `ballots` are the last
    round's, `earlier` those before.
    """
    return _debate(members, rounds, _decider(judge, combine), rules)


def _debate(members: Sequence[Any], number: int, combiner: Combining, rules: Any) -> Chain[Any, Any]:
    return rounds("debate", members, combiner, number, **rules)


def _decider(judge: Any, combine: Any) -> Combining:
    if judge is not None and combine is not None:
        msg = "debate() is decided by judge= or by combine=, not by both"
        raise CompositionError(msg)
    if judge is not None:
        return judge if isinstance(judge, Combining) else judged(judge)
    if combine is None:
        return vote()
    if not isinstance(combine, Combining):
        msg = f"combine={combine!r:.60} is no combiner"
        raise CompositionError(msg, cure="give vote(), weighted(...), medoid() or another one")
    return combine
