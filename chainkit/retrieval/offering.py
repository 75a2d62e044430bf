"""A search as a tool that an agent may call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from chainkit.chain import Chain
from chainkit.compose.parallel import parallel
from chainkit.compose.step import identity, step
from chainkit.retrieval.answering import retriever_of
from chainkit.retrieval.grounding.parts import Shown
from chainkit.retrieval.grounding.showing import IS_DATA, delimited
from chainkit.tools.tool import Tool, tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.retrieval.indexing import Index

DESCRIPTION = (
    "Search the documents. Give `query`: the words that a passage with the answer would hold. The result is numbered "
    "passages with their sources; name the source of what you use."
)
CONTEXT = 8000
"""Characters of passages that one call gives at the most, unless asked otherwise."""


class ToolOptions(TypedDict, total=False):
    """How a search is a tool; see `as_tool`."""

    name: str
    description: str
    k: int
    context: int | None
    timeout: float | None


@dataclass(frozen=True)
class Search:
    """What the model gives."""

    query: str


@dataclass(frozen=True)
class Query:
    """The query in what the model gave."""

    def __call__(self, search: Search) -> str:
        return search.query


@dataclass(frozen=True)
class Listed:
    """Passages as one text for a model: numbered, with their sources, as data."""

    def __call__(self, found: dict[str, Any]) -> str:
        passages = found["passages"]
        if not passages:
            return "Nothing was found."
        return f"{delimited(passages, found['query'])}\n{IS_DATA}"


def as_tool(
    retriever: Index | Chain[str, Any] | Callable[[str], Any],
    *,
    name: str = "search",
    description: str = DESCRIPTION,
    k: int = 4,
    context: int | None = CONTEXT,
    timeout: float | None = None,
) -> Tool[..., str]:
    """A search as a tool for `agent(...)`: an index, or any chain or function from a query to passages.

    The result is the `k` best passages, of at most `context` characters together, numbered, with their sources, between
    marks that no passage can know. `timeout` is in seconds.
    """
    shown = retriever_of(retriever, k) | step(Shown(k, context), inline=True, name="shown")
    asked: Any = step(Query(), inline=True, name="query") | parallel(query=identity(), passages=shown)
    chain: Any = asked | step(Listed(), inline=True, name="passages as data")
    return tool(chain, name=name, description=description, timeout=timeout)
