"""A chat model as a chain: messages in, a `Reply` or a validated value out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, get_type_hints, overload

from chainkit.chain import Chain
from chainkit.errors import CompositionError, did_you_mean
from chainkit.messages import Messages, Promptable, as_messages
from chainkit.models.reached import ATTEMPTS, reached
from chainkit.models.reply import Reply
from chainkit.models.request import ChatRequest, Options, ToolSpec
from chainkit.models.resolve import Resolved, resolve
from chainkit.models.sending import sent
from chainkit.run.call import Tries

if TYPE_CHECKING:
    from typing_extensions import TypeForm

    from chainkit.models.provider import Account
    from chainkit.models.structured import Asked
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class ChatModel(Chain[Any, Any]):
    """A model, how to reach it, and what it is asked for."""

    spec: str
    account: Account
    options: tuple[tuple[str, Any], ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    output: Any = None
    attempts: int = ATTEMPTS
    lenient: bool = False

    @property
    def in_type(self) -> Any:
        return Promptable

    @property
    def out_type(self) -> Any:
        if self.output is None:
            return Reply
        return Any if isinstance(self.output, _Held) else self.output

    @property
    def label(self) -> str:
        return f"model {self.spec}"

    @property
    def note(self) -> str:
        """What its repr says beside its name."""
        return f"({self.attempts} attempts)" if self.attempts > 1 else "(1 attempt)"

    def asking(self, output: Any) -> ChatModel:
        """The same model, asked for a value of a type, or of a JSON schema."""
        held: Any = _Held(output) if isinstance(output, Mapping) else output  # pyright: ignore[reportUnknownArgumentType]
        return replace(self, output=held)

    def having(self, options: Mapping[str, Any]) -> ChatModel:
        """The same model with some of its options changed."""
        return replace(self, options=tuple(sorted({**dict(self.options), **options}.items())))

    def __hash__(self) -> int:
        return hash((self.spec, self.account.provider, self.account.base_url, self.attempts))

    def __getstate__(self) -> dict[str, Any]:
        """Without the backend that was opened here: another process opens its own. A script goes along."""
        state = super().__getstate__()
        return state if "script" in state else {k: v for k, v in state.items() if k != "_resolved"}

    def compile(self, place: Place) -> Core:
        asked = self.asked()
        path, tail = place.path, place.tail
        if asked is not None:
            return asked.core(self, path, tail=tail)

        async def run(frame: Frame, value: Any) -> Any:
            messages = value if type(value) is Messages else self.messages(value)
            resolved = resolve(self, frame.run)
            request = ChatRequest(resolved.model, messages, dict(self.options), self.tools, lenient=self.lenient)
            listener = listening(frame, path, tail=tail)
            return await self.send(resolved, request, frame, path, Tries(frame.attempts or self.attempts), listener)

        return run

    def asked(self) -> Asked | None:
        """How a value is asked for; None where the reply itself is wanted."""
        if self.output is None:
            return None
        from chainkit.models.structured import Asked

        return Asked(self.output.value if isinstance(self.output, _Held) else self.output)

    def messages(self, value: Any) -> Messages:
        """The input as messages. Raises CompositionError for what is none."""
        found = as_messages(value)
        if found is None:
            kind = type(value).__name__
            msg = f"a model takes a string or messages, and got {kind}: {value!r:.60}"
            raise CompositionError(msg, cure=_CURES.get(kind, "put a prompt(...) or a step before it"))
        return found

    async def send(
        self,
        resolved: Resolved,
        request: ChatRequest,
        frame: Frame,
        path: str,
        tries: Tries,
        listener: Any = None,
    ) -> Reply:
        """One request through the gate; what is missing before it could start is said first."""
        request.stream = listener is not None
        return await sent(resolved, request, frame, path, tries, listener)


_CURES = {
    "Reply": "write `.text` after the first model to hand on its text",
    "Verdict": "write `.answer` after the ensemble to hand on its value",
    "dict": "put a prompt(...) before the model that turns the dict into text",
}


def listening(frame: Frame, path: str, *, tail: bool, growing: Any = None) -> Any:
    """What shows a reply's pieces to whoever listens; None where nobody wants them."""
    if frame.emit is None or not (tail or frame.every):
        return None
    from chainkit.models.showing import Showing

    return Showing(frame, path, tail=tail, growing=growing)


