"""The rerank wire: `POST /rerank`. Cohere made it, and others took it over with other names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainkit.models.rerank import ranking
from chainkit.usage import Usage
from chainkit_providers.payload import Json, inner, listed, malformed, whole
from chainkit_providers.task_wire import VendorWire, add_extra, move

if TYPE_CHECKING:
    from chainkit.models.rerank import Reranked, RerankRequest


@dataclass(frozen=True)
class RerankWire(VendorWire):
    """Reranking in one vendor's words. `top` is its field for how many are wanted, `under` where the answer stands."""

    name: str = field(default="rerank", init=False)
    place: str = "rerank"
    top: str = "top_n"
    under: str = "results"
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def path(self) -> str:
        """Where to POST."""
        return self.prefix + self.place

    def encode(self, request: RerankRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the vendor honours out of `options`."""
        body: Json = {"model": request.model, "query": request.query, "documents": list(request.texts), **self.always}
        move(options, {"top_n": self.top}, body)
        add_extra(options, body)
        return body

    def decode(self, body: Any, request: RerankRequest) -> Reranked:
        """The documents by their places, with their scores. Raises ReplyMalformed."""
        with self.reading("rerank", body) as found:
            return self._read(found, body, request)

    def _read(self, found: Json, body: Any, request: RerankRequest) -> Reranked:
        if self.under not in found:
            raise malformed("rerank", body, self.under)
        scores = [(int(row["index"]), float(row["relevance_score"])) for row in listed(found, self.under)]
        return ranking(request, scores, usage=_usage(found), model=found.get("model") or request.model, raw=body)


def _usage(found: Json) -> Usage:
    usage, billed = inner(found, "usage"), inner(inner(found, "meta"), "billed_units")
    tokens = usage.get("total_tokens", usage.get("prompt_tokens", billed.get("input_tokens")))
    searches = billed.get("search_units", usage.get("search_units"))
    return Usage(input=whole(tokens), units=(("searches", float(searches)),) if searches is not None else ())
