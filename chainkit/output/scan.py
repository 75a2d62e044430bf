"""A scanner of JSON that takes its text in pieces and builds the value as it goes; each character is read once."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable

Container: TypeAlias = "dict[str, Any] | list[Any]"

NOTHING = object()
"""What stands where no value is known yet; None is a value."""

_SPACE = re.compile(r"[ \t\n\r]*")
_CHUNK = re.compile(r'[^"\\\x00-\x1f]*')
_ATOM = re.compile(r"[-+.0-9A-Za-z]*")
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class _Malformed(Exception):
    """The text is no JSON from here on."""


class Scanner:
    """The state of one reading: the containers still open, the string or number begun, and the root once whole.

    Each step reads from a place and gives where it stopped, or -1 where it needs more text.
    """

    def __init__(self, start: str) -> None:
        self._start = start
        self._tail = ""
        self._clear()

    @property
    def complete(self) -> bool:
        """Whether the JSON has come to its end."""
        return self._root is not NOTHING

    @property
    def _blank(self) -> bool:
        """Whether no more than an opening bracket was found among other text."""
        return not self._width and len(self._stack) == 1 and not self._in_string and bool(self._start)

    def _read(self, piece: str) -> None:
        text = self._tail + piece
        self._tail = ""
        at = 0
        while at < len(text):
            try:
                after = self._step(text, at)
            except _Malformed:
                after = self._give_up(at)
            if after < 0:
                self._tail = text[at:]
                return
            at = after

    def _end(self) -> None:
        """The text is over: a number may be the whole of it."""
        if self._atom and not self._stack:
            try:
                self._end_atom()
            except _Malformed:
                self._changed = False

    def _clear(self) -> None:
        self._stack: list[Container] = []
        self._keys: list[str] = []
        self._parts: list[str] = []
        self._atom: list[str] = []
        self._root: Any = NOTHING
        self._in_string = self._in_key = self._changed = False
        self._width = self._length = 0
        self._step: Callable[[str, int], int] = self._seek if self._start else self._value

    def _give_up(self, at: int) -> int:
        """A bracket of the prose is passed over; after anything more it is over."""
        if self._blank:
            self._clear()
            return at
        self._step, self._changed = self._ignore, False
        return at

    def _ignore(self, text: str, _at: int) -> int:
        return len(text)

    def _seek(self, text: str, at: int) -> int:
        places = [p for p in (text.find(c, at) for c in self._start) if p >= 0]
        if places:
            self._step = self._value
        return min(places, default=len(text))

    def _value(self, text: str, at: int) -> int:
        at = _space(text, at)
        if at == len(text):
            return at
        sign = text[at]
        if sign == '"':
            return self._begin_string(at)
        if sign in "{[":
            return self._open(sign, at)
        if not (sign == "-" or (sign.isascii() and sign.isalnum())):
            raise _Malformed
        self._step = self._in_atom
        return at

    def _open(self, sign: str, at: int) -> int:
        self._stack.append({} if sign == "{" else [])
        self._keys.append("")
        self._changed = True
        self._step = self._first_key if sign == "{" else self._first_item
        return at + 1

    def _first_item(self, text: str, at: int) -> int:
        at = _space(text, at)
        if at < len(text) and text[at] == "]":
            return self._close("]", at)
        self._step = self._first_item if at == len(text) else self._value
        return at

    def _first_key(self, text: str, at: int) -> int:
        at = _space(text, at)
        if at < len(text) and text[at] == "}":
            return self._close("}", at)
        return self._next_key(text, at)

    def _next_key(self, text: str, at: int) -> int:
        at = _space(text, at)
        if at == len(text):
            return at
        if text[at] != '"':
            raise _Malformed
        self._in_key = True
        return self._begin_string(at)

    def _colon(self, text: str, at: int) -> int:
        at = _space(text, at)
        if at == len(text):
            return at
        if text[at] != ":":
            raise _Malformed
        self._step = self._value
        return at + 1

    def _comma(self, text: str, at: int) -> int:
        at = _space(text, at)
        if at == len(text):
            return at
        if text[at] != ",":
            return self._close(text[at], at)
        self._step = self._next_key if isinstance(self._stack[-1], dict) else self._value
        return at + 1

    def _close(self, sign: str, at: int) -> int:
        if sign != ("}" if isinstance(self._stack[-1], dict) else "]"):
            raise _Malformed
        container = self._stack.pop()
        self._keys.pop()
        self._width -= len(container)
        self._put(container)
        return at + 1

    def _put(self, value: Any) -> None:
        if not self._stack:
            self._root = value
            self._step = self._ignore
            return
        add(self._stack[-1], self._keys[-1], value)
        self._width += 1
        self._step = self._comma

    # strings

    def _begin_string(self, at: int) -> int:
        self._parts = []
        self._length = 0
        self._in_string = True
        self._changed |= not self._in_key
        self._step = self._string
        return at + 1

    def _string(self, text: str, at: int) -> int:
        end = cast("re.Match[str]", _CHUNK.match(text, at)).end()
        if end > at:
            self._grow(text[at:end])
            return end
        if text[at] == '"':
            return self._end_string(at)
        if text[at] != "\\":
            raise _Malformed
        return self._escape(text, at)

    def _grow(self, part: str) -> None:
        self._parts.append(part)
        self._length += len(part)
        self._changed |= not self._in_key

    def _end_string(self, at: int) -> int:
        value = "".join(self._parts)
        self._in_string = False
        self._length = 0
        if self._in_key:
            self._in_key = False
            self._keys[-1] = value
            self._step = self._colon
        else:
            self._put(value)
        return at + 1

    def _escape(self, text: str, at: int) -> int:
        found = _ESCAPE.match(text, at)
        if not found:
            return _wait_or_fail(text[at:])
        if text[at + 1] != "u":
            self._grow(_PLAIN[text[at + 1]])
            return found.end()
        code = int(text[at + 2 : at + 6], 16)
        if not 0xD800 <= code <= 0xDBFF:
            self._grow(chr(code))
            return found.end()
        return self._pair(code, text, found.end())

    def _pair(self, high: int, text: str, at: int) -> int:
        """A high surrogate with the low one after it, if there is one; alone as `json` leaves it otherwise."""
        rest = text[at : at + 2]
        if rest in ("", "\\"):
            return -1
        second = _ESCAPE.match(text, at) if rest == "\\u" else None
        if rest == "\\u" and not second:
            return _wait_or_fail(text[at:])
        low = int(text[at + 2 : at + 6], 16) if second else 0
        if 0xDC00 <= low <= 0xDFFF:
            self._grow(chr(0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00))))
            return at + 6
        self._grow(chr(high))
        return at

    # numbers and words

    def _in_atom(self, text: str, at: int) -> int:
        end = cast("re.Match[str]", _ATOM.match(text, at)).end()
        if end > at:
            self._atom.append(text[at:end])
        if end < len(text):
            self._end_atom()
        return end

    def _end_atom(self) -> None:
        atom = "".join(self._atom)
        self._atom = []
        try:
            value = json.loads(atom)
        except ValueError:
            raise _Malformed from None
        self._changed = True
        self._put(value)


def add(container: Container, key: str, value: Any) -> None:
    """Put a value into a list, or under its key."""
    if isinstance(container, dict):
        container[key] = value
    else:
        container.append(value)


def _space(text: str, at: int) -> int:
    return cast("re.Match[str]", _SPACE.match(text, at)).end()


def _wait_or_fail(rest: str) -> int:
    """-1 where the rest may still become an escape."""
    if re.fullmatch(r"\\(?:u[0-9a-fA-F]{0,3})?", rest):
        return -1
    raise _Malformed
