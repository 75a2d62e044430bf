"""How the conformance suite asks a subject: in one mode, against a server, with the key watched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from chainkit.testing.server import FaultServer

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.errors import ChainkitError
    from chainkit.run.run import Run
    from chainkit.testing.faults import Seen
    from chainkit.testing.wire_bodies import AnyShape

Mode: TypeAlias = Literal["invoke", "ainvoke", "stream", "astream"]
MODES: tuple[Mode, ...] = ("invoke", "ainvoke", "stream", "astream")
STREAMS: tuple[Mode, ...] = ("stream", "astream")
WHOLE: tuple[Mode, ...] = ("invoke", "ainvoke")
KEY = "sk-conformance-0123456789abcdef"
TEXT = "Grüße aus Köln: 世界, Ελλάδα, 🌍🚀 - and a long tail of plain words to stream"


class Asking:
    """A model in one mode, and the ways to ask it. `pieces` are those that the last stream of text showed."""

    def __init__(self, mode: Mode) -> None:
        self.mode: Mode = mode
        self.pieces: list[Any] = []

    def ask(self, chain: Chain[Any, Any], value: Any = "hi", run: Run | None = None) -> Any:
        """The chain's value in this mode. Of a stream of text, the pieces must be the text."""
        self.pieces = []
        if self.mode == "invoke":
            return chain.invoke(value, run=run)
        if self.mode == "stream":
            with chain.stream(value, run=run) as stream:
                self.pieces.extend(stream)
                return self._joined(stream.value)
        return asyncio.run(self._asked(chain, value, run))

    async def _asked(self, chain: Chain[Any, Any], value: Any, run: Run | None) -> Any:
        if self.mode == "ainvoke":
            return await chain.ainvoke(value, run=run)
        async with chain.astream(value, run=run) as stream:
            async for piece in stream:
                self.pieces.append(piece)
            return self._joined(stream.value)

    def fails(self, kind: Any, chain: Chain[Any, Any], run: Run | None = None) -> ChainkitError:
        """The error of that class that asking must raise."""
        try:
            value = self.ask(chain, run=run)
        except kind as error:
            secret_free(error)
            return error
        raise AssertionError(f"it gave {value!r} and should have raised {kind}")

    def _joined(self, value: Any) -> Any:
        if hasattr(value, "finish_reason"):
            shown = "".join(self.pieces)
            assert shown == value.text, f"the pieces say {shown!r}, the reply {value.text!r}"
        return value


class Talk(Asking):
    """A subject in one mode, and a server of its format to ask. `seen` is all that it was asked."""

    def __init__(self, make: Callable[..., Chain[Any, Any]], shape: AnyShape, mode: Mode) -> None:
        super().__init__(mode)
        self.make = make
        self.shape: AnyShape = shape
        self.seen: list[Seen] = []

    @contextmanager
    def serving(self, *turns: Any, seed: int | None = None) -> Generator[FaultServer]:
        """A server for the subject; nothing may be under way when it ends."""
        with FaultServer(turns or "ok", shape=self.shape, seed=seed) as server:
            yield server
            self.seen.extend(server.requests)
            assert server.wait_idle(), f"{server.busy} requests are still under way"

    def model(self, server: FaultServer, **options: Any) -> Chain[Any, Any]:
        """The subject's model, asking that server."""
        return self.make(server.url, **options)


def secret_free(*shown: Any) -> None:
    """Assert that the key shows in none of these, nor in what caused them."""
    for item in shown:
        for text in (str(item), repr(item), repr(getattr(item, "__cause__", None))):
            assert KEY not in text, f"the key shows in {text}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name, what to do, the modes in which it makes sense, and whether it offers tools."""

    name: str
    check: Callable[[Talk], None]
    modes: tuple[Mode, ...] = MODES
    tools: bool = False


SCENARIOS: list[Scenario] = []


def scenario(*modes: Mode, tools: bool = False) -> Callable[[Callable[[Talk], None]], Callable[[Talk], None]]:
    """Put a function into the suite, under its name with blanks."""

    def put(check: Callable[[Talk], None]) -> Callable[[Talk], None]:
        SCENARIOS.append(Scenario(check.__name__.replace("_", " "), check, modes or MODES, tools))
        return check

    return put


def told_to(seen: Seen) -> str:
    """The JSON that a server was sent, as text."""
    return json.dumps(seen.json, ensure_ascii=False)
