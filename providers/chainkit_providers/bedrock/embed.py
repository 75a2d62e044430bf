"""Embeddings of Amazon's and Cohere's models, each in its maker's own form: `POST /model/{model}/invoke`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import BadRequest
from chainkit.models.embed import Embeddings
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.bedrock.errors import refused
from chainkit_providers.bedrock.models import maker
from chainkit_providers.payload import Json, inner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.embed import EmbedRequest

_TASKS = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
    "similarity": "clustering",
}


_PURPOSES = {
    "query": "TEXT_RETRIEVAL",
    "document": "GENERIC_INDEX",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "similarity": "GENERIC_RETRIEVAL",
}


class BedrockEmbed:
    """One text for Amazon's models, many for Cohere's."""

    name = "embed"
    path = "model/{model}/invoke"
    answer: Literal["json", "bytes"] = "json"

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body. Raises BadRequest for a model of another maker."""
        extra: Json = options.pop("extra", None) or {}
        by = maker(request.model)
        if by == "amazon" and ".nova" in request.model:
            return _nova(request, options) | extra
        if by == "amazon":
            options.pop("task", None)
            size = {"dimensions": options.pop("dimensions")} if "dimensions" in options else {}
            return {"inputText": request.texts[0], **size, **extra}
        if by == "cohere":
            size = {"output_dimension": options.pop("dimensions")} if "dimensions" in options else {}
            task = _TASKS[options.pop("task", "document")]
            return {"texts": list(request.texts), "input_type": task, **size, **extra}
        msg = f"bedrock: how {request.model} is asked to embed is not known here"
        raise BadRequest(msg, cure="use one of amazon.titan-embed-... or cohere.embed-...")

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        """The vectors."""
        held: Any = body.get("embeddings", body.get("embedding"))
        vectors: Any = inner(body, "embeddings").get("float") or held
        many: list[Any] = vectors if "embeddings" in body else [vectors]
        many = [v["embedding"] if isinstance(v, dict) else v for v in many]
        tokens = body.get("inputTextTokenCount")
        usage = Usage(input=tokens) if tokens is not None else NO_USAGE
        return Embeddings(vectors=tuple(many), usage=usage, model=request.model, raw=body)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refused(status, headers, body)


def _nova(request: EmbedRequest, options: dict[str, Any]) -> Json:
    """Amazon's newer form, for text among other things."""
    size = {"embeddingDimension": options.pop("dimensions")} if "dimensions" in options else {}
    text = {"value": request.texts[0], "truncationMode": "NONE"}
    about = {"embeddingPurpose": _PURPOSES[options.pop("task", "document")], **size, "text": text}
    return {"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": about}


EMBED = BedrockEmbed()
