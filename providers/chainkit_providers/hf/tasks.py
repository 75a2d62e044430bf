"""Embedding, reranking and classification: by a text-embeddings-inference server, and by Hugging Face's own inference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, cast

from chainkit.errors import ReplyMalformed
from chainkit.models.classify import Classification
from chainkit.models.embed import Embeddings
from chainkit.models.rerank import ranking
from chainkit_providers.folding import shaped
from chainkit_providers.hf.faults import in_answer, refusal
from chainkit_providers.hf.generate import model_path
from chainkit_providers.payload import Json, malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.classify import ClassifyRequest
    from chainkit.models.embed import EmbedRequest
    from chainkit.models.rerank import Reranked, RerankRequest
    from chainkit.models.task import TaskReply, TaskRequest


class _Wire:
    """What these have in common: where they stand, what their headers tell, and their refusals."""

    answer: Literal["json"] = "json"

    def __init__(self, place: str | Callable[[Any], str]) -> None:
        self.path = place

    def heard(self, reply: TaskReply) -> None:
        """A server of one's own tells the tokens that it read in a header."""
        read = reply.headers.get("x-compute-tokens")
        if reply.usage.input is None and read is not None and read.isdecimal():
            reply.usage = replace(reply.usage, input=int(read))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refusal(status, headers, body)


class Embed(_Wire):
    """One vector for each text."""

    name = "embed"

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> Json:
        """The JSON body. What a model wants said before a text, `hf_prompt_name` names."""
        extra = options.pop("extra", None)
        body: Json = {"inputs": list(request.texts)}
        if "dimensions" in options and self.path == "embed":
            body["dimensions"] = options.pop("dimensions")
        return body | dict(extra or {})

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        """The vectors, in the order of the texts. Raises ReplyMalformed."""
        return _vectors(body, request)


class Rerank(_Wire):
    """Texts in the order of how well they fit a query."""

    name = "rerank"

    def encode(self, request: RerankRequest, options: dict[str, Any]) -> Json:
        """The JSON body. The server ranks all; `top_n` is ours to cut."""
        extra = options.pop("extra", None)
        options.pop("top_n", None)
        return {"query": request.query, "texts": list(request.texts)} | dict(extra or {})

    def decode(self, body: Any, request: RerankRequest) -> Reranked:
        """The ranking. Raises ReplyMalformed."""
        return _ranked(body, request)


class Classify(_Wire):
    """The labels of a model, or those that were asked about, with their scores."""

    name = "classify"

    def encode(self, request: ClassifyRequest, options: dict[str, Any]) -> Json:
        """The JSON body. A server for one model's own labels (`/predict`) takes no others."""
        extra = options.pop("extra", None)
        body: Json = {"inputs": request.text}
        if "labels" in options and self.path != "predict":
            body["parameters"] = {"candidate_labels": list(options.pop("labels"))}
        return body | dict(extra or {})

    def decode(self, body: Any, request: ClassifyRequest) -> Classification:
        """The scores, best first. Raises ReplyMalformed."""
        return _classified(body, request)


def on_router(task: str = "") -> Callable[[TaskRequest], str]:
    """The address of a model of Hugging Face's own inference, for a task where it has several."""
    return lambda request: model_path(request.model) + (f"/pipeline/{task}" if task else "")


@shaped("text embeddings")
def _vectors(body: Any, request: EmbedRequest) -> Embeddings:
    rows = _rows(body, "text embeddings", "vectors")
    if rows and isinstance(rows[0], int | float):
        rows = [rows]
    if len(rows) != len(request.texts):
        raise malformed("text embeddings", body, f"vector for each of {len(request.texts)} texts, but {len(rows)}")
    if any(isinstance(number, list) for row in rows for number in row[:1]):
        msg = f"hf:{request.model} gave a vector for each token, not one for each text"
        raise ReplyMalformed(msg, cure="use a model for sentences, as sentence-transformers' are")
    return Embeddings(vectors=tuple(rows), model=request.model, raw=body)


@shaped("reranking")
def _ranked(body: Any, request: RerankRequest) -> Reranked:
    rows = _rows(body, "reranking", "ranks")
    best = sorted(((int(r["index"]), float(r["score"])) for r in rows), key=lambda r: -r[1])
    return ranking(request, best, model=request.model, raw=body)


@shaped("classification")
def _classified(body: Any, request: ClassifyRequest) -> Classification:
    scores = _scores(body)
    if not scores:
        raise malformed("classification", body, "labels")
    best = dict(sorted(scores.items(), key=lambda s: -s[1]))
    return Classification(label=next(iter(best)), scores=best, model=request.model, raw=body)


def _scores(body: Any) -> dict[str, float]:
    if isinstance(body, dict) and "labels" in body:
        told = cast("Json", body)
        return dict(zip(told["labels"], told["scores"], strict=True))
    rows = _rows(body, "classification", "labels")
    inside: list[Any] = cast("list[Any]", rows[0]) if rows and isinstance(rows[0], list) else rows
    return {row["label"]: float(row["score"]) for row in inside}


def _rows(body: Any, wire: str, what: str) -> list[Any]:
    if isinstance(body, dict) and body.get("error") is not None:  # pyright: ignore[reportUnknownMemberType]
        raise in_answer(body)
    if not isinstance(body, list):
        raise malformed(wire, body, what)
    return body  # pyright: ignore[reportUnknownVariableType]
