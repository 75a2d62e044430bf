"""Retrieval: documents in, passages out, and answers that stand on them."""

from chainkit.retrieval.answer import Answer, Citation
from chainkit.retrieval.indexing import Index, index

__all__ = ["Answer", "Citation", "Index", "index"]
