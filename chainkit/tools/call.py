"""One call of a tool: found, read, agreed to, done within its time, answered to the model."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from chainkit.compose.step import is_async
from chainkit.errors import ChainkitError, DeadlineExceeded, OutputError, ToolError, did_you_mean, with_place
from chainkit.messages import ToolResult
from chainkit.run.events import ToolFinished, ToolProgress, ToolStarted
from chainkit.run.run import CURRENT
from chainkit.tools.tool import Tool, ToolContext, takes_fields

if TYPE_CHECKING:
    from chainkit.messages import Messages, ToolCall
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


class _Defer:
    """The answer of an approval that leaves the call to a person, later."""

    def __repr__(self) -> str:
        return "DEFER"


DEFER: Final = _Defer()
"""What an approval gives to leave the call for later: the agent then stops, and its result has it as pending."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The answer of an approval that refuses: the model is told why."""

    reason: str = "the user does not allow this call"


Approval: TypeAlias = "Callable[[ToolCall, ToolContext[Any]], bool | str | Denied | _Defer | Awaitable[Any]]"
"""Decides about a call: True, False or the reason why not, or DEFER."""


@dataclass(frozen=True)
class Armed:
    """The tools of an agent by their names, with their cores, and what holds for all calls."""

    tools: Mapping[str, Tool[..., Any]]
    cores: Mapping[str, Core]
    approve: Approval | None
    answers: bool
    deps: Any
    path: str


@dataclass(frozen=True)
class Waiting:
    """A call that a person has to decide about."""

    call: ToolCall


async def done(armed: Armed, frame: Frame, call: ToolCall, messages: Messages, decision: Any = None) -> Any:
    """The result of one call, or `Waiting`. Raises ToolError where the tool failed and that is not answered.

    `decision` is what a person has said of it before.
    """
    frame = frame.at(f"{armed.path} > {call.name}" if armed.path else call.name)
    where = frame.prefix.removesuffix(" > ")
    if frame.every and frame.emit is not None:
        await frame.emit(ToolStarted(path=where, call=call))
    error: BaseException | None = None
    try:
        result = await _result(armed, frame, call, messages, decision)
    except _Answered as answered:
        error = answered.cause
        result = ToolResult(call.id, answered.text, call.name, failed=True)
    except ChainkitError as failed:
        raise with_place(failed, where, frame.run) from failed.__cause__
    if frame.every and frame.emit is not None and not isinstance(result, Waiting):
        await frame.emit(ToolFinished(path=where, call=call, result=result.text, error=error))
    return result


