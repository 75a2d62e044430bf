"""How a reply's pieces reach whoever listens to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit.run.events import PartialOutput, Restarted, TextDelta, ThinkingDelta, ToolCallDelta
from chainkit.run.shown import broken, reason

if TYPE_CHECKING:
    from chainkit.errors import ChainkitError
    from chainkit.models.pieces import Piece
    from chainkit.run.frame import Frame


class Showing:
    """Turns pieces into events. `growing` turns text into partial values, where a value is asked for."""

    __slots__ = ("_emit", "_every", "_growing", "_prefix", "_restarts", "_shown", "_tail", "_text")

    def __init__(self, frame: Frame, path: str, *, tail: bool, growing: Any = None) -> None:
        self._emit: Any = frame.emit
        self._prefix = frame.prefix + path
        self._every = frame.every
        self._restarts = frame.restart
        self._tail = tail
        self._growing = growing
        self._shown = False
        self._text: list[str] = []

    async def emit(self, piece: Piece) -> None:
        """Show one piece."""
        kind = type(piece)
        if self._growing is not None:
            await self._grow(piece)
        elif kind is TextPiece:
            self._shown = True
            self._text.append(piece.text)  # type: ignore[union-attr]
            await self._emit(TextDelta(path=self._prefix, text=piece.text, shown=self._tail))  # type: ignore[union-attr]
        elif self._every:
            await self._aside(piece)

    async def _aside(self, piece: Piece) -> None:
        if isinstance(piece, ThinkingPiece):
            self._shown = True
            await self._emit(ThinkingDelta(path=self._prefix, text=piece.text))
        elif isinstance(piece, ToolPiece):
            self._shown = True
            await self._emit(
                ToolCallDelta(
                    path=self._prefix, index=piece.index, arguments=piece.arguments, name=piece.name, id=piece.id
                )
            )

    async def _grow(self, piece: Piece) -> None:
        for data in self._growing.feed(piece):
            self._shown = True
            await self._emit(PartialOutput(path=self._prefix, data=data, shown=self._tail))
        if self._every and isinstance(piece, ThinkingPiece):
            await self._aside(piece)

    async def restart(self, error: ChainkitError) -> None:
        """Before an attempt is repeated: take back what was shown, or say that it cannot be."""
        if not self._shown:
            return
        if self._growing is not None:
            self._growing.reset()
        elif self._tail and not self._restarts and self._text:
            raise broken("".join(self._text), error) from error
        self._shown = False
        self._text.clear()
        await self._emit(Restarted(path=self._prefix, reason=reason(error), shown=self._tail))
