"""Values as plain data: what a file of results can hold, and short names for it."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

from chainkit.documents import Chunk, Retrieved
from chainkit.ensembles.verdict import Verdict
from chainkit.messages import Message, Text, as_messages, counted_text


def bare(value: Any) -> Any:
    """The value that is judged: that of a verdict or of an agent's result, else the value itself."""
    # Nothing is an agent's result before that module is there, and importing it brings all of agents along.
    agents = sys.modules.get("chainkit.tools.result")
    kinds = (Verdict,) if agents is None else (Verdict, agents.AgentResult)
    while isinstance(value, kinds):
        value = value.value
    return value


def text_of(value: Any) -> str:
    """A value as text: a reply's or an answer's own, data as JSON."""
    value = bare(value)
    if isinstance(value, str):
        return value
    counted = counted_text(value)
    if counted is not None:
        return counted
    compared = getattr(value, "compared", None)
    if isinstance(compared, str):
        return compared
    held = plain(value)
    return held if isinstance(held, str) else json.dumps(held, ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value as JSON can hold it. What has no such form becomes its text."""
    if value is None or isinstance(value, str | bool | int):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if (inside := bare(value)) is not value:
        return plain(inside)
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in cast("Mapping[Any, Any]", value).items()}
    return _object(value)


def _object(value: Any) -> Any:
    """An object: a reply or an answer is its text, a passage its text and source."""
    counted = counted_text(value)
    if counted is not None:
        return counted
    if isinstance(value, Retrieved):
        return {**plain(value.document), "score": value.score}
    if isinstance(value, Chunk):
        return {"id": value.id, "source": value.source, "text": value.text}
    if hasattr(value, "compared"):
        return str(value.compared)
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"))
    messages = None if isinstance(value, list | tuple) and not value else as_messages(value)
    if messages is not None:
        return [_message(m) for m in messages]
    if isinstance(value, list | tuple):
        return [plain(v) for v in cast("list[Any]", value)]
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in cast("set[Any]", value)), key=canonical)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return plain(value.value) if isinstance(value, Enum) else str(value)


def _message(said: Message) -> dict[str, Any]:
    """A message; of what is not text, a name."""
    others = [digest(repr(part)) for part in said.parts if not isinstance(part, Text)]
    return {"role": said.role, "text": said.text, **({"parts": others} if others else {})}


def canonical(value: Any) -> str:
    """The one spelling of plain data."""
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False)


def digest(value: Any) -> str:
    """A short name of a value: twelve hexadecimal digits, the same in every process."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:12]
