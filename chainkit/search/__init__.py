"""Searching the web, and reading what is found there."""

from chainkit.search.engine import Engine, SearchOptions
from chainkit.search.engines import names
from chainkit.search.fetching import Fetch, fetch
from chainkit.search.pages import pages
from chainkit.search.passages import as_retrieved
from chainkit.search.result import WebResult
from chainkit.search.tools import fetch_tool, search_tool
from chainkit.search.web import Web, web

__all__ = [
    "Engine",
    "Fetch",
    "SearchOptions",
    "Web",
    "WebResult",
    "as_retrieved",
    "fetch",
    "fetch_tool",
    "names",
    "pages",
    "search_tool",
    "web",
]
