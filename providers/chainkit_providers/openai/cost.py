"""What a service itself says that an answer cost: better than any price list, where it is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainkit.usage import exact
from chainkit_providers.payload import Json, inner

if TYPE_CHECKING:
    from chainkit.usage import Cost, Usage
    from chainkit_providers.openai.dialect import Dialect

_TICKS = 10_000_000_000
"""xAI's ticks in a US dollar."""


@dataclass(frozen=True, slots=True)
class Told:
    """The price of one answer, as its vendor told it."""

    usd: float

    def __call__(self, usage: Usage) -> Cost:
        return exact(self.usd)


def told(usage: Json | None, dialect: Dialect) -> Told | None:
    """The cost that stands in an answer's usage, in the field that the vendor's row names."""
    if not usage or dialect.cost is None:
        return None
    outer, _, within = dialect.cost.partition(".")
    number = inner(usage, outer).get(within) if within else usage.get(outer)
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    if outer == "cost_in_usd_ticks":
        return Told(number / _TICKS)
    return Told(number + _upstream(usage))


def _upstream(usage: Json) -> float:
    """What a call with the user's own key at a third vendor cost there, beside the gateway's fee."""
    if not usage.get("is_byok"):
        return 0.0
    paid = inner(usage, "cost_details").get("upstream_inference_cost")
    return paid if isinstance(paid, int | float) else 0.0
