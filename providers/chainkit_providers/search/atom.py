"""The feed of preprints: how it is asked, and its Atom as an object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chainkit.retrieval.loading.options import Options
from chainkit.retrieval.loading.xml import parsed

_FIELD = re.compile(r"\b(ti|au|abs|co|jr|cat|rn|id|all):")
_WORD = re.compile(r"[^\W_]+(?:[-'.][^\W_]+)*")


def terms(query: str) -> str:
    """A query in the feed's language: each word is wanted, unless the query is in that language already."""
    if _FIELD.search(query):
        return query
    return " AND ".join(f"all:{word}" for word in _WORD.findall(query)) or f"all:{query}"


def since_submitted(query: str, options: Mapping[str, Any], days: Mapping[str, int]) -> str:
    """The query, for what was submitted lately where that is wanted."""
    recency = options.get("recency")
    if recency is None:
        return query
    now = datetime.now(UTC)
    first = now - timedelta(days=days[recency])
    return f"({query}) AND submittedDate:[{first:%Y%m%d}0000 TO {now:%Y%m%d}2359]"


def atom(data: bytes) -> dict[str, Any]:
    """The entries of a feed. Raises ValueError for what is none."""
    root = parsed(data, Options())
    if root.tag.rpartition("}")[2] != "feed":
        raise ValueError(f"no feed: <{root.tag[:40]}>")
    entries = [_entry(e) for e in root.iter("entry")]
    return {"entries": [e for e in entries if "/api/errors" not in str(e["url"])]}


def _entry(entry: Any) -> dict[str, Any]:
    said = {name: " ".join((entry.findtext(name) or "").split()) for name in ("title", "summary", "published", "id")}
    links = {(e.get("title") or e.get("rel") or ""): e.get("href") for e in entry.iter("link")}
    return {
        "title": said["title"],
        "summary": said["summary"],
        "published": said["published"],
        "url": (links.get("alternate") or said["id"]).replace("http://arxiv.org/", "https://arxiv.org/"),
        "pdf": links.get("pdf"),
        "authors": [" ".join((a.findtext("name") or "").split()) for a in entry.iter("author")],
        "categories": [c.get("term") for c in entry.iter("category")],
    }
