"""A chain of token counts out of a chain that ends in a model: everything before the model is done, the model not asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.ending import asked_of, ending
from chainkit.errors import ProviderError
from chainkit.models.count import CountRequest, TokenCount, estimated
from chainkit.models.resolve import resolve
from chainkit.models.sending import sent
from chainkit.run.call import Tries

if TYPE_CHECKING:
    from chainkit.messages import Promptable
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

A = TypeVar("A")
_NO_SUCH_DOOR = frozenset({404, 405, 501})


@dataclass(frozen=True, repr=False)
class TokenCounter(Chain[Any, Any]):
    """Counts what a chain's last model would read."""

    chain: Chain[Any, Any]
    offline: bool = False

    @property
    def in_type(self) -> Any:
        return self.chain.in_type

    @property
    def out_type(self) -> Any:
        return TokenCount

    @property
    def label(self) -> str:
        return "tokens"

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return ((self.chain.label, self.chain),)

    def compile(self, place: Place) -> Core:
        at = ending(self.chain, "counting tokens")
        before = place.compile(at.before) if at.before is not None else None
        path = " > ".join(p for p in (place.path, at.model.label) if p)

        async def run(frame: Frame, value: Any) -> Any:
            value = value if before is None else await before(frame, value)
            resolved = resolve(at.model, frame.run)
            asked = asked_of(at.model, resolved, value)
            if self.offline or not getattr(resolved.backend, "counts", False):
                return estimated(asked)
            request = CountRequest(resolved.model, {}, lenient=at.model.lenient, asked=asked)
            try:
                return await sent(resolved, request, frame, path, Tries(frame.attempts or at.model.attempts))
            except ProviderError as error:
                if error.status not in _NO_SUCH_DOOR:
                    raise
                # A server of one's own that speaks the protocol without this part of it.
                told = estimated(asked)
                told.warnings = (f"{resolved.provider} does not count here ({error.status}): this is an estimate",)
                return told

        return run


def token_counter(
    chain: str | Chain[A, Any], *, offline: bool = False
) -> Chain[A, TokenCount] | Chain[Promptable, TokenCount]:
    """A chain that tells how many tokens the last model of `chain` would read, asking no model.

    A provider that counts is asked (an own, free call); for others, and with `offline=True`, it is an estimate
    that says so: `TokenCount.estimated`. Raises CompositionError for a chain without a model at its end.
    """
    whole = as_chain(chain)
    ending(whole, "counting tokens")
    return TokenCounter(whole, offline)
