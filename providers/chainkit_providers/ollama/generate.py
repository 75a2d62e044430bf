"""Ollama's completion: `POST /api/generate`. The text goes as it stands, past the model's chat template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chainkit.models.json_lines import JsonLines
from chainkit_providers.ollama.fold import TextFold
from chainkit_providers.ollama.reply import decode_text
from chainkit_providers.ollama.wire import put_options, refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.completion import CompletionRequest
    from chainkit.models.reply import Reply


class Generate:
    """Completion, and the filling of a gap by the model's own template for it."""

    name = "complete"
    path = "api/generate"
    answer: Literal["json"] = "json"
    framing = JsonLines

    def encode(self, request: CompletionRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the wire honours out of `options`."""
        extra = options.pop("extra", None)
        # A raw text passes the template, and it is the template that knows the marks of a gap. Nothing behind the
        # gap is no gap to the server: it would take the text for a turn of a chat.
        form = {"suffix": request.suffix} if request.suffix else {"raw": True}
        body: dict[str, Any] = {"model": request.model, "prompt": request.prefix, **form, "stream": request.stream}
        put_options(body, options)
        return body | dict(extra or {})

    def decode(self, body: Any, request: CompletionRequest) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        return decode_text(body)

    def fold(self, request: CompletionRequest) -> TextFold:
        """A fresh fold for a streamed answer."""
        return TextFold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refusal(status, headers, body)
