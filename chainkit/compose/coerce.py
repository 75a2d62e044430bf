"""What may stand where a chain is expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainkit.chain import Chain
from chainkit.errors import CompositionError


def as_chain(value: Any) -> Chain[Any, Any]:
    """A chain as it is; a string as a model; a mapping as `parallel`; a function as a `step`.

    A string is a model only in the form `provider:name`. Raises CompositionError for anything else.
    """
    if isinstance(value, Chain):
        return value  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, str):
        from chainkit.models.chat import model

        return model(value)
    if isinstance(value, Mapping):
        from chainkit.compose.parallel import Parallel

        return Parallel.of(value)  # pyright: ignore[reportUnknownArgumentType]
    if callable(value):
        from chainkit.compose.step import step

        return step(value)
    msg = f"{type(value).__name__} cannot stand in a chain: {value!r:.80}"
    raise CompositionError(msg, cure="use a chain, a function, a dict of chains or a model string 'provider:name'")
