"""A form with files: the body of a request that sends sound or images as they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form."""

    name: str
    data: bytes
    media_type: str

    def __repr__(self) -> str:
        return f"Upload({self.name}, {self.media_type}, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True)
class Multipart:
    """Fields, each with one value or several, and files by the field's name."""

    fields: dict[str, Any]
    files: Sequence[tuple[str, Upload]]

    def encoded(self) -> tuple[bytes, str]:
        """The body, and its content type with the boundary."""
        import httpx

        files = [(field, (f.name, f.data, f.media_type)) for field, f in self.files]
        data = {k: _written(v) for k, v in self.fields.items()}
        made = httpx.Request("POST", "http://form", data=data, files=files)
        return made.read(), made.headers["content-type"]

    def shown(self) -> dict[str, object]:
        """The form as it can be looked at: files by their names, types and sizes."""
        return {**self.fields, **{field: repr(f) for field, f in self.files}}


def _written(value: Any) -> str | list[str]:
    """A field's value as a form has it: JSON's words for what is no text."""
    if isinstance(value, list | tuple):
        return [str(_written(v)) for v in cast("list[Any]", value)]
    return value if isinstance(value, str) else json.dumps(value)
