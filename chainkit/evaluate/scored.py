"""What one case came to: the line of a file of results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chainkit.evaluate.case import Case
from chainkit.evaluate.plain import plain
from chainkit.usage import FREE, NO_USAGE, Cost, Usage


@dataclass(frozen=True)
class Scored:
    """One case and what a chain made of it.

    `value` is plain data (a verdict's value, a reply's text); `scores` has each metric's number, and is 0 throughout
    where the chain failed with `error`. A metric that itself failed has no score, but a line in `unscored`.
    `usage`, `cost`, `calls` and `seconds` are the chain's alone; `scoring` is what the metrics cost. `agreement` and
    `confidence` are those of a verdict.
    """

    case: Case
    value: Any = None
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    error: str | None = None
    transient: bool = False
    usage: Usage = NO_USAGE
    cost: Cost = FREE
    calls: int = 0
    seconds: float = 0.0
    agreement: float | None = None
    confidence: float | None = None
    scoring: Cost = FREE
    unscored: Mapping[str, str] = field(default_factory=dict[str, str])
    chain: str = ""

    def __hash__(self) -> int:
        return hash((self.case, self.chain))

    def line(self) -> str:
        """It as one line of JSON."""
        case = self.case
        data: dict[str, Any] = {
            "id": case.id, "chain": self.chain, "content": case.content, "input": plain(case.input),
            "expected": plain(case.expected), "tags": list(case.tags), "data": plain(case.data), "value": self.value,
            "scores": dict(self.scores), "unscored": dict(self.unscored), "error": self.error,
            "transient": self.transient, "usage": {k: v for k, v in asdict(self.usage).items() if v not in (None, ())},
            "cost": [self.cost.low, self.cost.high], "scoring": [self.scoring.low, self.scoring.high],
            "calls": self.calls, "seconds": self.seconds, "agreement": self.agreement,
            "confidence": self.confidence,
        }  # fmt: skip
        return json.dumps(data, ensure_ascii=False)


def scored(data: Mapping[str, Any]) -> Scored:
    """The line's result; its case holds plain data."""
    case = Case(data["input"], data["expected"], data["id"], tuple(data["tags"]), data["data"])
    usage: dict[str, Any] = {**data["usage"], "units": tuple((n, v) for n, v in data["usage"].get("units", ()))}
    return Scored(
        case, data["value"], data["scores"], data["error"], data["transient"], Usage(**usage), Cost(*data["cost"]),
        data["calls"], data["seconds"], data["agreement"], data["confidence"], Cost(*data["scoring"]),
        data["unscored"], data["chain"],
    )  # fmt: skip
