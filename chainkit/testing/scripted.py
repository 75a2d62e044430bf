"""A model that answers by a script: in place of a real one, anywhere."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from chainkit.errors import ChainkitError, StreamBroken
from chainkit.messages import Text, ToolCall
from chainkit.models.chat import ChatModel
from chainkit.models.pieces import TextPiece, ToolPiece
from chainkit.models.profile import Profile
from chainkit.models.provider import Account, Rendered
from chainkit.models.reached import ATTEMPTS
from chainkit.models.reply import Reply
from chainkit.models.resolve import Resolved
from chainkit.run.io.blocking import too_late
from chainkit.usage import Usage

if TYPE_CHECKING:
    from chainkit.messages import Messages
    from chainkit.models.request import ChatRequest
    from chainkit.run.call import Call

Answer: TypeAlias = "str | Reply | BaseException | Callable[[Messages], Any]"
_PIECES = re.compile(r"\S+\s*|\s+")
_TALKS = ("chat", "complete")
_HOUSEKEEPING = ("stream", "lenient", "warnings")


_MEDIA = frozenset({"image", "audio", "video", "document"})
_EVERYTHING = Profile(
    "scripted",
    "model",
    output=("native", "tool", "prompt"),
    local=True,
    kinds=frozenset({"chat", "complete", "embed", "rerank", "image", "transcribe", "speak", "classify"}),
    media=_MEDIA,
    fetches=_MEDIA,
)
"""A script opens no URL, and nobody opens one for it."""


class Script:
    """What stands in for a provider: answers in order, delays, faults. Each (path, draw) reads it anew.

    The k-th attempt at a place with a draw always answers alike, whatever else goes on.
    """

    def __init__(
        self,
        answers: Answer | Sequence[Answer],
        *,
        delay: float | Sequence[float] = 0.0,
        fail: BaseException | Sequence[BaseException | None] | None = None,
        cut: int | None = None,
        profile: Profile | None = None,
    ) -> None:
        self._answers = answers
        self._delay = delay
        self._fail = fail
        self._cut = cut
        self._profile = profile or _EVERYTHING
        self._lock = threading.Lock()
        self._turns: dict[Any, int] = {}
        self.seen: list[ChatRequest] = []

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def rewind(self) -> None:
        """Begin anew."""
        with self._lock:
            self._turns.clear()
        self.seen.clear()

    def profile(self, model: str) -> Profile:
        """What it can do: everything."""
        return self._profile

    def check(self, model: str | None = None) -> None:
        """Nothing is missing."""

    def render(self, request: ChatRequest) -> Rendered:
        """The request in our own words; there is no wire."""
        if request.kind not in _TALKS:
            body = {f.name: getattr(request, f.name) for f in fields(request) if f.name not in _HOUSEKEEPING}
            return Rendered("", "scripted", request.model, "POST", "scripted:", {}, body)
        said = [{"role": m.role, "content": m.text} for m in request.messages]
        body = {"model": request.model, "messages": said, **request.options}
        return Rendered("", "scripted", request.model, "POST", "scripted:", {}, body)

    async def send(self, call: Call) -> Reply:
        """The next answer for this place."""
        turn = self._turn(call)
        self.seen.append(call.request)
        delay = _at(self._delay, turn)
        if delay:
            await _pass(call, delay)
        fault = _at(self._fail, turn) if self._fail is not None else None
        reply = self._reply(turn, call.request, fault)
        if call.emit is not None:
            await self._show(call, reply, fault)
        if fault is not None:
            raise _fresh(fault)
        if self._cut is not None:
            msg = f"the script cuts the answer after {self._cut} pieces"
            raise StreamBroken(msg)
        return reply

    def _turn(self, call: Call) -> int:
        with self._lock:
            turn = self._turns.get((call.path, call.draw), 0)
            self._turns[call.path, call.draw] = turn + 1
        return turn

    def _reply(self, turn: int, request: ChatRequest, fault: BaseException | None) -> Reply:
        answers = _listed(self._answers)
        if request.kind not in _TALKS:
            return self._done(self._answers if answers is None else self._next(answers, turn, fault), request)
        answer: Any = self._answers if answers is None else self._next(answers, turn, fault)
        if callable(answer):
            answer = answer(request.messages)
        if isinstance(answer, BaseException):
            raise _fresh(answer)
        return answer if isinstance(answer, Reply) else _as_reply(str(answer), request)

    def _done(self, answer: Any, request: Any) -> Any:
        """The answer of a model that is asked something other than a chat."""
        from chainkit.models.task import TaskReply
        from chainkit.testing.scripted_tasks import ANSWERS

        answer = answer(request) if callable(answer) and not isinstance(answer, TaskReply) else answer
        if isinstance(answer, BaseException):
            raise _fresh(answer)
        return replace(answer) if isinstance(answer, TaskReply) else ANSWERS[request.kind](request, answer)

    def _next(self, answers: tuple[Any, ...], turn: int, fault: BaseException | None) -> Any:
        if turn >= len(answers) and fault is None:
            msg = f"the script of {len(answers)} answers is used up"
            raise ChainkitError(msg, cure="write an answer for each attempt")
        return answers[min(turn, len(answers) - 1)] if answers else ""

    async def _show(self, call: Call, reply: Reply, fault: BaseException | None) -> None:
        if fault is not None and not isinstance(fault, StreamBroken):
            return
        for piece in _pieces(reply)[: self._cut]:
            await call.emit(piece)  # type: ignore[misc]


async def _pass(call: Call, seconds: float) -> None:
    """Wait, but not past the deadline: what a socket's wait is cut to."""
    left = None if call.until is None else call.until - call.io.now()
    if left is None or seconds < left:
        await call.io.sleep(seconds)
        return
    await call.io.sleep(left)
    raise too_late()


