"""Partial values while an answer arrives: JSON read once, piece by piece, shown as it grows.

`jiter` and `pydantic_core.from_json` complete a cut text too, but read it from its start each time: an answer
of 200 kB in pieces of four characters would cost 50,000 readings. This scanner reads each character once, and
a snapshot copies only the containers that are still open. Where even that would add up (one very long list),
snapshots come less often, so that the whole stays linear in the length of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from chainkit.output.scan import NOTHING, Scanner, add

if TYPE_CHECKING:
    from chainkit.output.strategy import Way

COPIED = 64
"""How many entries of open containers a snapshot may copy for each character read since the last one."""

CHARS = 16
"""How many characters of an open string count as one entry: copying them is that much quicker."""


def partials(way: Way[Any]) -> Partials:
    """A reader of the partial values of an answer that was asked for in that way."""
    shape = way.shape
    if not way.bare or not shape.wrapped:
        return Partials(start="{", key="value" if shape.wrapped else None)
    return Partials(start="[" if shape.bare_schema.get("type") == "array" else "{[")


class Partials(Scanner):
    """Feed it the pieces of a JSON text; it gives the value as far as it is known.

    Cut strings are shown as far as they go, containers as soon as they open; half a number, a half word like
    `tr` and a key without its value are held back. Of a text that is JSON, snapshots only grow, and the last one
    equals `json.loads` of the whole. Snapshots share their finished parts: read them, do not change them.

    `start`: the brackets at which the JSON may begin; what stands before is passed over (prose, a fence). Empty:
    it begins at once. `key`: show only what stands under that key of the root object.
    """

    def __init__(self, *, start: str = "", key: str | None = None) -> None:
        super().__init__(start)
        self._key = key
        self._fresh = 0

    def feed(self, piece: str) -> tuple[Any, ...]:
        """One snapshot where there is something new to show, else none."""
        self._fresh += len(piece)
        self._read(piece)
        return self._snapshot() if self._changed and self._worth_it() else ()

    def finish(self) -> tuple[Any, ...]:
        """The last snapshot, where the last fed piece did not give it."""
        self._end()
        return self._snapshot() if self._changed else ()

    def _worth_it(self) -> bool:
        if self._blank:  # a bracket in prose, for all that is known
            return False
        return self._root is not NOTHING or self._fresh * COPIED >= self._width + self._length // CHARS

    def _snapshot(self) -> tuple[Any, ...]:
        self._fresh, self._changed = 0, False
        value: Any = self._root if self._root is not NOTHING else self._open_value()
        if self._key is not None:
            value = cast("dict[str, Any]", value).get(self._key, NOTHING) if isinstance(value, dict) else NOTHING
        return () if value is NOTHING else (value,)

    def _open_value(self) -> Any:
        value: Any = NOTHING
        if self._in_string and not self._in_key:
            value = "".join(self._parts)
            self._parts = [value]
        for container, key in zip(reversed(self._stack), reversed(self._keys), strict=True):
            copy = container.copy()
            if value is not NOTHING:
                add(copy, key, value)
            value = copy
        return value