class _Answered(Exception):
    """What the model is told of a call that did not work."""

    def __init__(self, text: str, cause: BaseException | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.cause = cause


async def _result(armed: Armed, frame: Frame, call: ToolCall, messages: Messages, decision: Any) -> Any:
    tool = armed.tools.get(call.name)
    if tool is None:
        near = did_you_mean(call.name, sorted(armed.tools)) or "there are no tools"
        raise _Answered(f"there is no tool {call.name!r}; {near}")
    teller = _Teller(frame, call)
    context = ToolContext(frame.run, call, messages, armed.deps, teller)
    work = _work(tool, armed, call, context, teller)
    agreed = await _agreed(tool, armed, frame, call, context, decision)
    if agreed is DEFER:
        return Waiting(call)
    if agreed is not True:
        raise _Answered(agreed.reason)
    value = await _tried(tool, armed, frame, work)
    return ToolResult(call.id, as_text(value), call.name)


class _Teller:
    """Shows what a tool tells, where the tool runs: an event leaves by the emit of that io."""

    def __init__(self, frame: Frame, call: ToolCall) -> None:
        self.frame = frame
        self._call = call

    async def __call__(self, told: Any) -> None:
        emit = self.frame.emit
        if self.frame.every and emit is not None:
            await emit(ToolProgress(path=self.frame.prefix.removesuffix(" > "), call=self._call, told=told))


def _work(
    tool: Tool[..., Any], armed: Armed, call: ToolCall, context: ToolContext[Any], teller: _Teller
) -> Callable[[Frame], Any]:
    """What is to be done, its arguments read. Raises `_Answered` for arguments that do not fit."""
    if call.raw is not None:
        raise _Answered(f"the arguments of {call.name} are no JSON object: {call.raw:.200}")
    if tool.chain is not None:
        core, value = armed.cores[tool.name], _chain_input(tool, call)
        return lambda frame: core(frame.quiet(), value)
    assert tool.signature is not None
    try:
        made = tool.signature.called(tool.function, call.arguments, context)
    except OutputError as error:
        raise _Answered(_misfit(call, error), error) from None
    return lambda frame: _called(frame, made, teller)


def _misfit(call: ToolCall, error: OutputError) -> str:
    """What did not fit, place by place."""
    return f"the arguments of {call.name} do not fit:\n{error.message.partition(chr(10))[2] or error.message}"


def _chain_input(tool: Tool[..., Any], call: ToolCall) -> Any:
    assert tool.chain is not None
    if getattr(tool.chain, "takes_arguments", False):
        return dict(call.arguments)
    if takes_fields(tool.chain):
        from chainkit.output.schema import shape_of

        try:
            return shape_of(tool.chain.in_type).validate(dict(call.arguments))
        except OutputError as error:
            raise _Answered(_misfit(call, error), error) from None
    if not isinstance(call.arguments.get("input"), str):
        raise _Answered(f"the arguments of {call.name} do not fit: `input` is a text")
    return call.arguments["input"]


async def _called(frame: Frame, made: Callable[[], Any], teller: _Teller | None = None) -> Any:
    """A user's function, where it may run: in this thread, in a worker, or awaited on a loop."""
    if frame.io.blocking and is_async(made):
        return (await frame.gather([lambda there: _called(there, made, teller)]))[0]
    if teller is not None:
        teller.frame = frame
    token = CURRENT.set(frame.run)
    try:
        if is_async(made):
            return await frame.io.awaited(frame, made)
        found = made() if frame.io.blocking else await frame.io.call(made)
        return await frame.io.awaited(frame, lambda: found) if isawaitable(found) else found
    finally:
        CURRENT.reset(token)


async def _agreed(
    tool: Tool[..., Any], armed: Armed, frame: Frame, call: ToolCall, context: ToolContext[Any], decision: Any
) -> Any:
    if decision is None:
        if not tool.approve:
            return True
        if armed.approve is None:
            return DEFER
        approve = armed.approve

        def ask() -> Any:
            return approve(call, context)

        decision = await _called(frame, ask if not is_async(approve) else _awaiting(approve, call, context))
    if decision is True or decision is DEFER or isinstance(decision, Denied):
        return decision
    return Denied(decision) if isinstance(decision, str) else Denied()


def _awaiting(approve: Any, call: ToolCall, context: ToolContext[Any]) -> Callable[[], Awaitable[Any]]:
    async def ask() -> Any:
        return await approve(call, context)

    return ask


async def _tried(tool: Tool[..., Any], armed: Armed, frame: Frame, work: Callable[[Frame], Any]) -> Any:
    """The tool's value, tried again as often as it says, each time within its own time."""
    for left in range(tool.retries, -1, -1):
        try:
            return await _timed(tool, frame, work)
        except ToolError as error:
            # The tool itself says what the model should be told.
            raise _Answered(error.message, error) from error
        except ChainkitError as error:
            if isinstance(error, DeadlineExceeded) and not _over(frame):
                said = f"{tool.name} took longer than {tool.timeout:g} s"
            elif tool.chain is None or error.spent or not armed.answers:
                raise
            else:
                said = error.message
            if left == 0:
                raise _Answered(said, error) from error
        except Exception as error:
            if left:
                continue
            if armed.answers:
                raise _Answered(f"{tool.name} failed: {type(error).__name__}: {error}", error) from error
            msg = f"the tool {tool.name} raised {type(error).__name__}: {error}"
            cure = "mend it, raise ToolError with what the model should know, or agent(..., errors='answer')"
            raise ToolError(msg, cure=cure) from error
    raise AssertionError


def _over(frame: Frame) -> bool:
    return frame.until is not None and frame.io.now() >= frame.until


async def _timed(tool: Tool[..., Any], frame: Frame, work: Callable[[Frame], Any]) -> Any:
    if tool.timeout is None:
        return await work(frame)
    until = frame.io.now() + tool.timeout
    inner = frame.sooner(until)

    async def job(there: Frame) -> Any:
        return await there.io.within(there.until or until, work(there))

    # A plain function can only be left behind where it runs in a thread of its own.
    return (await inner.gather([job]))[0]


def as_text(value: Any) -> str:
    """What a tool gave, as the model reads it: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return "done"
    text = getattr(value, "text", None)
    if isinstance(text, str) and not hasattr(value, "model_dump"):
        return text
    try:
        from pydantic_core import to_json

        return to_json(value, fallback=str).decode("utf-8")
    except ValueError:
        return json.dumps(value, default=str)
