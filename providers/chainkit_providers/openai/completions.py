"""The completions wire: `POST /completions`, a raw text in, spoken by OpenAI for base models and by most servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from chainkit_providers.faults import http_fault
from chainkit_providers.openai.chat_fold import ChatFold
from chainkit_providers.openai.chat_reply import decode as decode_chat
from chainkit_providers.openai.completions_reply import CompletionFold, decode
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.fill import marked

if TYPE_CHECKING:
    from chainkit.errors import ProviderError
    from chainkit.models.completion import CompletionRequest
    from chainkit.models.reply import Reply
    from chainkit_providers.folding import Folding

_NAMES = "temperature top_p max_tokens stop seed frequency_penalty presence_penalty logit_bias logprobs n best_of user"
PLAIN: Mapping[str, str] = MappingProxyType({name: name for name in _NAMES.split()})
"""What the first server of this wire takes: our option, and its field."""


def fields(*without: str, **more: str) -> Mapping[str, str]:
    """`PLAIN` without some options and with others."""
    return MappingProxyType({k: v for k, v in PLAIN.items() if k not in without} | more)


@dataclass(frozen=True, slots=True)
class Completing:
    """How one vendor completes: a row of data.

    `fill` is how a gap is asked for: by the field `suffix`, by the marks that the model was trained with, or not at
    all. `echo` says that the prompt's own logprobs can be had, `logprobs_least` what it takes for "the tokens' own and
    no others". `answers` names the form of the answer: that of a
    completion or of a chat.
    """

    vendor: str
    options: Mapping[str, str] = field(default_factory=lambda: PLAIN)
    path: str = "completions"
    fill: Literal["suffix", "marks"] | None = "marks"
    echo: bool = False
    logprobs_least: int = 0
    stream_usage: bool = True
    answers: Literal["completion", "chat"] = "completion"
    keys: tuple[str, ...] = ()

    @property
    def takes(self) -> frozenset[str]:
        """The options that it honours."""
        return frozenset({*self.options, "extra", "vendor"} | ({"prompt_logprobs"} if self.echo else set()))


class Completions:
    """Completions in one vendor's form."""

    name = "complete"
    answer: Literal["json"] = "json"

    def __init__(self, row: Completing, prefix: str = "") -> None:
        self.row = row
        self.path = prefix + row.path

    def encode(self, request: CompletionRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The JSON body; takes what the row honours out of `options`."""
        row, extra = self.row, options.pop("extra", None)
        body: dict[str, Any] = {"model": request.model, **_text(row, request)}
        for option, name in row.options.items():
            if option in options:
                body[name] = _plain(options.pop(option))
        if "logprobs" in body:
            body["logprobs"] = max(body["logprobs"], row.logprobs_least)
        if row.echo and "prompt_logprobs" in options:
            body["echo"] = True
            body["logprobs"] = max(options.pop("prompt_logprobs"), body.get("logprobs", 0))
        # Neither an echoed prompt nor the best of several can be streamed by all servers: they come whole.
        if request.stream and "echo" not in body and body.get("best_of", 1) == 1:
            body["stream"] = True
            if row.stream_usage:
                body["stream_options"] = {"include_usage": True}
        return body | dict(extra or {})

    def decode(self, body: Any, request: CompletionRequest) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        if self.row.answers == "chat":
            return decode_chat(body, Dialect(self.row.vendor, keys=self.row.keys))
        return decode(body, request, self.row)

    def fold(self, request: CompletionRequest) -> Folding:
        """A fresh fold for a streamed answer."""
        if self.row.answers == "chat":
            return ChatFold(Dialect(self.row.vendor, keys=self.row.keys))
        return CompletionFold(request, self.row)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return http_fault(self.row.vendor, status, headers, body, keys=self.row.keys)


def _text(row: Completing, request: CompletionRequest) -> dict[str, str]:
    if request.suffix is None:
        return {"prompt": request.prefix}
    if row.fill == "suffix":
        return {"prompt": request.prefix, "suffix": request.suffix}
    return {"prompt": marked(f"{row.vendor}:{request.model}", request.prefix, request.suffix)}


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    return dict(value) if hasattr(value, "keys") else list(value)
