"""Documents in: files, folders, addresses and sitemaps, read lazily."""

from chainkit.retrieval.loading.files import SUFFIXES, document, files, read, read_all
from chainkit.retrieval.loading.unread import Unread

__all__ = ["SUFFIXES", "Unread", "document", "files", "read", "read_all"]
