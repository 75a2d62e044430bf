"""Ollama's embedding: `POST /api/embed`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.embed import Embeddings
from chainkit.usage import Usage
from chainkit_providers.folding import shaped
from chainkit_providers.ollama.wire import in_answer, refusal
from chainkit_providers.payload import Json, malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.embed import EmbedRequest


class Embed:
    """One vector for each text, of length 1."""

    name = "embed"
    path = "api/embed"
    answer: Literal["json"] = "json"

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body. `task` is not taken: such models want it written into the text."""
        extra = options.pop("extra", None)
        body: Json = {"model": request.model, "input": list(request.texts)}
        if "dimensions" in options:
            body["dimensions"] = options.pop("dimensions")
        return body | dict(extra or {})

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        """The vectors, in the order of the texts. Raises ReplyMalformed, or the fault that the answer holds."""
        return _vectors(body, len(request.texts))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return refusal(status, headers, body)


@shaped("Ollama embed")
def _vectors(body: Any, wanted: int) -> Embeddings:
    answer: Json = body
    if answer.get("error") is not None:
        raise in_answer(answer)
    if len(answer.get("embeddings") or ()) != wanted:
        raise malformed("Ollama embed", body, f"vector for each of {wanted} texts")
    used = Usage(input=answer.get("prompt_eval_count"))
    return Embeddings(vectors=tuple(answer["embeddings"]), usage=used, model=answer.get("model"), raw=answer)
