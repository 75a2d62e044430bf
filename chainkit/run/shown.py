"""What of a chain's own output the consumer has already seen, and whether it can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import StreamBroken
from chainkit.run.events import Restarted, TextDelta

if TYPE_CHECKING:
    from chainkit.run.frame import Frame


class Shown:
    """Counts the pieces that pass through `frame` on their way to a listener."""

    __slots__ = ("_frame", "_outer", "any", "text")

    def __init__(self, frame: Frame) -> None:
        self._outer = frame
        self.any = False
        self.text: list[str] = []
        self._frame: Frame | None = None

    @property
    def frame(self) -> Frame:
        """The frame to hand on; with nobody listening, the outer one."""
        if self._outer.emit is None:
            return self._outer
        if self._frame is None:
            self._frame = self._outer.child(emit=self._emit)
        return self._frame

    async def _emit(self, event: Any) -> None:
        # Frames cross to another io with an emit of their own: the count belongs to the inner one's events.
        if getattr(event, "shown", False):
            self.any = True
            if type(event) is TextDelta:
                self.text.append(event.text)
            elif type(event) is Restarted:
                self.any = False
                self.text.clear()
        emit = self._outer.emit
        if emit is not None:
            await emit(event)

    async def restart(self, path: str, error: BaseException) -> None:
        """Before beginning anew: silent where nothing was shown, `Restarted` or StreamBroken where it was."""
        if not self.any or self._outer.emit is None:
            return
        if self.text and not self._outer.restart:
            raise broken("".join(self.text), error) from error
        await self._outer.emit(Restarted(path=self._outer.prefix + path, reason=reason(error), shown=True))


def broken(partial: str, error: BaseException) -> StreamBroken:
    """The error of a text stream that cannot take back what it has shown."""
    if isinstance(error, StreamBroken) and error.partial:
        return error
    found = StreamBroken(
        f"the stream broke after {len(partial)} characters were shown: {getattr(error, 'message', error)}",
        cure="use events(), which goes on with `Restarted`, or ask again",
    )
    found.partial = partial
    return found


def reason(error: BaseException) -> str:
    """One line of why."""
    return f"{type(error).__name__}: {getattr(error, 'message', error)}"