def _at(value: Any, turn: int) -> Any:
    """What holds for that turn: one for all, or one each."""
    held = _listed(value)
    if held is None:
        return value
    return held[turn] if turn < len(held) else None


def _listed(value: Any) -> tuple[Any, ...] | None:
    """A list as a tuple; None for anything else."""
    return tuple(cast("list[Any]", value)) if isinstance(value, list | tuple) else None


def _fresh(fault: BaseException) -> BaseException:
    """A copy: an error object that is raised twice would carry the first one's place."""
    if isinstance(fault, ChainkitError):
        rebuild, args = fault.__reduce__()[:2]
        return rebuild(*args)
    return type(fault)(*fault.args)


def _as_reply(text: str, request: ChatRequest) -> Reply:
    output = request.output
    usage = Usage(input=sum(len(m.text.split()) for m in request.messages), output=len(text.split()))
    if output is not None and output.mode == "tool":
        import json

        call = ToolCall(output.name, json.loads(text), "call_1")
        return Reply((call,), "tool_calls", "tool_calls", usage, model=request.model)
    return Reply((Text(text),), "stop", "stop", usage, model=request.model)


def _pieces(reply: Reply) -> list[TextPiece | ToolPiece]:
    import json

    found: list[TextPiece | ToolPiece] = [TextPiece(m) for m in _PIECES.findall(reply.text)]
    for index, call in enumerate(reply.tool_calls):
        found.append(ToolPiece(index, json.dumps(dict(call.arguments)), call.name, call.id))
    return found


class ScriptedModel(ChatModel):
    """A chat model that answers by a script. Use it as a chain, or as a stand-in: `Run(models={...: it})`.

    `answers` is a text (always that), a list (one for each attempt, in order), a function of the messages,
    a Reply, or an error to raise. Where it stands in for a model that is asked something other than a chat, it
    transcribes and classifies by its text, and embeds, reranks, draws and speaks as the other scripted models do.
    `delay` is in seconds, `fail` an error for each attempt (None: none);
    a StreamBroken is raised after the pieces were shown, another error before. `cut` breaks every answer
    after so many pieces. `seen` lists the requests it got.
    """

    def __init__(
        self,
        answers: Answer | Sequence[Answer] = "ok",
        *,
        delay: float | Sequence[float] = 0.0,
        fail: BaseException | Sequence[BaseException | None] | None = None,
        cut: int | None = None,
        profile: Profile | None = None,
        output: Any = None,
        attempts: int = ATTEMPTS,
        name: str = "model",
        options: Mapping[str, Any] | None = None,
    ) -> None:
        script = Script(answers, delay=delay, fail=fail, cut=cut, profile=profile)
        spec = f"scripted:{name}"
        super().__init__(spec, Account("scripted"), tuple(sorted((options or {}).items())), (), output, attempts)
        self.__dict__["script"] = script
        self.__dict__["_resolved"] = Resolved("scripted", name, script, script.profile(name))

    script: Script

    def asking(self, output: Any) -> ScriptedModel:
        """The same script, asked for a value."""
        return self._again(output, dict(self.options))

    def having(self, options: Mapping[str, Any]) -> ScriptedModel:
        """The same script with some of its options changed."""
        return self._again(self.output, {**dict(self.options), **options})

    def _again(self, output: Any, options: dict[str, Any]) -> ScriptedModel:
        name = self.spec.partition(":")[2]
        found = ScriptedModel(output=output, attempts=self.attempts, options=options, name=name)
        found.__dict__.update(script=self.script, _resolved=self.__dict__["_resolved"])
        return found

    @property
    def seen(self) -> list[ChatRequest]:
        """The requests that it was sent, in order."""
        return self.script.seen

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)
