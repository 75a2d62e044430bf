"""How a wire format says things: what a `FaultServer` and the conformance suite need to speak it.

The formats that many servers speak are in `chainkit.testing.wire_bodies`, each under a name. For one of your own write a
class with three methods and hand over an object of it, wherever a shape is asked for:

    class Talk(Shape):
        name = "talk"
        paths = ("/talk",)

        def body(self, said): return {"says": said.text, "why": said.finish}
        def events(self, said): yield from (("", {"more": p}) for p in said.pieces); yield "", {"why": said.finish}
        def refusal(self, status, message, code=None): return {"problem": message}

    conformance.provider("acme:some-model", shape=Talk())
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from chainkit.messages import ToolCall
from chainkit.usage import Usage

Finish: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter"]
Event: TypeAlias = tuple[str, Any]
"""The event's name, empty where the format has none, and its data: JSON, or a text that is sent as it is."""
USAGE = Usage(input=11, output=7)
"""What an answer counts unless it says otherwise."""
_PIECES = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer says, in nobody's words. `usage=None` leaves the counts out."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    usage: Usage | None = USAGE
    model: str = "loopback"
    thinking: str = ""

    @property
    def pieces(self) -> list[str]:
        """The text in the pieces in which it is streamed: words."""
        return _PIECES.findall(self.text)


class Shape:
    """A wire format. Write `body`, `events` and `refusal`; the rest is as it is for server-sent events over JSON.

    `paths` are what the paths of its requests end in. `without` names scenarios of the suite that the format has no
    words for, each with the reason. A stream that is bytes and no lines of text says `lines = False`.
    """

    name: ClassVar[str] = ""
    paths: ClassVar[tuple[str, ...]] = ()
    without: ClassVar[Mapping[str, str]] = {}
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    lines: ClassVar[bool] = True

    def __str__(self) -> str:
        return self.name

    def body(self, said: Said) -> Any:
        """The JSON of an unstreamed answer."""
        raise NotImplementedError

    def events(self, said: Said) -> Iterable[Event]:
        """The events of the same answer, streamed."""
        raise NotImplementedError

    def refusal(self, status: int, message: str, code: str | None = None) -> Any:
        """The JSON of an error whose status is not 200; `code` is the vendor's own word for it."""
        raise NotImplementedError

    def too_long(self, message: str) -> tuple[int, Any]:
        """The status and the JSON with which it refuses a question that is longer than the model's context."""
        return 400, self.refusal(400, message)

    def error_event(self, message: str, code: str = "overloaded_error") -> Event:
        """An error in the middle of a stream whose status was 200."""
        return "", self.refusal(503, message, code)

    def written(self, event: Event) -> bytes:
        """One event as it stands on the wire."""
        return sse(event)

    def as_told(self, data: str) -> bytes:
        """Data, whether it is JSON or not, as one event without a name."""
        return f"data: {data}\n\n".encode()

    def commented(self, write: bytes) -> bytes:
        """An event with what a server sends to keep the connection alive beside it."""
        return b": ping\n" + write + b"\n\n"

    def streams(self, path: str, asked: Mapping[str, Any]) -> bool:
        """Whether a request asks for a stream."""
        return asked.get("stream") is True


def sse(event: Event, *, newline: str = "\n") -> bytes:
    """One server-sent event as it stands on the wire."""
    name, data = event
    told = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    head = f"event: {name}{newline}" if name else ""
    return f"{head}data: {told}{newline}{newline}".encode()


# What several formats share.

_CODES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "server_error",
    529: "overloaded_error",
}


def code_of(status: int, code: str | None) -> str | None:
    """The word that several formats have for a status; None where they have none."""
    return code or _CODES.get(status)


def word_of(status: int, code: str | None) -> str:
    """The same, with a word for all."""
    return code_of(status, code) or ("server_error" if status >= 500 else "invalid_request_error")


def arguments(call: ToolCall) -> str:
    """A call's arguments as JSON text."""
    return call.raw if call.raw is not None else json.dumps(dict(call.arguments), ensure_ascii=False)


def id_of(call: ToolCall, index: int) -> str:
    """A call's id, made up where it has none."""
    return call.id or f"call_{index}"


def halves(text: str) -> tuple[str, str]:
    """A text in two pieces."""
    return text[: len(text) // 2], text[len(text) // 2 :]


def counts(said: Said) -> tuple[int, int, int]:
    """(input, output, cached) tokens."""
    usage = said.usage or Usage()
    return usage.input or 0, usage.output or 0, usage.cached or 0
