"""One step of an agent: its model asked with the tools and the form of the answer. Values in, a reply out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.errors import CompositionError
from chainkit.models.chat import ChatModel, listening
from chainkit.models.reply import Reply
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit.models.resolve import resolve
from chainkit.output.parse import read
from chainkit.output.schema import shape_of
from chainkit.output.strategy import choose
from chainkit.run.call import Tries

if TYPE_CHECKING:
    from chainkit.messages import Messages, ToolCall
    from chainkit.models.profile import Profile
    from chainkit.output.strategy import Way
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

FINAL = "final_answer"
"""The tool by which a model gives a typed answer, where it has no other way beside tools."""


@dataclass(frozen=True)
class Asked:
    """What a step gave: the reply, and how a typed answer was asked for."""

    reply: Reply
    way: Way[Any] | None

    @property
    def answer(self) -> ToolCall | None:
        """The call that is the answer itself, where it is given so."""
        if self.way is None or self.way.mode != "tool":
            return None
        return next((c for c in self.reply.tool_calls if c.name == FINAL), None)

    def value(self) -> Any:
        """The typed answer. Raises OutputError."""
        assert self.way is not None
        if self.way.mode == "tool":
            call = self.answer
            # `read` looks for the call by the name that the way gave it.
            calls = () if call is None else (replace(call, name=self.way.name),)
            return read(self.way, "" if call is not None else self.reply.text, calls)
        return read(self.way, self.reply.text, ())


@dataclass(frozen=True, repr=False)
class Asking(Chain[Any, Any]):
    """Messages in, what the model said out. `tail` says that its text is the whole chain's own."""

    model: ChatModel
    specs: tuple[ToolSpec, ...]
    output: Any = None

    @property
    def label(self) -> str:
        return self.model.label

    def compile(self, place: Place) -> Core:
        model, path, tail = self.model, place.path, place.tail

        async def run(frame: Frame, messages: Messages) -> Reply:
            resolved = resolve(model, frame.run)
            way = self.way(resolved.profile)
            request = ChatRequest(
                resolved.model, messages, dict(model.options), self.specs, None, lenient=model.lenient
            )
            if way is not None:
                self._ask_for(way, request)
            listener = listening(frame, path, tail=tail and self.output is None)
            tries = Tries(frame.attempts or model.attempts)
            return await model.send(resolved, request, frame, path, tries, listener)

        return run

    def way(self, profile: Profile) -> Way[Any] | None:
        """How a model of that profile is asked for a typed answer; None where text is wanted."""
        if self.output is None:
            return None
        shape = shape_of(self.output)
        try:
            return choose(shape, profile.beside_tools, dialect=profile.schema, tools=True)
        except CompositionError:
            # Beside tools it knows no other way: then the answer is a call like the others.
            return choose(shape, profile.output, dialect=profile.schema, mode="tool")

    def _ask_for(self, way: Way[Any], request: ChatRequest) -> None:
        request.messages = way.instructed(request.messages)
        if way.mode == "tool":
            about = f"Call this with the answer, once you have it. {way.description}"
            request.tools = (*self.specs, ToolSpec(FINAL, about, way.schema))
        else:
            request.output = OutputSpec(way.name, way.schema, way.mode, way.description)
