"""Cohere's v2 embed wire: `POST /v2/embed`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from chainkit.models.embed import Embeddings
from chainkit.usage import Usage
from chainkit_providers.payload import Json, inner, malformed, whole
from chainkit_providers.task_wire import VendorWire, add_extra, move

if TYPE_CHECKING:
    from chainkit.models.embed import EmbedRequest

MOST = 96
"""Texts of one request."""
_TASKS = {
    "query": "search_query",
    "document": "search_document",
    "classification": "classification",
    "clustering": "clustering",
}


@dataclass(frozen=True)
class EmbedV2(VendorWire):
    """Cohere's embeddings. It demands to know what they are for: documents, where nobody says."""

    name: str = field(default="embed", init=False)
    place: str = "v2/embed"

    @property
    def path(self) -> str:
        """Where to POST."""
        return self.prefix + self.place

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the wire honours out of `options`."""
        task = options.get("task", "document")
        if task in _TASKS:
            options.pop("task", None)
        body: Json = {
            "model": request.model,
            "texts": list(request.texts),
            "input_type": _TASKS.get(task, "search_document"),
            "embedding_types": ["float"],
            "truncate": "NONE",  # a text that is too long is refused, not cut
        }
        move(options, {"dimensions": "output_dimension"}, body)
        add_extra(options, body)
        return body

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        """The vectors, of the first type that there is. Raises ReplyMalformed."""
        with self.reading("embeddings", body) as found:
            return self._read(found, body, request)

    def _read(self, found: Json, body: Any, request: EmbedRequest) -> Embeddings:
        given = found.get("embeddings")
        kinds: dict[str, Any] = inner(found, "embeddings") or {"float": given}
        vectors: Any = next((v for v in kinds.values() if v), None)
        if not isinstance(vectors, list) or len(cast("list[Any]", vectors)) != len(request.texts):
            raise malformed("embed", body, f"vector for each of {len(request.texts)} texts")
        billed = inner(inner(found, "meta"), "billed_units")
        return Embeddings(
            vectors=tuple(cast("list[list[float]]", vectors)),
            usage=Usage(input=whole(billed.get("input_tokens"))),
            model=request.model,
            raw=body,
        )
