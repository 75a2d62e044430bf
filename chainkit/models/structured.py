"""A model that is asked for a value: one request, then again with what was wrong, within one number of attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import Attempt, OutputError
from chainkit.messages import Messages
from chainkit.models.chat import listening
from chainkit.models.pieces import TextPiece, ToolPiece
from chainkit.models.request import ChatRequest, OutputSpec
from chainkit.models.resolve import resolve
from chainkit.output.parse import read
from chainkit.output.partial import partials
from chainkit.output.reask import all_attempts, reask
from chainkit.output.schema import shape_of
from chainkit.output.strategy import choose
from chainkit.run.call import Tries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chainkit.models.chat import ChatModel
    from chainkit.models.pieces import Piece
    from chainkit.models.profile import Profile
    from chainkit.models.reply import Reply
    from chainkit.output.strategy import Way
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame


class Asked:
    """An output type, compiled once; the way to ask is chosen for each model profile."""

    def __init__(self, output: Any) -> None:
        self._shape = shape_of(output)
        self._last: tuple[Profile, Way[Any], OutputSpec] | None = None

    def way(self, profile: Profile, *, tools: bool) -> tuple[Way[Any], OutputSpec]:
        """How a model of that profile is asked."""
        last = self._last
        if last is None or last[0] is not profile:
            can = profile.beside_tools if tools else profile.output
            way = choose(self._shape, can, dialect=profile.schema, tools=tools)
            last = self._last = profile, way, OutputSpec(way.name, way.schema, way.mode, way.description)
        return last[1], last[2]

    def value(self, way: Way[Any], reply: Reply) -> Any:
        """The value in a reply. Raises OutputError."""
        return _value(way, reply)

    def core(self, chain: ChatModel, path: str, *, tail: bool) -> Core:
        """The chain's core."""
        tools = bool(chain.tools)

        async def run(frame: Frame, value: Any) -> Any:
            messages = value if type(value) is Messages else chain.messages(value)
            resolved = resolve(chain, frame.run)
            way, spec = self.way(resolved.profile, tools=tools)
            request = ChatRequest(resolved.model, way.instructed(messages), dict(chain.options), chain.tools, spec)
            request.lenient = chain.lenient
            tries = Tries(frame.attempts or chain.attempts)
            listener = listening(frame, path, tail=tail, growing=_Growing(way) if frame.emit is not None else None)
            failed: list[OutputError] = []
            while True:
                reply = await chain.send(resolved, request, frame, path, tries, listener)
                try:
                    return _value(way, reply)
                except OutputError as error:
                    failed.append(error)
                    tries.note(error, _said(reply))
                    if tries.left < 1 or reply.refusal:
                        raise tries.spend(all_attempts(failed)) from None
                    if listener is not None:
                        await listener.restart(error)
                    request = request.with_messages(Messages((*request.messages, *reask(reply.message, error))))

        return run


def _value(way: Way[Any], reply: Reply) -> Any:
    if reply.refusal:
        raise _refused(reply.refusal)
    try:
        return read(way, reply.text, reply.tool_calls)
    except OutputError as error:
        raise _cut(error) if reply.finish_reason == "length" else error from None


def _refused(refusal: str) -> OutputError:
    error = OutputError(f"the model refused: {refusal:.200}", cure="change the question, or ask another model")
    error.attempts = (Attempt(f"OutputError: {error.message}", refusal),)
    return error


def _cut(error: OutputError) -> OutputError:
    """The same error, saying that the answer had no room."""
    found = OutputError(
        f"{error.message} (the answer was cut at max_tokens)", cure="allow a longer answer: max_tokens="
    )
    found.attempts = tuple(Attempt(f"{a.error} (cut at max_tokens)", a.text) for a in error.attempts)
    return found


def _said(reply: Reply) -> str:
    calls = "".join(c.raw if c.raw is not None else repr(dict(c.arguments)) for c in reply.tool_calls)
    return reply.text or calls


class _Growing:
    """Pieces of a reply as snapshots of the value that grows in them."""

    def __init__(self, way: Way[Any]) -> None:
        self._way = way
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._partials = partials(self._way)
        self._tool: int | None = None

    def feed(self, piece: Piece) -> Iterable[Any]:
        """Snapshots that this piece makes known."""
        if isinstance(piece, TextPiece):
            return () if self._way.mode == "tool" else self._partials.feed(piece.text)
        if isinstance(piece, ToolPiece) and self._way.mode == "tool":
            if self._tool is None and piece.name == self._way.name:
                self._tool = piece.index
            if piece.index == self._tool:
                return self._partials.feed(piece.arguments)
        return ()
