"""Documents in: files, folders, addresses and sitemaps, read lazily."""

from chainkit.retrieval.loading.load import Loading, load
from chainkit.retrieval.loading.options import LoadOptions
from chainkit.retrieval.loading.sources import Source, origin, sources
from chainkit.retrieval.loading.unread import Unread

__all__ = ["LoadOptions", "Loading", "Source", "Unread", "load", "origin", "sources"]
