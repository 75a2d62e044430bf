"""Vertex AI: Gemini and other vendors' models, in a project of Google Cloud or by a key of its express mode."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit_providers.google.credentials import Login
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.google.options import GoogleOptions
from chainkit_providers.google.partners import ClaudeCount, ClaudeOnVertex, OpenModels, api
from chainkit_providers.google.places import vertex

if TYPE_CHECKING:
    from typing import Any

    from chainkit.models.provider import Account, Rendered, TaskWire
    from chainkit.run.call import Call
    from chainkit_providers.google.places import Place


class _ByModel(HttpBackend):
    """An account of which nobody said the interface."""

    def __init__(self, row: HttpProvider, account: Account, count: TaskWire) -> None:
        super().__init__(row, account, row.wires["chat"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        claude = replace(row, tasks={"count": count})
        rows = {"messages": claude, "openai": row}
        self._others = {name: HttpBackend(rows[name], account, row.wires[name]) for name in rows}  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def _by(self, request: Any) -> HttpBackend | None:
        name = api(request.model)
        other = request.kind == "chat" or (request.kind == "count" and name == "messages")
        return self._others[name] if other and name != "chat" else None

    async def send(self, call: Call) -> Any:
        """Answer `call.request`."""
        other = self._by(call.request)
        return await (super().send(call) if other is None else other.send(call))

    def render(self, request: Any) -> Rendered:
        """The request as it would leave."""
        other = self._by(request)
        return super().render(request) if other is None else other.render(request)


class Vertex(HttpProvider):
    """The row, filled in for the project and location that the environment names when an account is opened."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        place = vertex(os.environ, keyed=account.api_key is not None)
        row = self._at(place)
        return _ByModel(row, account, ClaudeCount(place)) if account.api is None else HttpProvider.open(row, account)

    def _at(self, place: Place) -> Vertex:
        return replace(
            self,
            base_url=place.host,
            wires={"chat": Gemini(place), "messages": ClaudeOnVertex(place), "openai": OpenModels(place)},
            tasks=_tasks(place),
            key_env=() if place.project is not None or place.location is not None else self.key_env,
            signer=Login(place),
        )


def _tasks(place: Place) -> dict[str, TaskWire | str]:
    from chainkit_providers.google.count import CountTokens
    from chainkit_providers.google.embed import VertexEmbed
    from chainkit_providers.google.images import Drawing
    from chainkit_providers.google.speech import Speaking

    return {"count": CountTokens(place), "embed": VertexEmbed(place), "image": Drawing(place), "speak": Speaking(place)}


provider = Vertex(
    name="vertex",
    base_url="https://aiplatform.googleapis.com",
    wires={"chat": Gemini(vertex({}, keyed=True))},
    key_env=("GOOGLE_API_KEY",),
    base_url_env=("GOOGLE_VERTEX_BASE_URL",),
    auth="x-goog-api-key: {key}",
    hosts=(".aiplatform.googleapis.com", ".rep.googleapis.com"),
    keys_at="https://console.cloud.google.com/vertex-ai",
    profiles="chainkit_providers.google.partners:profile",
    vendor=GoogleOptions,
)
