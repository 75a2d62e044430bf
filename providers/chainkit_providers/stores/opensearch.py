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
from chainkit_providers.stores.search_server import SearchServer, address, shown

_KINDS = {401: AuthenticationError, 403: PermissionDenied, 429: RateLimited}


class OpenSearchStore(SearchServer):
    """An index on OpenSearch: "opensearch:http://localhost:9200/wiki", or `client=` and `index=`.

    `http_auth`, `ca_certs` and other options are those of the project's client.
    """

    name = "opensearch"

    def __init__(
        self,
        where: str | None = None,
        *,
        client: Any = None,
        index: str | None = None,
        fields: Mapping[str, str] | None = None,
        vectors: bool = True,
        **options: Any,
    ) -> None:
        self._package = _package()
        self._where = "the client that was handed over"
        if client is None:
            url, index = address(where, "opensearch:http://localhost:9200/wiki")
            self._where = shown(url)
            client = self._package.OpenSearch(hosts=[url], **{"timeout": 30, "max_retries": 0, **options})
        if index is None:
            raise ChainkitError("client= says which server, and not which index", cure='say index="wiki"')
        super().__init__(client, index, fields, vectors=vectors)

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


def _package() -> Any:
    try:
        return import_module("opensearchpy")
    except ImportError:
        msg = "the store 'opensearch' needs the package opensearch-py"
        raise MissingExtra(msg, cure="pip install 'chainkit[opensearch]'") from None
