"""How Acme says things: what a fault server needs to know, to stand in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.testing import Shape
from chainkit.testing.shapes import arguments, halves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.testing.shapes import Event, Said

WHY = {"stop": "done", "length": "full", "tool_calls": "call", "content_filter": "no"}


class Talk(Shape):
    """`/v1/talk`."""

    name = "acme-talk"
    paths = ("/v1/talk",)

    def body(self, said: Said) -> dict[str, Any]:
        thought = [{"thought": {"text": said.thinking, "seal": "s"}}] if said.thinking else []
        text = [{"text": said.text}] if said.text else []
        calls = [{"call": {"id": c.id, "name": c.name, "arguments": dict(c.arguments)}} for c in said.calls]
        return {"parts": [*thought, *text, *calls], **self.end(said)}

    def events(self, said: Said) -> Iterator[Event]:
        if said.thinking:
            yield "", {"thought": said.thinking, "seal": "s"}
        for piece in said.pieces:
            yield "", {"text": piece}
        for call in said.calls:
            yield "", {"call": {"id": call.id, "name": call.name}}
            for half in halves(arguments(call)):
                yield "", {"arguments": half}
        yield "", {"end": self.end(said)}

    def end(self, said: Said) -> dict[str, Any]:
        why = "call" if said.calls and said.finish == "stop" else WHY[said.finish]
        told = {"model": said.model, "why": why}
        if said.usage is None:
            return told
        used = {"read": said.usage.input, "wrote": said.usage.output, "kept": said.usage.cached or 0}
        return told | {"used": used}

    def refusal(self, status: int, message: str, code: str | None = None) -> dict[str, Any]:
        return {"problem": {"word": code or f"e{status}", "message": message}}

    def too_long(self, message: str) -> tuple[int, Any]:
        return 400, self.refusal(400, message, "too_long")
