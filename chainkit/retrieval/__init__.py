"""Retrieval: documents in, chunks out, and answers that stand on them."""

from chainkit.retrieval.answer import Answer, Citation
from chainkit.retrieval.answering import answering
from chainkit.retrieval.conversing import conversational
from chainkit.retrieval.extracting import Extracted, Extraction, extract
from chainkit.retrieval.fusion import Rrf, Weighted
from chainkit.retrieval.indexing import Index, index
from chainkit.retrieval.loading import load
from chainkit.retrieval.offering import as_tool
from chainkit.retrieval.queries import Queries, hyde, multi_query, rewritten
from chainkit.retrieval.reordering import Decay
from chainkit.retrieval.reranking import judging, nearest
from chainkit.retrieval.splitting import (
    Splitter,
    automatic,
    by_code,
    by_heading,
    by_sentence,
    by_tokens,
    recursive,
    semantic,
)
from chainkit.retrieval.store import Store
from chainkit.retrieval.stores import store
from chainkit.retrieval.summarising import Summary, summarise

__all__ = [
    "Answer",
    "Citation",
    "Decay",
    "Extracted",
    "Extraction",
    "Index",
    "Queries",
    "Rrf",
    "Splitter",
    "Store",
    "Summary",
    "Weighted",
    "answering",
    "as_tool",
    "automatic",
    "by_code",
    "by_heading",
    "by_sentence",
    "by_tokens",
    "conversational",
    "extract",
    "hyde",
    "index",
    "judging",
    "load",
    "multi_query",
    "nearest",
    "recursive",
    "rewritten",
    "semantic",
    "store",
    "summarise",
]
