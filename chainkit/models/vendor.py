"""Options that one vendor alone has: typed by its package, prefixed with its name, put where its wire wants them.

A provider declares them as a TypedDict. `acme_store` goes into the body as `store`; another place is said by
`Annotated[..., At("generationConfig.mediaResolution")]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_type_hints

from chainkit.errors import BadRequest, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class At:
    """Where in the body an option stands: names joined by dots. `[]` at the end adds to a list that is there."""

    path: str


def put(body: dict[str, Any], vendor: str, typed: Any, given: Mapping[str, Any]) -> None:
    """Put the vendor's own options into a body. `typed` is the vendor's TypedDict, None where it has none.

    Raises BadRequest for an unknown name, another vendor's option, or a value that is not of its type.
    """
    for path, value in fields(vendor, typed, given).items():
        *outer, last = path.split(".")
        place = body
        for name in outer:
            place = place.setdefault(name, {})
        if last.endswith("[]"):
            place[last[:-2]] = [*place.get(last[:-2], ()), *value]
        else:
            place[last] = value


def fields(vendor: str, typed: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options by their places in the body, checked."""
    known = _known(typed, vendor) if typed is not None else {}
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise _unknown(name, vendor, known)
        path, adapter = known[name]
        found[path] = _checked(name, value, adapter)
    return found


def _checked(name: str, value: Any, adapter: Any) -> Any:
    from pydantic import ValidationError

    try:
        return adapter.dump_python(adapter.validate_python(value), mode="json", exclude_unset=True)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]
        where = ".".join(str(p) for p in (name, *said["loc"]))
        msg = f"vendor option {where}: {said['msg']}; it got {said['input']!r:.60}"
        raise BadRequest(msg, cure="nothing was sent") from None


@lru_cache(maxsize=64)
def _known(typed: Any, vendor: str) -> dict[str, tuple[str, Any]]:
    from pydantic import TypeAdapter

    found: dict[str, tuple[str, Any]] = {}
    for name, hint in get_type_hints(typed, include_extras=True).items():
        places = [m.path for m in getattr(hint, "__metadata__", ()) if isinstance(m, At)]
        found[name] = (places[0] if places else name.removeprefix(f"{vendor}_"), TypeAdapter(hint))
    return found


def _unknown(name: str, vendor: str, known: Mapping[str, Any]) -> BadRequest:
    near = did_you_mean(name, sorted(known)) if known else f"{vendor} has none; send its fields with extra={{...}}"
    return BadRequest(f"{vendor} has no vendor option {name!r}; nothing was sent", cure=near)