class _Held:
    """A JSON schema as an output: a mapping made hashable by its identity and comparable by its content."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.value == other.value

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.value)))


def held_schema(output: Any) -> Mapping[str, Any] | None:
    """The JSON schema that a model is asked for, where it is asked for by one."""
    return output.value if isinstance(output, _Held) else None


class ModelOptions(Options, total=False):
    """The options of `model`: how to reach it, and what it is asked with."""

    tools: Sequence[Any]
    api: str | None
    base_url: str | None
    api_key: str | None
    client: Any
    carrier: Literal["auto", "httpx", "sdk", "aiohttp"]
    attempts: int
    unsupported: Literal["raise", "warn"]


_OPTIONS = frozenset(get_type_hints(Options))


@overload
def model(spec: str, *, output: None = None, **options: Unpack[ModelOptions]) -> Chain[Promptable, Reply]: ...
@overload
def model(spec: str, *, output: type[T], **options: Unpack[ModelOptions]) -> Chain[Promptable, T]: ...
@overload
def model(spec: str, *, output: TypeForm[T], **options: Unpack[ModelOptions]) -> Chain[Promptable, T]: ...
@overload
def model(spec: str, *, output: Mapping[str, Any], **options: Unpack[ModelOptions]) -> Chain[Promptable, Any]: ...
def model(
    spec: str,
    *,
    output: Any = None,
    tools: Sequence[Any] = (),
    api: str | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    client: Any = None,
    carrier: Literal["auto", "httpx", "sdk", "aiohttp"] = "auto",
    attempts: int = ATTEMPTS,
    unsupported: Literal["raise", "warn"] = "raise",
    **options: Any,
) -> Any:
    """A model by its name, "provider:name", as a chain from a string or messages.

    Without `output` it gives a `Reply`; with it a validated value of that type (a pydantic model,
    dataclass, TypedDict, Literal, enum, list, scalar, union or JSON schema), asking again with the error
    where an answer does not fit. `tools` only offers tools; nothing is run. `api` chooses among a
    provider's interfaces, `carrier` who sends: our HTTP client, the vendor's SDK, or aiohttp. `attempts`
    is the most requests that one call of this step may send. An option that the model cannot honour raises
    before anything is sent; with `unsupported="warn"` it is left out, and `Reply.warnings` says so. Raises CompositionError for a bad spec or
    option, UnknownModel for an unknown provider; keys are looked for at the first request.
    """
    _known_options(options)
    account = reached(
        spec, api=api, base_url=base_url, api_key=api_key, client=client, carrier=carrier, attempts=attempts
    )
    if unsupported not in ("raise", "warn"):
        raise CompositionError(f"unsupported={unsupported!r} is neither 'raise' nor 'warn'")
    held: Any = _Held(output) if isinstance(output, Mapping) else output  # pyright: ignore[reportUnknownArgumentType]
    chain = ChatModel(
        spec, account, tuple(sorted(options.items())), _specs(tools), held, attempts, unsupported == "warn"
    )
    chain.asked()
    return chain


def _known_options(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in _OPTIONS:
            msg = f"model() has no option {name!r}"
            near = did_you_mean(name, sorted(_OPTIONS))
            raise CompositionError(msg, cure=f"{near}; vendor fields go in extra={{...}}")


def _specs(tools: Sequence[Any]) -> tuple[ToolSpec, ...]:
    found: list[ToolSpec] = []
    for item in tools:
        spec = item if isinstance(item, ToolSpec) else getattr(item, "spec", None)
        if not isinstance(spec, ToolSpec):
            msg = f"a tool is a ToolSpec (name, description, JSON schema of its parameters), not {item!r:.60}"
            raise CompositionError(msg)
        found.append(spec)
    return tuple(found)
