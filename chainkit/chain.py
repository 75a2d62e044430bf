"""Chain: a typed `In -> Out` that composes. It knows no vendor and opens no socket.

To write a new kind of chain, subclass `Chain` as a frozen dataclass and give one method, `compile`, that
returns an `async def core(frame, value)`. Parts are compiled with `place.compile(part)`; waiting is done
with `frame.io` and `frame.gather` and with nothing else. What a chain holds is never changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, TypeVar, overload

from chainkit.errors import ChainkitError
from chainkit.place import Place

if TYPE_CHECKING:
    from typing import TypeAlias

    from chainkit.compose.graph import Graph
    from chainkit.ensembles.verdict import Verdict
    from chainkit.messages import Message, Promptable
    from chainkit.models.batches import ProviderBatch
    from chainkit.models.provider import Rendered
    from chainkit.models.reply import Reply
    from chainkit.models.transcribe import Transcript
    from chainkit.run.drive import Core
    from chainkit.run.events import Event
    from chainkit.run.io.batch import Batch
    from chainkit.run.io.stream import AsyncStream, Stream
    from chainkit.run.run import Run
    from chainkit.streaming import Partial
    from chainkit.tools.result import AgentResult

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")
PT = TypeVar("PT", bound="str | Message | Sequence[Message]")
In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)

CONCURRENCY = 16
"""How many items of a batch are in flight unless the call says otherwise."""


class Chain(Generic[In, Out]):
    """Anything that turns an `In` into an `Out`, in every mode: now, later, in pieces, in bulk."""

    # What a kind of chain says of itself.

    @property
    def in_type(self) -> Any:
        """What it takes, as a type; Any where that is not known."""
        return Any

    @property
    def out_type(self) -> Any:
        """What it gives, as a type; Any where that is not known."""
        return Any

    @property
    def label(self) -> str:
        """Its word in an address; empty for a kind that only groups."""
        return type(self).__name__.lower()

    @property
    def instant(self) -> bool:
        """Whether it is quick and never waits: then it is not worth a task of its own."""
        return False

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        """The chains inside, each with the word for its place."""
        return ()

    def groups(self) -> tuple[int, ...]:
        """For a drawing: how many of its parts stand side by side, group after group. Empty: they are one group."""
        return ()

    def compile(self, place: Place) -> Core:
        """The core: `async def core(frame, value)`."""
        raise NotImplementedError

    def _compiled(self) -> Core:
        core: Core | None = self.__dict__.get("_core")
        if core is None:
            core = Place().compile(self, tail=True)
            self.__dict__["_core"] = core
        return core

    # The ways to call it.

    def invoke(self, value: In, *, run: Run | None = None) -> Out:
        """Run once, in this thread. Raises what a step raised, or a ChainkitError with the place."""
        from chainkit.run.drive import invoke

        return invoke(self._compiled(), value, run)

    async def ainvoke(self, value: In, *, run: Run | None = None) -> Out:
        """Run once, on the running event loop."""
        from chainkit.run.drive import ainvoke

        return await ainvoke(self._compiled(), value, run)

    @overload
    def stream(self: Chain[A, Never], value: A, *, run: Run | None = None) -> Stream[Any, Any]: ...
    @overload
    def stream(self: Chain[A, Reply], value: A, *, run: Run | None = None) -> Stream[str, Reply]: ...
    @overload
    def stream(self: Chain[A, str], value: A, *, run: Run | None = None) -> Stream[str, str]: ...
    @overload
    def stream(self, value: In, *, run: Run | None = None) -> Stream[Partial[Out], Out]: ...
    def stream(self, value: Any, *, run: Run | None = None) -> Stream[Any, Any]:
        """Run once and give pieces of the chain's own output as they come.

        Text for a model or a chain of text; `Partial` objects for other values. Raises StreamBroken where
        an attempt failed after text was shown; `events` goes on instead and says `Restarted`.
        """
        from chainkit.run.io.stream import Stream
        from chainkit.streaming import pieces

        return Stream(self._compiled(), value, run, pieces())

    @overload
    def astream(self: Chain[A, Never], value: A, *, run: Run | None = None) -> AsyncStream[Any, Any]: ...
    @overload
    def astream(self: Chain[A, Reply], value: A, *, run: Run | None = None) -> AsyncStream[str, Reply]: ...
    @overload
    def astream(self: Chain[A, str], value: A, *, run: Run | None = None) -> AsyncStream[str, str]: ...
    @overload
    def astream(self, value: In, *, run: Run | None = None) -> AsyncStream[Partial[Out], Out]: ...
    def astream(self, value: Any, *, run: Run | None = None) -> AsyncStream[Any, Any]:
        """`stream` on the running event loop: `async for piece in chain.astream(x)`."""
        from chainkit.run.io.stream import AsyncStream
        from chainkit.streaming import pieces

        return AsyncStream(self._compiled(), value, run, pieces())

    def events(self, value: In, *, run: Run | None = None) -> Stream[Event[Out], Out]:
        """Run once and tell everything: typed events, of which `Completed` is the last."""
        from chainkit.run.io.stream import Stream
        from chainkit.streaming import everything

        return Stream(self._compiled(), value, run, everything())

    def aevents(self, value: In, *, run: Run | None = None) -> AsyncStream[Event[Out], Out]:
        """`events` on the running event loop."""
        from chainkit.run.io.stream import AsyncStream
        from chainkit.streaming import everything

        return AsyncStream(self._compiled(), value, run, everything())

    @overload
    def batch(
        self,
        values: Iterable[In],
        *,
        concurrency: int = ...,
        errors: Literal["raise"] = "raise",
        via: Via = ...,
        run: Run | None = None,
    ) -> list[Out]: ...
    @overload
    def batch(
        self,
        values: Iterable[In],
        *,
        concurrency: int = ...,
        errors: Literal["keep"],
        via: Via = ...,
        run: Run | None = None,
    ) -> list[Out | ChainkitError]: ...
    def batch(
        self,
        values: Iterable[In],
        *,
        concurrency: int = CONCURRENCY,
        errors: Literal["raise", "keep"] = "raise",
        via: Via = "calls",
        run: Run | None = None,
    ) -> list[Any]:
        """Run every item, several at once; results in the order of the items.

        The first error cancels the rest and is raised with its `index`; with `errors="keep"` it stands in
        its place in the list. With `via="provider-batch"` the model at the chain's end is asked through its
        provider's own batches: about half the price, answered within hours, waited for here; a
        `ProviderBatch` says how, and takes up one that was handed in before.
        """
        if via != "calls":
            return self._provider_batch(via, errors).invoke(list(values), run=run)
        with self._batch(values, concurrency, errors, run, ordered=True) as items:
            return [value for _, value in items]

    @overload
    def batch_as_completed(
        self,
        values: Iterable[In],
        *,
        ordered: bool = False,
        concurrency: int = ...,
        errors: Literal["raise"] = "raise",
        run: Run | None = None,
    ) -> Batch[Out]: ...
    @overload
    def batch_as_completed(
        self,
        values: Iterable[In],
        *,
        ordered: bool = False,
        concurrency: int = ...,
        errors: Literal["keep"],
        run: Run | None = None,
    ) -> Batch[Out | ChainkitError]: ...
    def batch_as_completed(
        self,
        values: Iterable[In],
        *,
        ordered: bool = False,
        concurrency: int = CONCURRENCY,
        errors: Literal["raise", "keep"] = "raise",
        run: Run | None = None,
    ) -> Batch[Any]:
        """Iterate `(index, result)` lazily, as items end or in their order; any iterable, constant memory.

        The iterable is pulled in this thread, at most twice the concurrency ahead. Closing it (or leaving
        its `with`) cancels the rest.
        """
        return self._batch(values, concurrency, errors, run, ordered=ordered)

    def _provider_batch(self, via: Any, errors: str) -> Chain[Any, Any]:
        from chainkit.compose.provider_batch import provider_batched

        return provider_batched(self, via, keep=errors == "keep")

    def _batch(
        self,
        values: Iterable[Any],
        concurrency: int,
        errors: Literal["raise", "keep"],
        run: Run | None,
        *,
        ordered: bool,
    ) -> Batch[Any]:
        from chainkit.run.io.batch import Batch

        return Batch(self._compiled(), values, run, concurrency=concurrency, ordered=ordered, errors=errors)

    @overload
    async def abatch(
        self,
        values: Iterable[In] | AsyncIterable[In],
        *,
        concurrency: int = ...,
        errors: Literal["raise"] = "raise",
        via: Via = ...,
        run: Run | None = None,
    ) -> list[Out]: ...
    @overload
    async def abatch(
        self,
        values: Iterable[In] | AsyncIterable[In],
        *,
        concurrency: int = ...,
        errors: Literal["keep"],
        via: Via = ...,
        run: Run | None = None,
    ) -> list[Out | ChainkitError]: ...
    async def abatch(
        self,
        values: Iterable[In] | AsyncIterable[In],
        *,
        concurrency: int = CONCURRENCY,
        errors: Literal["raise", "keep"] = "raise",
        via: Via = "calls",
        run: Run | None = None,
    ) -> list[Any]:
        """`batch` on the running event loop; the items may come from an async iterable."""
        from chainkit.run.io.batch import abatch

        if via != "calls":
            held = [v async for v in values] if isinstance(values, AsyncIterable) else list(values)
            return await self._provider_batch(via, errors).ainvoke(held, run=run)

        items = abatch(self._compiled(), values, run, concurrency=concurrency, ordered=True, errors=errors)
        return [value async for _, value in items]

    # Composing. `|` and `then` are the same; `then` lets a lambda's types be inferred.

    @overload
    def __or__(self, other: Chain[Out, C]) -> Chain[In, C]: ...
    @overload
    def __or__(self: Chain[A, Promptable], other: str) -> Chain[A, Reply]: ...
    @overload
    def __or__(self, other: Mapping[str, Step[Out]]) -> Chain[In, dict[str, Any]]: ...
    @overload
    def __or__(self, other: Callable[[Out], Awaitable[C]]) -> Chain[In, C]: ...
    @overload
    def __or__(self, other: Callable[[Out], C]) -> Chain[In, C]: ...
    def __or__(self, other: Any) -> Any:
        """This, then that. Raises CompositionError where the types can never meet."""
        from chainkit.compose.sequence import join

        return join(self, other)

    @overload
    def __ror__(self: Chain[Reply, C], other: str) -> Chain[Promptable, C]: ...
    @overload
    def __ror__(self: Chain[dict[str, Any], C], other: Mapping[str, Chain[A, Any]]) -> Chain[A, C]: ...
    @overload
    def __ror__(self: Chain[dict[str, Any], C], other: Mapping[str, Step[A]]) -> Chain[A, C]: ...
    @overload
    def __ror__(self, other: Callable[[A], Awaitable[In]]) -> Chain[A, Out]: ...
    @overload
    def __ror__(self, other: Callable[[A], In]) -> Chain[A, Out]: ...
    def __ror__(self, other: Any) -> Any:
        """That, then this."""
        from chainkit.compose.sequence import join

        return join(other, self)

    @overload
    def then(self, other: Chain[Out, C], /) -> Chain[In, C]: ...
    @overload
    def then(self: Chain[A, Promptable], other: str, /) -> Chain[A, Reply]: ...
    @overload
    def then(self, other: Mapping[str, Step[Out]], /) -> Chain[In, dict[str, Any]]: ...
    @overload
    def then(self, other: Callable[[Out], Awaitable[C]], /) -> Chain[In, C]: ...
    @overload
    def then(self, other: Callable[[Out], C], /) -> Chain[In, C]: ...
    def then(self, other: Any, /) -> Any:
        """`self | other`, as a method."""
        return self | other

    # Policies: one-line doors to chains around this one.

    def retry(
        self,
        attempts: int = 3,
        *,
        on: type[Exception] | tuple[type[Exception], ...] | None = None,
        backoff: float = 0.5,
    ) -> Chain[In, Out]:
        """Give every call inside `attempts` attempts, and repeat the chain for errors of its own steps.

        An error that came out of a model call has used up its attempts already: it is repeated only where
        `on` names its class. `backoff` is the first wait in seconds, doubling, with jitter.
        """
        from chainkit.compose.policy import Retrying

        return Retrying(self, attempts, on if on is None or isinstance(on, tuple) else (on,), backoff)

    def timeout(self, seconds: float) -> Chain[In, Out]:
        """A deadline for everything inside: queues, waits, retries, streams."""
        from chainkit.compose.policy import TimeLimited

        return TimeLimited(self, seconds)

    def limit(self, concurrency: int | None = None, *, per_minute: int | None = None) -> Chain[In, Out]:
        """One queue for all attempts inside, whatever thread, loop or run they come from."""
        from chainkit.compose.policy import Limited
        from chainkit.run.limits import Limit

        return Limited(self, queue=Limit(concurrency, per_minute))

    def named(self, name: str) -> Chain[In, Out]:
        """The same chain under a name: in addresses, graphs and the ledger."""
        from chainkit.compose.policy import Named

        return Named(self, name)

    @overload
    def fallback(self: Chain[PT, Reply], *others: str | Chain[PT, Reply]) -> Chain[PT, Reply]: ...
    @overload
    def fallback(self: Chain[A, B], *others: Chain[A, C]) -> Chain[A, B | C]: ...
    def fallback(self: Any, *others: Any) -> Any:
        """Where this fails, the next; a string stands for a model. The last error is raised with the others as notes."""
        from chainkit.compose.fallback import fallback

        return fallback(self, *others)

    @property
    def text(self: Chain[A, Reply | Transcript]) -> Chain[A, str]:
        """The reply's text."""
        from chainkit.compose.step import TEXT

        return self | TEXT

    @property
    def answer(self: Chain[A, Verdict[T] | AgentResult[T]]) -> Chain[A, T]:
        """The bare value of a verdict, or of an agent's result."""
        from chainkit.compose.step import ANSWER

        return self | ANSWER

    # Looking at it.

    def render(self, value: In) -> list[Rendered]:
        """The exact wire request of every model call, sending nothing.

        A call that needs what an earlier model says is rendered with a marked placeholder in that place.
        """
        from chainkit.compose.render import render

        return render(self, value)

    def check(self) -> None:
        """Raise the first thing that would stop a call before it starts: a key, an extra. No network."""
        from chainkit.compose.render import check

        check(self)

    def graph(self) -> Graph:
        """The chain as a drawing: `str()` gives text, `.mermaid()` and `.svg()` the rest."""
        from chainkit.compose.graph import graph

        return graph(self)

    def dump(self) -> dict[str, Any]:
        """The chain as plain data, without code and secrets. `load(data, names=...)` brings it back."""
        from chainkit.compose.dump import dump

        return dump(self)

    def __repr__(self) -> str:
        from chainkit.compose.graph import one_line

        return one_line(self)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_core"}


if TYPE_CHECKING:
    Via: TypeAlias = Literal["calls", "provider-batch"] | ProviderBatch
    Step: TypeAlias = str | Chain[T, Any] | Callable[[T], Any]
