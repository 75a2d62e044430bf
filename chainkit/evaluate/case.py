"""Cases: an input, and what is expected of it."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chainkit.errors import ChainkitError
from chainkit.evaluate.plain import canonical, digest


class EvaluationError(ChainkitError, ValueError):
    """Cases, results or metrics that cannot be used as they are."""


@dataclass(frozen=True)
class Case:
    """One question with its answer: `input` is what a chain is asked, `expected` what a metric compares with.

    `id` names it in a file of results; without one, `cases` and `evaluate` name it after its content. `tags` are
    words that a report can be split by, `data` whatever else is known of it.
    """

    input: Any
    expected: Any = None
    id: str | None = None
    tags: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __hash__(self) -> int:
        return hash((self.id, self.tags))

    @property
    def content(self) -> str:
        """A short name of its input: the same input has the same one."""
        return digest(self.input)


def identified(cases: Iterable[Case]) -> list[Case]:
    """The cases, each with an id of its own. Raises EvaluationError where there are none, or two have one id."""
    found = list(cases)
    if not found:
        msg = "there are no cases to measure with"
        raise EvaluationError(msg, cure="give at least one Case, or a file that holds some")
    twice = [name for name, count in Counter(c.id for c in found if c.id is not None).items() if count > 1]
    if twice:
        msg = f"{len(twice)} ids stand for more than one case, the first of them {twice[0]!r}"
        raise EvaluationError(msg, cure="give each case an id of its own, or none: then it is named after its content")
    return _named(found)


def _named(cases: list[Case]) -> list[Case]:
    """Cases without an id, named after their content; equal ones are numbered."""
    taken = {c.id for c in cases}
    seen: Counter[str] = Counter()
    found: list[Case] = []
    for case in cases:
        if case.id is not None:
            found.append(case)
            continue
        name = digest([case.input, case.expected])
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name}-{seen[name]}"
        while unique in taken:
            unique += "x"
        found.append(replace(case, id=unique))
    return found


def split(cases: Sequence[Case], share: float, seed: int = 0) -> tuple[list[Case], list[Case]]:
    """Two parts: `share` of the cases (0 to 1), and the rest.

    Each expected value has that share of its cases in the first part, to within one case. Which ones is drawn by
    `seed` and does not depend on the order of the cases; in both parts they stand in the order given.
    """
    if not 0 < share < 1:
        msg = f"split(share={share}): it is a share between 0 and 1"
        raise EvaluationError(msg)
    known = identified(cases)
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for case in known:
        groups[canonical(case.expected)].append(str(case.id))
    draw = random.Random(seed)  # noqa: S311 - drawing lots, not keeping secrets
    strata = [groups[key] for key in sorted(groups)]
    draw.shuffle(strata)
    line = [name for stratum in strata for name in draw.sample(sorted(stratum), len(stratum))]
    # Every 1/share-th of the line: each group has its share, and so has the whole.
    first = {name for i, name in enumerate(line) if math.floor((i + 1) * share + 1e-9) > math.floor(i * share + 1e-9)}
    return [c for c in known if c.id in first], [c for c in known if c.id not in first]
