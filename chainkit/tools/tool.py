"""A tool: a typed function, or a chain, that a model may call."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from chainkit.chain import Chain
from chainkit.errors import CompositionError
from chainkit.models.request import ToolSpec
from chainkit.output.schema import shape_of
from chainkit.tools.signature import Signature, signature_of

if TYPE_CHECKING:
    from chainkit.messages import Messages, ToolCall
    from chainkit.run.run import Run

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D")


@dataclass(frozen=True, repr=False)
class ToolContext(Generic[D]):
    """What a tool is handed besides the model's arguments, where a parameter has this type. The model never sees it.

    `run` is the run (its budget, deadline, ledger), `call` the call with its id, `messages` the conversation that
    led to it, `deps` what the agent was given, `tell(x)` shows `x` to whoever listens to the run's events.
    """

    run: Run
    call: ToolCall
    messages: Messages
    deps: D
    tell: Callable[[Any], Awaitable[None]]

    def __repr__(self) -> str:
        return f"ToolContext({self.call.name})"


@dataclass(frozen=True, eq=False, repr=False)
class Tool(Generic[P, R]):
    """A function that a model may call, and that you may call as before. Made by `tool`.

    `timeout` is in seconds, `retries` how often it is tried again after an exception, `approve` whether a person
    must agree first.
    """

    function: Callable[P, R]
    signature: Signature | None = None
    chain: Chain[Any, Any] | None = None
    spec: ToolSpec = field(default_factory=lambda: ToolSpec("", "", {}))
    timeout: float | None = None
    retries: int = 0
    approve: bool = False

    @property
    def name(self) -> str:
        """Its name, as the model knows it."""
        return self.spec.name

    @property
    def description(self) -> str:
        """What the model is told of it."""
        return self.spec.description

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The JSON schema of its arguments."""
        return self.spec.parameters

    def _same(self) -> tuple[Any, ...]:
        what: Any = self.function if self.chain is None else self.chain
        return what, self.name, self.timeout, self.retries, self.approve

    def __eq__(self, other: object) -> bool:
        return self._same() == other._same() if isinstance(other, Tool) else NotImplemented  # pyright: ignore[reportUnknownMemberType]

    def __hash__(self) -> int:
        return hash(self._same())

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"tool {self.name}"


@overload
def tool(function: Callable[P, R], /) -> Tool[P, R]: ...
@overload
def tool(
    *, name: str | None = ..., description: str | None = ..., timeout: float | None = ..., retries: int = ...,
    approve: bool = ...,
) -> Callable[[Callable[P, R]], Tool[P, R]]: ...  # fmt: skip
@overload
def tool(
    chain: Chain[Any, Any], /, *, name: str, description: str, timeout: float | None = ..., retries: int = ...,
    approve: bool = ...,
) -> Tool[..., Any]: ...  # fmt: skip
@overload
def tool(
    function: Callable[P, R], /, *, name: str | None = ..., description: str | None = ...,
    timeout: float | None = ..., retries: int = ..., approve: bool = ...,
) -> Tool[P, R]: ...  # fmt: skip
def tool(
    what: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    retries: int = 0,
    approve: bool = False,
) -> Any:
    """A typed function as a tool: `@tool` above it, or `tool(function)`. A chain with a name is one too.

    The schema comes from the annotations (with defaults, `Annotated[..., Field(...)]`, dataclasses, TypedDicts,
    pydantic models), the words from the docstring, Google's, NumPy's or Sphinx's form. A parameter of type
    `ToolContext` is filled by the run. The function may be `async`. Raises CompositionError for a parameter without
    a type, or of a type that JSON cannot hold.
    """
    if what is None:
        return partial(tool, name=name, description=description, timeout=timeout, retries=retries, approve=approve)
    if retries < 0 or (timeout is not None and timeout <= 0):
        msg = f"retries={retries} and timeout={timeout}: the one is 0 or more, the other seconds above 0"
        raise CompositionError(msg)
    policy: dict[str, Any] = {"timeout": timeout, "retries": retries, "approve": approve}
    if isinstance(what, Tool):
        what = what.function if what.chain is None else what.chain  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    if isinstance(what, Chain):
        return _of_chain(what, name, description, policy)  # pyright: ignore[reportUnknownArgumentType]
    if not callable(what):
        raise CompositionError(f"a tool is a function or a chain, not {what!r:.60}")
    read = signature_of(what, ToolContext, name, description)
    spec = ToolSpec(_fit(read.name), read.description, read.shape.json_schema)
    return Tool(what, read, None, spec, **policy)


def _of_chain(
    chain: Chain[Any, Any], name: str | None, description: str | None, policy: dict[str, Any]
) -> Tool[..., Any]:
    if not name or not description:
        msg = f"a chain that is a tool needs a name and a description for the model: {chain!r:.60}"
        raise CompositionError(msg, cure="tool(chain, name='search', description='Search the company wiki.')")
    return Tool(chain.invoke, None, chain, ToolSpec(_fit(name), description, _takes(chain)), **policy)


def takes_fields(chain: Chain[Any, Any]) -> bool:
    """Whether a chain takes an object with named fields: a pydantic model, dataclass or TypedDict."""
    takes: Any = chain.in_type
    fields = hasattr(takes, "model_fields") or is_dataclass(takes) or hasattr(takes, "__required_keys__")
    return isinstance(takes, type) and fields


def _takes(chain: Chain[Any, Any]) -> Mapping[str, Any]:
    """The schema of what a chain takes; a chain of text takes one `input`."""
    if takes_fields(chain):
        return shape_of(chain.in_type).json_schema
    return {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
        "additionalProperties": False,
    }


def fitting(name: str) -> str:
    """A server's name for a tool, changed where vendors would not take it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "tool"


def _fit(name: str) -> str:
    """The name, where every vendor takes it. Raises CompositionError."""
    if not name.replace("-", "_").isidentifier() or not name.isascii() or len(name) > 64:
        msg = f"{name!r} is no name for a tool"
        raise CompositionError(msg, cure="use 1 to 64 ASCII letters, digits, '_' and '-': tool(f, name='...')")
    return name
