"""Elasticsearch, through its vendor's client."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    ChainkitError,
    ConnectionFailed,
    MissingExtra,
    PermissionDenied,
    RateLimited,
    ServerError,
)  # fmt: skip
from chainkit.retrieval.store import Vector
from chainkit_providers.stores.search_server import SearchServer

_KINDS = {401: AuthenticationError, 403: PermissionDenied, 429: RateLimited}


class ElasticsearchStore(SearchServer):
    """An index on Elasticsearch: "elasticsearch:http://localhost:9200/wiki", or `client=` and `index=`.

    `api_key`, `basic_auth`, `ca_certs` and other options are those of the vendor's client.
    """

    name = "elasticsearch"

    def package(self) -> Any:
        """See `SearchServer`."""
        try:
            return import_module("elasticsearch")
        except ImportError:
            msg = "the store 'elasticsearch' needs a package of that name"
            raise MissingExtra(msg, cure="pip install 'chainkit[elasticsearch]'") from None

    def connected(self, url: str, options: Mapping[str, Any]) -> Any:
        """See `SearchServer`. Retries are the gate's."""
        return self._package.Elasticsearch(url, **{"request_timeout": 30, "max_retries": 0, **options})

    def settings(self) -> dict[str, Any]:
        """See `SearchServer`."""
        return {"number_of_replicas": 0}

    def vector_field(self, dimensions: int) -> dict[str, Any]:
        """See `SearchServer`."""
        return {"type": "dense_vector", "dims": dimensions, "index": True, "similarity": "cosine"}

    def near(self, vector: Vector, k: int, kept: list[dict[str, Any]]) -> dict[str, Any]:
        """See `SearchServer`."""
        knn: dict[str, Any] = {"field": "vector", "query_vector": list(vector), "k": k}
        knn["num_candidates"] = min(10_000, max(100, 4 * k))
        return {"knn": knn | ({"filter": kept} if kept else {}), "size": k}

    def fault(self, error: Exception) -> ChainkitError | None:
        """See `SearchServer`."""
        if isinstance(error, self._package.ApiError):
            told: Any = error
            status = int(told.meta.status)
            kind = _KINDS.get(status, ServerError if status >= 500 else BadRequest)
            return kind(f"elasticsearch at {self._where} answered {status}: {told.message}", status=status)
        if isinstance(error, self._package.TransportError):
            code = "timeout" if "Timeout" in type(error).__name__ else "unreachable"
            msg = f"elasticsearch at {self._where} cannot be reached: {type(error).__name__}"
            return ConnectionFailed(msg, code=code, cure="is it running, and is the address right?")
        return None
