"""Every error that chainkit raises on purpose.

ChainkitError
├── CompositionError     (TypeError)   chains that cannot be joined, dumped or loaded
├── PromptError          (ValueError)  a template and its variables disagree
├── OutputError          (ValueError)  a reply that is not the value asked for
├── ToolError                          a tool that failed or was called wrongly
├── AgentStopped                       an agent used up its steps
├── BudgetExceeded                     refused before sending: it would not fit
├── DeadlineExceeded     (TimeoutError)
├── EgressBlocked                      a call that the run does not allow to leave
├── UnknownModel         (LookupError) no provider or no model of that name
├── MissingExtra         (ImportError) an optional package is not installed
├── EnsembleError                      too few members gave a usable answer
└── ProviderError                      what a provider, or the way to it, answered
    ├── AuthenticationError
    ├── PermissionDenied
    ├── RateLimited
    ├── ContextTooLong
    ├── ContentFiltered
    ├── BadRequest
    ├── ServerError
    ├── ConnectionFailed
    ├── StreamBroken
    └── ReplyMalformed

An error says what happened, where in the chain, and what to do next. It never holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a step: the raw text that came back, if any, and what was wrong with it."""

    error: str
    text: str | None = None


class ChainkitError(Exception):
    """The root. `path` is the place in the chain, `cure` the next thing to do, `run` the run it ended.

    `attempts` lists what each attempt gave; `spent` is set once a gate has used up its attempts,
    and an outer retry then leaves the error alone. `index` is the item's place in a batch, `history` the
    conversation that an agent had until then.
    """

    def __init__(self, message: str, *, cure: str | None = None, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.path = path
        self.attempts: tuple[Attempt, ...] = ()
        self.spent = False
        self.index: int | None = None
        self.history: Any = None
        self.run: Any = None

    def __str__(self) -> str:
        where = f"\n  at: {self.path}" if self.path else ""
        item = f"\n  item: {self.index}" if self.index is not None else ""
        tries = f"\n  attempts: {len(self.attempts)}" if len(self.attempts) > 1 else ""
        cure = f"\n  try: {self.cure}" if self.cure else ""
        return f"{self.message}{where}{item}{tries}{cure}"

    def __reduce__(self) -> tuple[Any, ...]:
        # An ImportError holds `path` in a slot of its own, outside `__dict__`.
        state = {k: v for k, v in {**self.__dict__, "path": self.path}.items() if k != "run"}
        return _rebuild, (type(self), self.message, state)


def _rebuild(kind: type[ChainkitError], message: str, state: dict[str, Any]) -> ChainkitError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    for name, value in {**state, "run": None}.items():
        setattr(error, name, value)
    return error


class CompositionError(ChainkitError, TypeError):
    """Chains that cannot be joined, dumped or loaded."""


class PromptError(ChainkitError, ValueError):
    """A template and its variables disagree, or a value does not fit its declared type."""


class OutputError(ChainkitError, ValueError):
    """A reply that is not the value asked for; `attempts` holds each raw text."""


class ToolError(ChainkitError):
    """A tool that failed, or that was called with arguments it does not take."""


class AgentStopped(ChainkitError):
    """An agent used up its steps without an answer; `history` is the conversation so far."""


class BudgetExceeded(ChainkitError):
    """Refused before sending: the call would not fit into the run's budget."""


class DeadlineExceeded(ChainkitError, TimeoutError):
    """The run's time was over."""


class EgressBlocked(ChainkitError):
    """A call that the run does not allow to leave the process."""


class UnknownModel(ChainkitError, LookupError):
    """No provider, or no model, of that name."""


class MissingExtra(ChainkitError, ImportError):
    """An optional package is not installed; `cure` holds the install line."""


class EnsembleError(ChainkitError):
    """Too few members gave a usable answer; `ballots` holds what each one gave."""

    ballots: tuple[Any, ...] = ()


class ProviderError(ChainkitError):
    """What a provider, or the way to it, answered.

    `status` is the HTTP status or None, `code` the provider's own word, `retry_after` seconds.
    `transient` says whether the same request may succeed later.
    """

    transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        cure: str | None = None,
        path: str | None = None,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, cure=cure, path=path)
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.request_id = request_id


class AuthenticationError(ProviderError):
    """The key is missing, wrong or expired."""


class PermissionDenied(ProviderError):
    """The key is valid and may not do this."""


class RateLimited(ProviderError):
    """Too many requests or tokens; `retry_after` is in seconds where the provider said."""

    transient = True


class ContextTooLong(ProviderError):
    """The request holds more tokens than the model takes."""


class ContentFiltered(ProviderError):
    """The provider refused the request or its answer by policy."""


class BadRequest(ProviderError):
    """The provider does not take this request."""


class ServerError(ProviderError):
    """The provider failed; the same request may succeed later."""

    transient = True


class ConnectionFailed(ProviderError):
    """No whole answer could be fetched: no route, refused, reset, timed out."""

    transient = True


class StreamBroken(ProviderError):
    """A stream ended before its end; `partial` is the text shown until then."""

    transient = True
    partial: str = ""


class ReplyMalformed(ProviderError):
    """The provider answered something that is not its own wire format."""

    transient = True


def with_place(error: ChainkitError, path: str, run: Any = None) -> ChainkitError:
    """The same error with its place filled in, unless an inner place stands there already."""
    if error.path is None:
        error.path = path
    if error.run is None:
        error.run = run
    return error


def did_you_mean(word: str, known: Sequence[str]) -> str | None:
    """A cure that names the nearest known words, or lists a few."""
    from difflib import get_close_matches

    spelt = {k.lower(): k for k in known}
    near = [spelt[k] for k in get_close_matches(word.lower(), spelt, n=3, cutoff=0.6)]
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near) + "?"
    shown = ", ".join(sorted(known)[:12])
    return f"known: {shown}" if shown else None
