"""A plain or async function as a step."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from chainkit.chain import Chain
from chainkit.compose.meet import hints_of
from chainkit.errors import CompositionError
from chainkit.messages import counted_text
from chainkit.run.run import CURRENT

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Step(Chain[Any, Any]):
    """A function of one argument. It runs in the caller's thread, or in a worker where that is a loop's.

    `inline` says that it is quick and pure: then it always runs where it stands.
    """

    function: Callable[[Any], Any]
    inline: bool = False
    name: str | None = None
    takes: Any = field(default=Any, compare=False)
    gives: Any = field(default=Any, compare=False)

    @property
    def in_type(self) -> Any:
        return self.takes

    @property
    def out_type(self) -> Any:
        return self.gives

    @property
    def label(self) -> str:
        return self.name or name_of(self.function)

    @property
    def instant(self) -> bool:
        return self.inline

    def compile(self, place: Place) -> Core:
        function = _textual(self.function) if self.takes is str else self.function
        if is_async(self.function):
            return _async_core(function)
        return _inline_core(function) if self.inline else _core(function)


def _core(function: Callable[[Any], Any]) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        token = CURRENT.set(frame.run)
        try:
            found = function(value) if frame.io.blocking else await frame.io.call(function, value)
            if type(found) is CoroutineType:
                found = await frame.io.awaited(frame, lambda: found)
            return found
        finally:
            CURRENT.reset(token)

    return run


def _inline_core(function: Callable[[Any], Any]) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        return function(value)

    return run


def _async_core(function: Callable[[Any], Awaitable[Any]]) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        async def work() -> Any:
            token = CURRENT.set(frame.run)
            try:
                return await function(value)
            finally:
                CURRENT.reset(token)

        return await frame.io.awaited(frame, work)

    return run


def _textual(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A reply, or an answer like it, given where a string is declared counts as its text."""

    @functools.wraps(function)
    def with_text(value: Any) -> Any:
        text = None if isinstance(value, str) else counted_text(value)
        return function(value if text is None else text)

    return with_text


def is_async(function: Any) -> bool:
    """Whether calling it gives a coroutine."""
    while isinstance(function, functools.partial):
        function = function.func
    kind = cast("Any", type(function))
    call = getattr(kind, "__call__", None)  # noqa: B004 - its kind is asked, not its presence
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def name_of(function: Any) -> str:
    """A function's own word."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return "lambda" if name == "<lambda>" else name


@overload
def step(function: Callable[[A], Awaitable[B]], /, *, inline: bool = ..., name: str | None = ...) -> Chain[A, B]: ...
@overload
def step(function: Callable[[A], B], /, *, inline: bool = ..., name: str | None = ...) -> Chain[A, B]: ...
def step(function: Callable[[Any], Any], /, *, inline: bool | None = None, name: str | None = None) -> Chain[Any, Any]:
    """A function of one argument as a chain.

    On an event loop a plain function is called in a worker thread, which costs about 0.1 ms;
    `inline=True` marks a quick pure function that may run on the loop itself. Classes and builtins
    are inline always. Raises CompositionError for what is not a function of one argument.
    """
    if not callable(function):
        msg = f"a step is a function, not {function!r}"
        raise CompositionError(msg)
    _takes_one(function)
    takes, gives = hints_of(function)
    quick = inspect.isclass(function) or inspect.isbuiltin(function) or _stock(function)
    return Step(function, quick if inline is None else inline, name, takes, gives)


_QUICK = frozenset({"pydantic", "json", "operator", "builtins"})
"""Packages whose functions compute and never wait."""


def _stock(function: Any) -> bool:
    if (getattr(function, "__module__", None) or "").partition(".")[0] in _QUICK:
        return True
    return isinstance(
        function, operator.itemgetter | operator.attrgetter | operator.methodcaller
    ) or inspect.ismethoddescriptor(function)


def _takes_one(function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None)
    except TypeError as error:
        if inspect.isclass(function):
            return
        msg = f"the step {name_of(function)}{signature} cannot be called with one value: {error}"
        raise CompositionError(msg, cure="give it one parameter, or wrap it: lambda x: f(**x)") from None


def _same(value: T) -> T:
    return value


@dataclass(frozen=True, repr=False)
class Identity(Chain[Any, Any]):
    """Gives what it gets."""

    @property
    def label(self) -> str:
        return ""

    @property
    def instant(self) -> bool:
        return True

    def compile(self, place: Place) -> Core:
        return _inline_core(_same)


def identity() -> Chain[T, T]:
    """The chain that changes nothing; neutral in a sequence."""
    return Identity()


@dataclass(frozen=True, repr=False)
class Constant(Chain[Any, Any]):
    """Gives the same value whatever it gets."""

    value: Any

    @property
    def out_type(self) -> Any:
        return cast("Any", type(self.value))

    @property
    def instant(self) -> bool:
        return True

    def compile(self, place: Place) -> Core:
        value = self.value
        return _inline_core(lambda _: value)


def constant(value: T) -> Chain[Any, T]:
    """The chain that always gives `value`."""
    return Constant(value)


@dataclass(frozen=True, repr=False)
class Attribute(Chain[Any, Any]):
    """One attribute of its input; the input's own pieces stay the pieces of the whole."""

    attribute: str
    of: str

    @property
    def note(self) -> str:
        """How it is written."""
        return ".text" if self.of == "Reply" else ".answer"

    @property
    def in_type(self) -> Any:
        from chainkit.ensembles.verdict import Verdict
        from chainkit.models.reply import Reply
        from chainkit.models.transcribe import Transcript
        from chainkit.tools.result import AgentResult

        return Reply | Transcript if self.of == "Reply" else Verdict[Any] | AgentResult[Any]

    @property
    def out_type(self) -> Any:
        return str if self.of == "Reply" else Any

    @property
    def label(self) -> str:
        return ""

    @property
    def instant(self) -> bool:
        return True

    def compile(self, place: Place) -> Core:
        return _inline_core(operator.attrgetter(self.attribute))


TEXT = Attribute("text", "Reply")
ANSWER = Attribute("value", "Verdict")
