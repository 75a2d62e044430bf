"""What would be sent, and what would stop it: without sending anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainkit.errors import ChainkitError
from chainkit.messages import Text
from chainkit.models.resolve import Resolved, resolve
from chainkit.run.drive import finish
from chainkit.run.frame import Frame
from chainkit.run.run import Run

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.provider import Backend, Rendered
    from chainkit.models.reply import Reply
    from chainkit.run.call import Call


class _Rendering:
    """Stands in front of a backend: keeps the request, answers with a marked placeholder."""

    pretends = True

    def __init__(self, backend: Backend, found: list[Rendered]) -> None:
        self._backend = backend
        self._found = found

    async def send(self, call: Call) -> Reply:
        from chainkit.models.reply import Reply

        # A placeholder that does not fit is not asked for again.
        if call.kind != "chat" or all(r.path != call.path for r in self._found):
            self._found.append(replace(self._backend.render(call.request), path=call.path))
        return Reply((Text(f"⟨what {call.provider}:{call.model} says⟩"),))

    def check(self, model: str | None = None) -> None:
        """Nothing is sent, so nothing is missing."""


class _StandIn:
    """Stands in for every model of a run."""

    pretends = True

    def __init__(self) -> None:
        self.found: list[Rendered] = []

    def stand_for(self, resolved: Resolved) -> Resolved:
        """The same model, in front of which the request is kept."""
        backend: Any = _Rendering(resolved.backend, self.found)
        return Resolved(resolved.provider, resolved.model, backend, resolved.profile)


def render(chain: Chain[Any, Any], value: Any) -> list[Rendered]:
    """The requests, in the order in which they would leave.

    Where a placeholder is no input for what comes next, the list ends with the requests known until then;
    an error before the first request is raised.
    """
    stand_in = _StandIn()
    run = Run(models={"*": stand_in})
    frame = Frame(run.io, run)
    frame.attempts = 1
    try:
        finish(chain._compiled()(frame, value))  # pyright: ignore[reportPrivateUsage]
    except Exception:
        if not stand_in.found:
            raise
    return stand_in.found


def models(chain: Chain[Any, Any]) -> Iterator[Any]:
    """Every model in a chain, of whatever kind."""
    if hasattr(chain, "account"):
        yield chain
    for _, part in chain.parts():
        yield from models(part)


def check(chain: Chain[Any, Any]) -> None:
    """Raise the first thing that would stop a model call before it starts."""
    for found in models(chain):
        try:
            resolved = resolve(found, Run())
            resolved.backend.check(resolved.model)
        except ChainkitError as error:
            if error.path is None:
                error.path = found.label
            raise
