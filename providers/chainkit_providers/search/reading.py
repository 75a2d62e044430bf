"""Results out of an answer: where they stand is data of the engine's row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any, TypeAlias, cast

from chainkit.search.result import WebResult
from chainkit_providers.payload import malformed

Field: TypeAlias = "str | Callable[[Mapping[str, Any], Mapping[str, Any]], Any]"
"""A path into a result, as "a.b|c": the first of them that holds something; or a function of result and options."""
_TAG = re.compile(r"<[^<>]{0,2000}>")
_TEXTS = ("title", "snippet")


def at(body: Any, path: str) -> Any:
    """What stands at a path of names joined by dots; None where it leads nowhere."""
    for name in path.split("."):
        body = cast("Mapping[str, Any]", body).get(name) if isinstance(body, Mapping) else None
    return body


def plucked(
    engine: str, body: Any, where: str, fields: Mapping[str, Field], options: Mapping[str, Any], *, markup: bool
) -> list[dict[str, Any]]:
    """The results of an answer, by our names. Raises ReplyMalformed where there is no list of objects."""
    if not isinstance(body, Mapping):
        raise malformed(engine, body, "object")
    found = at(body, where)
    if found is None:
        return []
    if not isinstance(found, Sequence) or isinstance(found, str):
        raise malformed(engine, body, f"list of results at {where!r}")
    items = [cast("Mapping[str, Any]", i) for i in cast("Sequence[Any]", found) if isinstance(i, Mapping)]
    return [_one(item, fields, options, markup=markup) for item in items]


def _one(
    item: Mapping[str, Any], fields: Mapping[str, Field], options: Mapping[str, Any], *, markup: bool
) -> dict[str, Any]:
    made = {name: _value(item, place, options) for name, place in fields.items()}
    for name in _TEXTS:
        made[name] = _text(made.get(name), markup=markup)
    used = {part.partition(".")[0] for place in fields.values() if isinstance(place, str) for part in place.split("|")}
    made["extra"] = {k: v for k, v in item.items() if k not in used and v not in (None, "", [], {})}
    return made


def _value(item: Mapping[str, Any], place: Field, options: Mapping[str, Any]) -> Any:
    if callable(place):
        return place(item, options)
    return next((v for path in place.split("|") if (v := at(item, path)) not in (None, "", [])), None)


def _text(value: Any, *, markup: bool) -> str:
    if isinstance(value, list):
        value = " … ".join(str(v) for v in cast("list[Any]", value))
    text = "" if value is None else str(value)
    return " ".join((unescape(_TAG.sub("", text)) if markup else text).split())


def results(rows: Sequence[Mapping[str, Any]], engine: str) -> tuple[WebResult, ...]:
    """Results as ours; those without an address of the web are left out."""
    found = [_result(row, engine) for row in rows if _address(row.get("url"))]
    return tuple(found)


def _address(url: Any) -> bool:
    return isinstance(url, str) and url[:8].lower().startswith(("http://", "https://"))


def _result(row: Mapping[str, Any], engine: str) -> WebResult:
    score = row.get("score")
    return WebResult(
        row.get("title") or row["url"],
        row["url"],
        row.get("snippet") or "",
        dated(row.get("published")),
        str(row.get("engine") or engine),
        score=float(score) if isinstance(score, int | float) else None,
        extra=row.get("extra") or {},
    )


def dated(said: Any) -> str | None:
    """A date in ISO 8601, where it can be read; else the engine's own words."""
    if not isinstance(said, str) or not said.strip():
        return None
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = read(said.strip())
        except (ValueError, TypeError):
            continue
        if len(said.strip()) <= 10:
            return when.date().isoformat()
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0).isoformat()
    return said.strip()
