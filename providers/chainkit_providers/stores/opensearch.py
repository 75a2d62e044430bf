"""OpenSearch, through its project's client."""

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


class OpenSearchStore(SearchServer):
    """An index on OpenSearch: "opensearch:http://localhost:9200/wiki", or `client=` and `index=`.

    `http_auth`, `ca_certs` and other options are those of the project's client.
    """

    name = "opensearch"

    def package(self) -> Any:
        """See `SearchServer`."""
        try:
            return import_module("opensearchpy")
        except ImportError:
            msg = "the store 'opensearch' needs the package opensearch-py"
            raise MissingExtra(msg, cure="pip install 'chainkit[opensearch]'") from None

    def connected(self, url: str, options: Mapping[str, Any]) -> Any:
        """See `SearchServer`. Retries are the gate's."""
        return self._package.OpenSearch(hosts=[url], **{"timeout": 30, "max_retries": 0, **options})

    def settings(self) -> dict[str, Any]:
        """See `SearchServer`."""
        return {"index": {"knn": True, "number_of_replicas": 0}}

    def vector_field(self, dimensions: int) -> dict[str, Any]:
        """See `SearchServer`."""
        method = {"name": "hnsw", "space_type": "cosinesimil", "engine": "lucene"}
        return {"type": "knn_vector", "dimension": dimensions, "method": method}

    def near(self, vector: Vector, k: int, kept: list[dict[str, Any]]) -> dict[str, Any]:
        """See `SearchServer`."""
        wanted: dict[str, Any] = {"vector": list(vector), "k": k}
        if kept:
            wanted["filter"] = {"bool": {"filter": kept}}
        return {"query": {"knn": {"vector": wanted}}, "size": k}

    def fault(self, error: Exception) -> ChainkitError | None:
        """See `SearchServer`."""
        if isinstance(error, self._package.ConnectionError):
            code = "timeout" if isinstance(error, self._package.ConnectionTimeout) else "unreachable"
            msg = f"opensearch at {self._where} cannot be reached: {type(error).__name__}"
            return ConnectionFailed(msg, code=code, cure="is it running, and is the address right?")
        if isinstance(error, self._package.TransportError):
            told: Any = error
            status = int(told.status_code)
            kind = _KINDS.get(status, ServerError if status >= 500 else BadRequest)
            return kind(f"opensearch at {self._where} answered {status}: {told.error}", status=status)
        return None
