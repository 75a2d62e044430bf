"""What searches of the web find while the documentation runs, and what the pages hold."""

from __future__ import annotations

import re
from typing import Any

_BERN = {"title": "Bern's bear park", "url": "https://www.bern.example/zoo", "snippet": "The city of Bern keeps bears."}
_MERZ = {
    "title": "Chancellor of Germany",
    "url": "https://en.encyclopedia.example/wiki/Chancellor_of_Germany",
    "snippet": "The chancellor of Germany is Friedrich Merz, in office since 6 May 2025.",
    "published": "2026-11-20T10:00:00+00:00",
}
_KANZLER = {
    "title": "Bundeskanzler (Deutschland)",
    "url": "https://de.encyclopedia.example/wiki/Bundeskanzler",
    "snippet": "Bundeskanzler ist seit dem 6. Mai 2025 Friedrich Merz.",
}
_ULM = {
    "title": "Council of Ulm",
    "url": "https://ulm.example/news/bridge",
    "snippet": "News of the bridge.",
    "published": "2026-11-23",
}
_CLOSED = {"title": "Ulm today", "url": "https://paper.example/private", "snippet": "For readers with an account."}
_ROWS = (("ulm", [_ULM, _CLOSED]), ("bundeskanzler", [_KANZLER]), ("chancellor", [_MERZ]), ("bern|bear", [_BERN]))
PAGES = {
    "https://www.bern.example/zoo": "<html><title>Bear park</title><main><p>The city of Bern keeps bears.</p></main></html>",
    "https://ulm.example/news/bridge": "<title>Bridge</title><p>The city of Ulm decided to close the bridge in May.</p>",
}


def found_for(query: str) -> list[Any]:
    """The results of the first row that fits."""
    return next((found for about, found in _ROWS if re.search(about, query.lower())), [])
