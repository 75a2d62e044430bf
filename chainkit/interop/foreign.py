"""Another library's object as a chain: called plainly where nothing waits, and with `await` on a loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.errors import MissingExtra
from chainkit.run.call import Call, Tries
from chainkit.run.gate import through
from chainkit.run.run import CURRENT
from chainkit.usage import UNKNOWN, Cost, Usage

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


def needed(module: str, extra: str) -> Any:
    """A module of another library. Raises MissingExtra with the line that installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        msg = f"{module.partition('.')[0]} is not installed"
        raise MissingExtra(msg, cure=f"pip install 'chainkit[{extra}]'") from error


@dataclass(frozen=True, repr=False)
class Foreign(Chain[Any, Any]):
    """What another library does for one value.

    `asks` is set for a model ("chat", "embed"): its calls pass the gate, with what they used and a price that nobody
    knows. What else it does is a step like a function of the user's own.
    """

    call: Callable[[Any], Any]
    acall: Callable[[Any], Awaitable[Any]]
    name: str
    library: str
    takes: Any = Any
    gives: Any = Any
    asks: str | None = None
    takes_arguments: bool = field(default=False)

    @property
    def in_type(self) -> Any:
        return self.takes

    @property
    def out_type(self) -> Any:
        return self.gives

    @property
    def label(self) -> str:
        return f"{self.library} {self.name}"

    def compile(self, place: Place) -> Core:
        path = place.path

        async def run(frame: Frame, value: Any) -> Any:
            if self.asks is None:
                return await self._done(frame, value)

            async def send(_: Call) -> Any:
                return await self._done(frame, value)

            call = Call(
                frame,
                Tries(1),  # their own retries stay theirs
                kind=self.asks,
                provider=self.library,
                model=self.name,
                path=frame.prefix + path,
                request=value,
                send=send,
                price=_unknown,
            )
            call.limits = frame.limits
            call.bound = lambda: (0, UNKNOWN)
            return await through(call)

        return run

    async def _done(self, frame: Frame, value: Any) -> Any:
        token = CURRENT.set(frame.run)
        try:
            if frame.io.blocking:
                return self.call(value)
            return await frame.io.awaited(frame, lambda: self.acall(value))
        finally:
            CURRENT.reset(token)


def _unknown(_: Usage) -> Cost:
    return UNKNOWN
