"""What a search by terms compares: the terms of a chunk, and those of a question."""

from __future__ import annotations

from chainkit.retrieval.analysis import terms
from chainkit.retrieval.store import Record

MOST = 64
"""Different terms of a question that are searched for; a text of megabytes is no better a question."""


def question_terms(question: str) -> list[str]:
    """The different terms of a question, in order."""
    return list(dict.fromkeys(terms(question)))[:MOST]


def heading_terms(row: Record) -> list[str]:
    """The terms of a chunk's title and of the headings that lead to it."""
    return terms(" ".join((str(row.metadata.get("title", "")), *row.headings)))


def chunk_terms(row: Record) -> list[str]:
    """The terms of a chunk in one list, those of its headings twice."""
    path = heading_terms(row)
    return [*path, *path, *terms(row.text)]
