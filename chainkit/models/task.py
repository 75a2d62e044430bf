"""A model that is asked something other than a chat, as a chain: one request each, or several at once.

A `Task` says what such a model takes and gives. Everything else (account, gate, attempts, stand-ins) is what a
chat model has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from chainkit.chain import Chain
from chainkit.errors import CompositionError, did_you_mean
from chainkit.messages import counted_text
from chainkit.models.provider import Account
from chainkit.models.reached import ATTEMPTS, reached
from chainkit.models.request import Noting
from chainkit.models.resolve import resolve
from chainkit.models.sending import sent
from chainkit.run.call import Tries
from chainkit.usage import NO_USAGE, UNKNOWN, Cost, Usage, total_cost, total_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from chainkit.models.profile import Profile
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


R = TypeVar("R", bound="TaskReply")
CONCURRENCY = 4
"""How many requests of one input are in flight, where it needs several."""


@dataclass(slots=True)
class TaskRequest(Noting):
    """What every request holds that is no chat; a kind adds what it asks about, and sets `kind`.

    `tokens` says that it is priced by the text it reads; `size` are the characters of that text. `media` names the
    fields that hold parts: those whose URL the vendor does not open are fetched before it is sent.
    """

    kind: ClassVar[str]
    tokens: ClassVar[bool] = False
    media: ClassVar[tuple[str, ...]] = ()

    model: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    stream: bool = False
    lenient: bool = False
    warnings: list[str] = field(default_factory=list[str])

    @property
    def size(self) -> int:
        """Characters of text that the model reads."""
        return 0


@dataclass(slots=True, kw_only=True)
class TaskReply:
    """What every answer holds: `usage`, `cost`, `model`, `warnings`, the answer's `headers`, and `raw`, its own body."""

    usage: Usage = NO_USAGE
    model: str | None = None
    warnings: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)
    raw: Any = field(default=None, repr=False, compare=False)
    price: Callable[[Usage], Cost] | None = field(default=None, repr=False, compare=False)

    @property
    def cost(self) -> Cost:
        """What it cost, worked out when asked; Unknown where nobody knows the price."""
        return UNKNOWN if self.price is None else self.price(self.usage)


@dataclass(frozen=True)
class Task:
    """One kind of model, as data.

    `requests(model, value, options, profile)` gives the requests that one input needs, and `joined(replies, value)`
    their answers as one. It raises CompositionError for an input that it cannot ask about. `options` are the names
    that its models may be given.
    """

    kind: str
    takes: Any
    gives: Any
    options: frozenset[str]
    requests: Callable[[str, Any, Mapping[str, Any], Profile], Sequence[Any]]
    joined: Callable[[Sequence[Any], Any], Any]

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Ours go to another process by their kind, a stranger's as they are."""
        return (task_of, (self.kind,)) if self.kind in KINDS else super().__reduce__()


KINDS = {
    "classify": "classify",
    "embed": "embed",
    "image": "image",
    "rerank": "rerank",
    "speak": "speak",
    "transcribe": "transcribe",
}
"""The kinds that have a function of their own, and the module, beside this one, whose `TASK` it is."""


def task_of(kind: str) -> Task:
    """The task of one of `KINDS`. Raises CompositionError for another word."""
    if kind not in KINDS:
        raise CompositionError(f"no model is asked for {kind!r}", cure=did_you_mean(kind, sorted(KINDS)))
    found: Task = import_module(f"chainkit.models.{KINDS[kind]}").TASK
    return found


