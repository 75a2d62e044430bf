"""Vectors: `batchEmbedContents` of AI Studio, and `predict` or `embedContent` of Vertex AI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.embed import Embeddings
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.folding import shaped
from chainkit_providers.google.errors import fault_in, refused
from chainkit_providers.google.places import STUDIO
from chainkit_providers.payload import Json, inner, listed, malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.embed import EmbedRequest
    from chainkit_providers.google.places import Place

_TASKS = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
_SAID = {
    "query": "task: search result | query: {}",
    "document": "title: none | text: {}",
    "similarity": "task: sentence similarity | query: {}",
    "classification": "task: classification | query: {}",
    "clustering": "task: clustering | query: {}",
}
"""How the second generation is told what a text is for: in the text, in the words of the vendor's guide."""
_TOLD_IN_WORDS = re.compile(r"gemini-embedding-(?!0|exp)")


class StudioEmbed:
    """Several texts in one request."""

    name = "embed"
    answer: Literal["json", "bytes"] = "json"

    def __init__(self, place: Place = STUDIO) -> None:
        self._place = place

    def path(self, request: EmbedRequest) -> str:
        """Where to POST."""
        return self._place.path(request.model, "batchEmbedContents")

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes `dimensions` and `task` out of `options`."""
        task, fields = _task(request.model, options), _size(options)
        if task is not None and not _TOLD_IN_WORDS.search(request.model):
            fields["taskType"] = _TASKS[task]
        named = request.model if "/" in request.model else f"models/{request.model}"
        texts = _texts(request, task)
        asked = [{"model": named, "content": {"parts": [{"text": text}]}, **fields} for text in texts]
        return {"requests": asked, **(options.pop("extra", None) or {})}

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        """The vectors, in the order of the texts. Raises ReplyMalformed, or the fault that the body holds."""
        return _embeddings(body, self._place.vendor, request)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refused(self._place.vendor, status, headers, body)


class VertexEmbed(StudioEmbed):
    """The form that Vertex AI has for all embedding models, and the one that it has for newer ones of Gemini."""

    def path(self, request: EmbedRequest) -> str:
        """Where to POST."""
        return self._place.path(request.model, "embedContent" if _TOLD_IN_WORDS.search(request.model) else "predict")

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes `dimensions` and `task` out of `options`."""
        task, size = _task(request.model, options), _size(options)
        extra: Json = options.pop("extra", None) or {}
        texts = _texts(request, task)
        if _TOLD_IN_WORDS.search(request.model):
            config = {"embedContentConfig": size} if size else {}
            return {"content": {"parts": [{"text": text} for text in texts]}, **config, **extra}
        about = {"task_type": _TASKS[task]} if task is not None else {}
        parameters = {"parameters": size} if size else {}
        return {"instances": [{"content": text, **about} for text in texts], **parameters, **extra}


def _task(model: str, options: dict[str, Any]) -> str | None:
    return options.pop("task") if options.get("task") in _TASKS else None


def _size(options: dict[str, Any]) -> Json:
    return {"outputDimensionality": options.pop("dimensions")} if "dimensions" in options else {}


def _texts(request: EmbedRequest, task: str | None) -> list[str]:
    said = _SAID[task] if task is not None and _TOLD_IN_WORDS.search(request.model) else "{}"
    return [said.replace("{}", text) for text in request.texts]


@shaped("batchEmbedContents")
def _embeddings(body: Any, vendor: str, request: EmbedRequest) -> Embeddings:
    if "error" in body:
        raise fault_in(vendor, body)
    rows = listed(body, "embeddings") or [inner(body, "embedding")]
    if "predictions" in body:
        rows = [inner(p, "embeddings") for p in listed(body, "predictions")]
    vectors = tuple(row["values"] for row in rows if row)
    if len(vectors) != len(request.texts):
        raise malformed("embeddings", body, f"vector for each of {len(request.texts)} texts, but {len(vectors)}")
    return Embeddings(vectors=vectors, usage=_usage(body, rows), model=request.model, raw=body)


def _usage(body: Json, rows: list[Json]) -> Usage:
    """What was read: told of the whole answer, or of each text."""
    told = inner(body, "usageMetadata").get("promptTokenCount")
    if told is not None:
        return Usage(input=int(told))
    counts = [inner(row, "statistics").get("token_count") for row in rows]
    return NO_USAGE if None in counts else Usage(input=sum(int(c or 0) for c in counts))


EMBED = StudioEmbed()
