"""Documents in chunks, each with its exact span. A splitter is a value; see `Splitter`."""

from chainkit.retrieval.splitting.automatic import Automatic, automatic
from chainkit.retrieval.splitting.code import ByCode, by_code
from chainkit.retrieval.splitting.heading import ByHeading, by_heading
from chainkit.retrieval.splitting.meaning import Semantic, semantic
from chainkit.retrieval.splitting.recursion import Recursive, recursive, split
from chainkit.retrieval.splitting.sentence import BySentence, by_sentence
from chainkit.retrieval.splitting.splitter import SIZE, Splitter
from chainkit.retrieval.splitting.tokens import ByTokens, by_tokens

__all__ = [
    "SIZE",
    "Automatic",
    "ByCode",
    "ByHeading",
    "BySentence",
    "ByTokens",
    "Recursive",
    "Semantic",
    "Splitter",
    "automatic",
    "by_code",
    "by_heading",
    "by_sentence",
    "by_tokens",
    "recursive",
    "semantic",
    "split",
]
