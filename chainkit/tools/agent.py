"""An agent: a model that calls tools until it has the answer.

One loop drives it; what comes next is decided from the reply alone. The loop is written once for every mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.errors import AgentStopped, ChainkitError, CompositionError, OutputError
from chainkit.messages import Message, Messages, Promptable, Text, ToolResult, as_messages
from chainkit.models.chat import ChatModel
from chainkit.models.resolve import resolve
from chainkit.output.reask import reask
from chainkit.run.events import Restarted, TextDelta
from chainkit.run.run import Run
from chainkit.run.shown import Shown
from chainkit.tools.asking import FINAL, Asked, Asking
from chainkit.tools.call import Approval, Armed, Waiting, done
from chainkit.tools.result import AgentResult, Resumed
from chainkit.tools.tool import Tool, tool
from chainkit.usage import FREE, NO_USAGE, Cost, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeForm

    from chainkit.messages import ToolCall
    from chainkit.models.reply import Reply
    from chainkit.place import Place
    from chainkit.run.budget import Budget
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Agent(Chain[Any, Any]):
    """A model with tools, and the rules of its loop."""

    model: ChatModel
    tools: tuple[Tool[..., Any], ...]
    output: Any = None
    system: str | None = None
    max_steps: int = 10
    concurrency: int = 8
    budget: Budget | None = None
    approve: Approval | None = None
    errors: Literal["raise", "answer"] = "raise"
    deps: Any = None
    name: str = "agent"

    @property
    def in_type(self) -> Any:
        return Promptable | Resumed

    @property
    def out_type(self) -> Any:
        inner = str if self.output is None else self.output
        return GenericAlias(AgentResult, (inner,)) if isinstance(inner, type) else AgentResult

    @property
    def label(self) -> str:
        return self.name

    def __hash__(self) -> int:
        return hash((self.model, tuple(t.name for t in self.tools), self.max_steps))

    @cached_property
    def asking(self) -> Asking:
        """One step."""
        return Asking(self.model, tuple(t.spec for t in self.tools), self.output)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        chains = tuple((t.name, t.chain) for t in self.tools if t.chain is not None)
        return ((self.model.label, self.model), *chains)

    def compile(self, place: Place) -> Core:
        # Text of a step is the chain's own where the bare value is wanted, and is a text.
        inner = type(place)("", tail=place.tail and place.bare)
        core = inner.compile(self.asking, tail=self.output is None)
        cores = {t.name: inner.compile(t.chain, "") for t in self.tools if t.chain is not None}
        armed = Armed({t.name: t for t in self.tools}, cores, self.approve, self.errors == "answer", self.deps, "")

        async def run(frame: Frame, value: Any) -> Any:
            if self.budget is not None:
                frame = frame.child(run=Run(budget=self.budget, parent=frame.run))
            work = _Work(self, core, armed, frame, place.path, shows=inner.tail and self.output is None)
            return await work.run(value)

        return run

    def begun(self, value: Any) -> Messages:
        """The conversation that an input begins. Raises CompositionError for what is no message."""
        found = as_messages(value)
        if found is None:
            msg = f"an agent takes a string or messages, and got {type(value).__name__}: {value!r:.60}"
            raise CompositionError(msg, cure="put a prompt(...) before it, or hand on .messages of its last result")
        if self.system is None or any(m.role == "system" for m in found):
            return found
        return Messages((Message("system", (Text(self.system),)), *found))


class _Work:
    """One doing of an agent."""

    def __init__(self, agent: Agent, core: Core, armed: Armed, frame: Frame, path: str, *, shows: bool) -> None:
        self.agent = agent
        self.core = core
        self.armed = armed
        self.path = path
        self.frame = frame
        self.shows = shows
        self.messages = Messages()
        self.usage: Usage = NO_USAGE
        self.cost: Cost = FREE

    async def run(self, value: Any) -> AgentResult[Any]:
        """The loop. An error carries the conversation so far as `.history`."""
        try:
            if isinstance(value, Resumed):
                waits = await self._resumed(value)
                if waits is not None:
                    return waits
            else:
                self.messages = self.agent.begun(value)
            return await self._loop()
        except ChainkitError as error:
            if error.history is None:
                error.history = self.messages
            raise

    async def _loop(self) -> AgentResult[Any]:
        agent = self.agent
        for step in range(agent.max_steps):
            frame = self.frame.at(f"{self.path}[{step}]")
            asked = await self._ask(frame)
            found = await self._after(frame, asked, step)
            if found is not None:
                return found
        msg = f"the agent used up its {agent.max_steps} steps without an answer"
        cure = "allow more with max_steps=, or go on from .history: agent.invoke(error.history)"
        raise AgentStopped(msg, cure=cure)

    async def _ask(self, frame: Frame) -> Asked:
        # A stream of text cannot take back what a step said before it called a tool: it gets the last step's whole.
        held = self.shows and frame.emit is not None and not frame.restart
        shown = Shown(frame.quiet() if held else frame)
        reply: Reply = await self.core(shown.frame, self.messages)
        self.messages = Messages((*self.messages, reply.message))
        self.usage, self.cost = self.usage + reply.usage, self.cost + reply.cost
        goes_on = bool(reply.tool_calls) or reply.finish_reason == "paused"
        if held and not goes_on and reply.text and frame.emit is not None:
            await frame.emit(TextDelta(path=frame.prefix + self.agent.model.label, text=reply.text, shown=True))
        if goes_on and shown.any and frame.emit is not None:
            where = frame.prefix + self.agent.model.label
            await frame.emit(Restarted(path=where, reason="the model goes on with tools", shown=True))
        profile = resolve(self.agent.model, frame.run).profile
        return Asked(reply, self.agent.asking.way(profile))

    async def _after(self, frame: Frame, asked: Asked, step: int) -> AgentResult[Any] | None:
        """What follows from a reply: an answer, calls to be done, or one more question."""
        reply = asked.reply
        if asked.answer is not None or (not reply.tool_calls and reply.finish_reason != "paused"):
            return self._answered(asked, step)
        calls = reply.tool_calls
        if not calls:
            return None
        return self._called(calls, await self._do(frame, calls, {}), (), step + 1)

    def _answered(self, asked: Asked, step: int) -> AgentResult[Any] | None:
        reply = asked.reply
        if asked.way is None:
            return self._result(reply.text, step + 1)
        if reply.refusal:
            raise OutputError(f"the model refused: {reply.refusal:.200}", cure="change the question")
        try:
            value = asked.value()
        except OutputError as error:
            self.messages = Messages((*self.messages[:-1], *reask(reply.message, error)))
            return None
        others = [ToolResult(c.id, "the answer was given", c.name) for c in reply.tool_calls]
        if others:
            # Vendors take no conversation in which a call has no result.
            self.messages = Messages((*self.messages, Message("tool", tuple(others))))
        return self._result(value, step + 1)

    async def _do(self, frame: Frame, calls: Sequence[ToolCall], decisions: dict[str, Any]) -> list[Any]:
        def job(call: ToolCall) -> Job:
            return lambda there: done(self.armed, there, call, self.messages, decisions.get(str(call.id)))

        jobs = [job(c) for c in calls]
        if len(jobs) == 1:
            return [await jobs[0](frame)]
        return await frame.gather(jobs, concurrency=self.agent.concurrency)

    def _called(
        self, calls: Sequence[ToolCall], found: list[Any], before: tuple[ToolResult, ...], steps: int
    ) -> AgentResult[Any] | None:
        """The results as the next turn; or the end, for now, where a person has to decide about one."""
        results = (*before, *(f for f in found if isinstance(f, ToolResult)))
        pending = tuple(f.call for f in found if isinstance(f, Waiting))
        if pending:
            return self._result(None, steps, pending, results)
        self.messages = Messages((*self.messages, Message("tool", _in_order(calls, results))))
        return None

    async def _resumed(self, resumed: Resumed) -> AgentResult[Any] | None:
        self.messages = resumed.messages
        frame = self.frame.at(f"{self.path}[resumed]")
        found = await self._do(frame, resumed.pending, dict(resumed.decisions))
        last: Reply | Message | None = next((m for m in reversed(resumed.messages) if m.role == "assistant"), None)
        calls = [p for p in getattr(last, "parts", ()) if hasattr(p, "arguments")]
        return self._called(calls, found, resumed.done, 0)

    def _result(
        self,
        value: Any,
        steps: int,
        pending: tuple[ToolCall, ...] = (),
        results: tuple[ToolResult, ...] = (),
    ) -> AgentResult[Any]:
        return AgentResult(value, self.messages, steps, self.usage, self.cost, pending, results)


def _in_order(calls: Sequence[ToolCall], results: Sequence[ToolResult]) -> tuple[ToolResult, ...]:
    """The results in the order of their calls, as vendors want them."""
    place = {c.id: i for i, c in enumerate(calls)}
    return tuple(sorted(results, key=lambda r: place.get(r.id, len(place))))


@overload
def agent(
    model: str | Chain[Promptable, Reply], tools: Sequence[Any] = ..., *, output: None = None, system: str | None = ...,
    max_steps: int = ..., concurrency: int = ..., budget: Budget | None = ..., approve: Approval | None = ...,
    errors: Literal["raise", "answer"] = ..., deps: Any = ..., name: str = ...,
) -> Chain[Promptable | Resumed, AgentResult[str]]: ...  # fmt: skip
@overload
def agent(
    model: str | Chain[Promptable, Reply], tools: Sequence[Any] = ..., *, output: type[T], system: str | None = ...,
    max_steps: int = ..., concurrency: int = ..., budget: Budget | None = ..., approve: Approval | None = ...,
    errors: Literal["raise", "answer"] = ..., deps: Any = ..., name: str = ...,
) -> Chain[Promptable | Resumed, AgentResult[T]]: ...  # fmt: skip
@overload
def agent(
    model: str | Chain[Promptable, Reply], tools: Sequence[Any] = ..., *, output: TypeForm[T], system: str | None = ...,
    max_steps: int = ..., concurrency: int = ..., budget: Budget | None = ..., approve: Approval | None = ...,
    errors: Literal["raise", "answer"] = ..., deps: Any = ..., name: str = ...,
) -> Chain[Promptable | Resumed, AgentResult[T]]: ...  # fmt: skip
def agent(
    model: Any,
    tools: Sequence[Tool[..., Any] | Chain[Any, Any] | Callable[..., Any]] = (),
    *,
    output: Any = None,
    system: str | None = None,
    max_steps: int = 10,
    concurrency: int = 8,
    budget: Budget | None = None,
    approve: Approval | None = None,
    errors: Literal["raise", "answer"] = "raise",
    deps: Any = None,
    name: str = "agent",
) -> Chain[Any, Any]:
    """A model that calls `tools` until it has the answer: messages in, an `AgentResult` out.

    `model` is a model or its name; plain functions become tools. `output` types the answer. At most `max_steps`
    questions and `concurrency` tools at once; `budget` caps its model calls. A tool with `approve=True` is asked
    about first: `approve(call, context)` gives True, False or a reason, or DEFER; without it the agent stops with
    the call as pending. An unknown tool, wrong arguments, a refusal, a ToolError and a tool's timeout are told to
    the model; any other exception of a tool is raised as ToolError, or told too with `errors="answer"`. `deps` is
    handed to tools by their `ToolContext`.

    Raises AgentStopped where the steps are used up; every error has the conversation so far as `.history`.
    Raises CompositionError for what is no model or tool, or for two tools of one name.
    """
    made = as_chain(model)
    if not isinstance(made, ChatModel):
        msg = f"an agent needs a model, and got {made!r:.80}"
        raise CompositionError(
            msg, cure="put prompts before the agent and policies around it: prompt | agent(...).retry()"
        )
    if made.output is not None:
        raise CompositionError(
            "the agent's model has an output= of its own", cure="say it to the agent: agent(..., output=...)"
        )
    if max_steps < 1 or concurrency < 1:
        msg = f"max_steps={max_steps} and concurrency={concurrency} must be at least 1"
        raise CompositionError(msg)
    if errors not in ("raise", "answer"):
        raise CompositionError(f"errors={errors!r} is neither 'raise' nor 'answer'")
    armed = tuple(_tool(t) for t in tools)
    _unlike(armed)
    return Agent(made, armed, output, system, max_steps, concurrency, budget, approve, errors, deps, name)


def _tool(what: Any) -> Tool[..., Any]:
    return what if isinstance(what, Tool) else tool(what)  # pyright: ignore[reportUnknownVariableType]


def _unlike(tools: Sequence[Tool[..., Any]]) -> None:
    seen: set[str] = set()
    for item in tools:
        if item.name in seen or item.name == FINAL:
            msg = f"two tools are called {item.name!r}" if item.name in seen else f"{FINAL!r} is the answer's own name"
            raise CompositionError(msg, cure="give one another name: tool(f, name='...')")
        seen.add(item.name)