@dataclass(frozen=True, repr=False)
class TaskModel(Chain[Any, Any]):
    """A model of such a kind, and how to reach it."""

    task: Task
    spec: str
    account: Account
    options: tuple[tuple[str, Any], ...] = ()
    attempts: int = ATTEMPTS
    lenient: bool = False

    @property
    def in_type(self) -> Any:
        return self.task.takes

    @property
    def out_type(self) -> Any:
        return self.task.gives

    @property
    def label(self) -> str:
        return f"{self.task.kind} {self.spec}"

    def __hash__(self) -> int:
        return hash((self.task.kind, self.spec, self.account.provider, self.account.base_url))

    def __getstate__(self) -> dict[str, Any]:
        """Without the backend that was opened here: another process opens its own. A script goes along."""
        state = super().__getstate__()
        return state if "script" in state else {k: v for k, v in state.items() if k != "_resolved"}

    def compile(self, place: Place) -> Core:
        path, task = place.path, self.task

        async def run(frame: Frame, value: Any) -> Any:
            resolved = resolve(self, frame.run)
            requests = task.requests(resolved.model, value, dict(self.options), resolved.profile)
            for request in requests:
                request.lenient = self.lenient

            async def ask(inner: Frame, request: Any) -> Any:
                return await sent(resolved, request, inner, path, Tries(frame.attempts or self.attempts))

            if len(requests) == 1:
                return task.joined([await ask(frame, requests[0])], value)
            jobs = [_job(ask, request) for request in requests]
            return task.joined(await frame.gather(jobs, concurrency=CONCURRENCY), value)

        return run


def _job(ask: Callable[[Frame, Any], Any], request: Any) -> Callable[[Frame], Any]:
    return lambda frame: ask(frame, request)


def task_model(task: Task, spec: str, given: Mapping[str, Any]) -> TaskModel:
    """A chain for a task. Raises CompositionError for an unknown option, UnknownModel for an unknown provider."""
    reach = {k: v for k, v in given.items() if k in _REACH}
    unsupported = given.get("unsupported", "raise")
    if unsupported not in ("raise", "warn"):
        raise CompositionError(f"unsupported={unsupported!r} is neither 'raise' nor 'warn'")
    options = {k: v for k, v in given.items() if k not in _REACH and k != "unsupported" and v is not None}
    for name in options:
        if name not in task.options and name not in _ANY:
            near = did_you_mean(name, sorted({*task.options, *_ANY, *_REACH}))
            raise CompositionError(f"a model for {task.kind!r} has no option {name!r}", cure=near)
    account = reached(spec, **reach)
    attempts = reach.get("attempts", ATTEMPTS)
    return TaskModel(task, spec, account, tuple(sorted(options.items())), attempts, unsupported == "warn")


_REACH = frozenset({"api", "base_url", "api_key", "client", "carrier", "attempts"})
_ANY = frozenset({"extra", "vendor"})


def only(replies: Sequence[Any], value: Any) -> Any:
    """The answer where there is one request for each input."""
    return replies[0]


def joined(replies: Sequence[R], none: R) -> R:
    """Answers to the parts of one input as one: usage and warnings together, what was answered by the first.

    `none` is the answer where nothing had to be asked. What the answers hold is for the kind to join.
    """
    if len(replies) < 2:
        return replies[0] if replies else none
    prices = [r.price for r in replies]
    return replace(
        replies[0],
        usage=total_usage(r.usage for r in replies),
        warnings=tuple(dict.fromkeys(w for r in replies for w in r.warnings)),
        price=prices[0] if all(p == prices[0] for p in prices) else _Together(tuple(replies)),
        raw=[r.raw for r in replies],
    )


class _Together:
    """The price of answers of which each told its own."""

    def __init__(self, replies: tuple[TaskReply, ...]) -> None:
        self._costs = [r.cost for r in replies]

    def __call__(self, usage: Usage) -> Cost:
        return total_cost(self._costs)


def portions(texts: Sequence[str], most: int, room: int | None) -> Iterator[list[str]]:
    """Texts in order, in parts of at most so many, and of so many tokens by a careful guess; one text is never cut."""
    part: list[str] = []
    held = 0
    for text in texts:
        size = tokens_guessed(text) if room is not None else 0
        if part and (len(part) >= most or (room is not None and held + size > room)):
            yield part
            part, held = [], 0
        part.append(text)
        held += size
    if part:
        yield part


def tokens_guessed(text: str) -> int:
    """About how many tokens a text has, rather too many: one for three bytes."""
    return len(text.encode("utf-8", "surrogatepass")) // 3 + 1


def text_of(value: Any, what: str) -> str:
    """A text, or what counts as one. Raises CompositionError for anything else."""
    found = value if isinstance(value, str) else counted_text(value)
    if found is None:
        raise CompositionError(f"{what} is a text, and got {type(value).__name__}: {value!r:.60}")
    return found
