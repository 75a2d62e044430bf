"""JSON as bytes, and back: quick where it can be, and never stopped by half a character."""

from __future__ import annotations

import json
from typing import Any

from chainkit.errors import BadRequest


def written(body: Any) -> bytes:
    """JSON as bytes. Raises BadRequest for what JSON cannot hold."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate, from a text cut inside a character: only its escape can travel.
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError) as error:
        msg = f"the request cannot be written as JSON: {error}"
        raise BadRequest(msg, cure="look at what would be sent with .render(x)") from error


def parsed(body: bytes) -> Any:
    """JSON from bytes. Raises ValueError."""
    from pydantic_core import from_json

    try:
        return from_json(body)
    except ValueError:
        # It refuses lone surrogates, which models do write.
        return json.loads(body)
