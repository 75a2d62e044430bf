"""The wire of Acme's embeddings. What is no chat is one class too: encode, decode, error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import ReplyMalformed
from chainkit.models.embed import Embeddings
from chainkit.usage import Usage
from chainkit_acme.chat import refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.embed import EmbedRequest


class Embed:
    """`POST /v1/embed`."""

    name = "embed"
    path = "v1/embed"
    answer: Literal["json"] = "json"
    options = ("extra",)

    def encode(self, request: EmbedRequest, options: dict[str, Any]) -> dict[str, Any]:
        return {"model": request.model, "texts": list(request.texts), **(options.pop("extra", None) or {})}

    def decode(self, body: Any, request: EmbedRequest) -> Embeddings:
        try:
            vectors, read = tuple(body["vectors"]), body["used"]["read"]
        except (KeyError, TypeError) as error:
            raise ReplyMalformed(f"these are no vectors of acme's ({error!r}): {str(body)[:200]}") from error
        if len(vectors) != len(request.texts):
            raise ReplyMalformed(f"acme gave {len(vectors)} vectors for {len(request.texts)} texts")
        return Embeddings(vectors=vectors, usage=Usage(input=read, output=0), model=request.model, raw=body)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        return refusal(status, headers, body)
