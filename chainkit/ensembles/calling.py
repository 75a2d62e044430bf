"""A function of several arguments, called as a step is: in the right thread, with the run around it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

from chainkit.compose.step import is_async, name_of, step
from chainkit.errors import CompositionError
from chainkit.messages import counted_text

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.drive import Core


def arguments(function: Callable[..., Any]) -> int | None:
    """How many it must be given, or None where that cannot be told."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    places = [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return sum(p.default is p.empty for p in places)


def takes(function: Callable[..., Any], wanted: tuple[int, ...], shape: str) -> int:
    """How many arguments it takes. Raises CompositionError where that is not one of the `wanted` numbers."""
    found = arguments(function)
    if found is None or found in wanted:
        return wanted[0] if found is None else found
    msg = f"`{name_of(function)}` takes {found} arguments, and it is called as {shape}"
    raise CompositionError(msg, cure=f"write it as {shape}")


def spread(function: Callable[..., Any], place: Place) -> Core:
    """The core that is handed a tuple of its arguments. A reply counts as its text where a text is declared."""
    texts = _texts(function)

    def fitted(given: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(_text(v) if i in texts else v for i, v in enumerate(given))

    async def later(given: tuple[Any, ...]) -> Any:
        return await function(*fitted(given))

    def now(given: tuple[Any, ...]) -> Any:
        return function(*fitted(given))

    return place.numbered(step(later if is_async(function) else now, name=name_of(function)))


def _text(value: Any) -> Any:
    text = None if isinstance(value, str) else counted_text(value)
    return value if text is None else text


def _texts(function: Callable[..., Any]) -> set[int]:
    try:
        hints = get_type_hints(function)
        return {i for i, name in enumerate(inspect.signature(function).parameters) if hints.get(name) is str}
    except Exception:
        return set()
