"""From a model's name to whoever answers: late, by the run, so that a run may put a stand-in there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from chainkit.errors import ChainkitError, CompositionError
from chainkit.usage import FREE, UNKNOWN, Cost, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.models.profile import Profile
    from chainkit.models.provider import Account, Backend
    from chainkit.run.call import Tries
    from chainkit.run.limits import Limit
    from chainkit.run.run import Run

_CHARS = 2
"""Characters that a token has at the least, for an upper bound of a prompt's tokens. An estimate."""


def split(spec: str) -> tuple[str, str]:
    """(provider, model) of "provider:name". Raises CompositionError where it has no such form."""
    provider, colon, name = spec.partition(":")
    if not colon or not provider or not name or any(c.isspace() for c in provider):
        msg = f"{spec!r:.80} is no model: a model is written 'provider:name'"
        raise CompositionError(msg, cure=_meant(spec))
    return provider, name


def _meant(spec: str) -> str:
    """What a string may have been meant for that is no model."""
    text = f"for a text use prompt({spec!r:.40}) or constant({spec!r:.40})"
    if not spec or ":" in spec or any(c.isspace() for c in spec):
        return text
    from chainkit.models.prices import sellers
    from chainkit.models.registry import names

    known = names()
    likely = [f"'{seller}:{spec:.40}'" for seller in sellers(spec) if seller in known][:3]
    if likely:
        return f"write {' or '.join(likely)}; {text}"
    return f"write 'provider:{spec:.40}' with one of the {len(known)} providers of `chainkit models`; {text}"


FREE_KINDS = frozenset({"exchange", "count"})
"""What no provider charges for: a file put there, a job looked at, tokens counted."""


class Asking(Protocol):
    """What a chain that asks a model says of it."""

    @property
    def spec(self) -> str: ...

    @property
    def account(self) -> Account: ...


class Resolved:
    """A model with its backend: what a call needs to know of it."""

    __slots__ = ("_free", "backend", "checked", "limit", "model", "profile", "provider")

    def __init__(
        self, provider: str, model: str, backend: Backend, profile: Profile, limit: Limit | None = None
    ) -> None:
        self.provider = provider
        self.model = model
        self.backend = backend
        self.profile = profile
        self.limit = limit
        self._free = profile.local
        self.checked = False

    def price(self, usage: Usage, terms: Mapping[str, str] | None = None) -> Cost:
        """What that usage cost. `terms` change prices: a service tier, a batch."""
        if self._free:
            return FREE
        if usage.input is None and usage.output is None and not usage.units:
            return UNKNOWN
        from chainkit.models.prices import price

        return price(self.profile.priced_as or self.provider, self.model, usage, terms)

    def bound(self, request: Any) -> tuple[int, Cost]:
        """The most tokens and dollars that one attempt may take."""
        if request.kind in FREE_KINDS:
            return 0, FREE
        given = request.size // _CHARS
        most = request.options.get("max_tokens") or self.profile.max_output
        if self._free:
            return given + (most or 0), FREE
        if request.kind not in ("chat", "complete"):
            return given, self.price(Usage(input=given)) if request.tokens else UNKNOWN
        if most is None:
            return given, UNKNOWN
        most *= max(request.options.get("n") or 1, request.options.get("best_of") or 1)
        return given + most, self.price(Usage(input=given, output=most))

    def hashed(self, request: Any) -> str:
        """A name for the encoded request; no key is in it."""
        import hashlib
        import json

        rendered = self.backend.render(request)
        text = json.dumps([self.provider, rendered.url, rendered.body], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def resolve(chain: Asking, run: Run) -> Resolved:
    """Who answers for this model in this run."""
    if run.models is not None:
        stand_in = run.stand_in(chain.spec)
        if stand_in is not None:
            return _standing_in(stand_in, chain)
    found = _own(chain)
    if run.limits is not None:
        limit = run.limit(chain.spec)
        if limit is not None:
            return Resolved(found.provider, found.model, found.backend, found.profile, limit)
    return found


def check(resolved: Resolved, tries: Tries) -> None:
    """Raise what stops a call before it starts: no attempt is written for it. Asked until it passes once."""
    try:
        resolved.backend.check(resolved.model)
    except ChainkitError as error:
        raise tries.spend(error) from None
    resolved.checked = True


def _own(chain: Asking) -> Resolved:
    found: Resolved | None = chain.__dict__.get("_resolved")
    if found is None:
        found = chain.__dict__["_resolved"] = _opened(chain)
    return found


def _opened(chain: Asking) -> Resolved:
    from chainkit.models.registry import find

    name, model = split(chain.spec)
    provider = find(name)
    return Resolved(name, model, provider.open(chain.account), provider.profile(model, chain.account))


def _standing_in(stand_in: Any, chain: Asking) -> Resolved:
    if hasattr(stand_in, "stand_for"):
        return stand_in.stand_for(_own(chain))
    if isinstance(stand_in, str):
        from chainkit.models.chat import model

        stand_in = model(stand_in)
    script = getattr(stand_in, "script", None)
    if script is None and hasattr(stand_in, "account"):
        return _own(stand_in)
    # A script answers in the model's own name.
    name, model_name = split(chain.spec)
    backend = script or stand_in
    return Resolved(name, model_name, backend, backend.profile(model_name))
