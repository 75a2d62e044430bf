"""Completion by a text-generation-inference server: `POST /generate`, and `/generate_stream` for pieces.

Hugging Face's own inference (behind its router) takes the same body at the model's address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from chainkit.errors import BadRequest
from chainkit_providers.hf.faults import refusal
from chainkit_providers.hf.generate_reply import GenerateFold, decode
from chainkit_providers.openai.fill import marked
from chainkit_providers.payload import Json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.completion import CompletionRequest
    from chainkit.models.reply import Reply

_OPTIONS = {
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_new_tokens",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "repeat_penalty": "repetition_penalty",
    "best_of": "best_of",
}
TAKES = frozenset({*_OPTIONS, "temperature", "stop", "logprobs", "prompt_logprobs", "extra", "vendor"})
"""The options that this wire honours."""


class Generate:
    """Text generation. `place` gives the path of a request.

    `details` says that token counts and the reason of the end are always asked for: a server for text generation
    tells them, a plain pipeline refuses the question.
    """

    name = "complete"
    answer: Literal["json"] = "json"

    def __init__(self, place: Callable[[CompletionRequest], str], *, details: bool) -> None:
        self.path = place
        self._details = details

    def encode(self, request: CompletionRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the wire honours out of `options`."""
        extra = options.pop("extra", None)
        text = request.prefix
        if request.suffix is not None:
            text = marked(f"hf:{request.model}", request.prefix, request.suffix)
        parameters: Json = {name: options.pop(option) for option, name in _OPTIONS.items() if option in options}
        _put_sampling(parameters, options)
        if "prompt_logprobs" in options:
            _own_only("prompt_logprobs", options.pop("prompt_logprobs"))
            parameters["decoder_input_details"] = True
        if self._details or {"logprobs", "prompt_logprobs"} & request.options.keys():
            parameters["details"] = True
        body: Json = {"inputs": text, "parameters": {**parameters, "return_full_text": False}}
        if streams(request):
            body["stream"] = True
        return body | dict(extra or {})

    def decode(self, body: Any, request: CompletionRequest) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        return decode(body, request)

    def heard(self, reply: Reply) -> None:
        """The tokens that were read stand in the headers of an unstreamed answer."""
        from dataclasses import replace

        read = reply.headers.get("x-prompt-tokens")
        if reply.usage.input is None and read is not None and read.isdecimal():
            reply.usage = replace(reply.usage, input=int(read))

    def fold(self, request: CompletionRequest) -> GenerateFold:
        """A fresh fold for a streamed answer."""
        return GenerateFold(request)

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refusal(status, headers, body)


def streams(request: CompletionRequest) -> bool:
    """Whether pieces can come: these servers stream neither the best of several nor what they read."""
    options = request.options
    return request.stream and (options.get("best_of") or 1) == 1 and "prompt_logprobs" not in options


def on_server(request: CompletionRequest) -> str:
    """The path on a server of one's own."""
    return "generate_stream" if streams(request) else "generate"


def on_router(request: CompletionRequest) -> str:
    """The path behind the router: only Hugging Face's own inference completes there."""
    return model_path(request.model)


def model_path(model: str) -> str:
    """The address of a model of Hugging Face's own inference. Raises BadRequest for another service's."""
    name, _, service = model.partition(":")
    if service not in ("", "hf-inference"):
        msg = f"hf:{model}: of {service}, the router hands on chats only; nothing was sent"
        raise BadRequest(msg, cure=f"use model(...) for a chat, hf:{name}, or the provider {service}: itself")
    return f"hf-inference/models/{quote(name, safe='/')}"


def _put_sampling(parameters: Json, options: dict[str, Any]) -> None:
    temperature = options.pop("temperature", None)
    if temperature is not None:
        # These servers refuse 0; it means what they call not sampling.
        parameters |= {"temperature": temperature} if temperature > 0 else {"do_sample": False}
    if "stop" in options:
        stop = options.pop("stop")
        parameters["stop"] = [stop] if isinstance(stop, str) else list(stop)
    most = options.pop("logprobs", 0)
    if most:
        parameters["top_n_tokens"] = most


def _own_only(option: str, most: int) -> None:
    if most:
        msg = f"text-generation-inference tells of a prompt's tokens their own logprobs alone: {option}={most}"
        raise BadRequest(f"{msg}; nothing was sent", cure=f"{option}=0")
