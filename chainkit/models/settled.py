"""What becomes of the options that an adapter did not take: an error, or a warning in the reply. Never nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def settle(request: Any, left: Mapping[str, Any], spec: str, honoured: Sequence[str] = ()) -> None:
    """Raise BadRequest for options that were not taken; where the request is lenient, write them down instead."""
    if not left:
        return
    if not request.lenient:
        raise unhonoured(left, spec, honoured)
    for name in sorted(left):
        request.warn(f"{spec} cannot honour the option {name!r}; it was left out")


def unhonoured(left: Mapping[str, Any], spec: str, honoured: Sequence[str] = ()) -> BadRequest:
    """The error for options that an adapter did not take."""
    names = ", ".join(repr(n) for n in sorted(left))
    others = ", ".join(sorted(set(honoured) - set(left)))
    takes = f"here it takes: {others}" if others else "remove them, or send vendor fields with extra={...}"
    return BadRequest(
        f"{spec} cannot honour the option {names}; nothing was sent",
        cure=f"{takes}; unsupported='warn' goes on without",
    )
