"""Aleph Alpha's own completion: `POST /complete`, for its base models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from chainkit.messages import Text
from chainkit.models.pieces import TextPiece
from chainkit.models.reply import Reply
from chainkit.usage import Usage
from chainkit_providers.faults import fault, http_fault
from chainkit_providers.folding import Folding, shaped
from chainkit_providers.openai.fill import marked
from chainkit_providers.payload import Json, malformed, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.completion import CompletionRequest
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import FinishReason

VENDOR, KEYS = "alephalpha", ("AA_TOKEN",)
_OPTIONS = {
    "max_tokens": "maximum_tokens",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "n": "n",
    "best_of": "best_of",
}
_FINISH: dict[str | None, FinishReason] = {
    "maximum_tokens": "length",
    "end_of_text": "stop",
    "stop_sequence_reached": "stop",
    "stop": "stop",
    "length": "length",
}


class Complete:
    """Completion in this vendor's form. Its logprobs are in one of its own, and not taken."""

    name = "complete"
    path = "complete"
    answer: Literal["json"] = "json"

    def encode(self, request: CompletionRequest, options: dict[str, Any]) -> Json:
        """The JSON body; takes what the wire honours out of `options`."""
        extra, text = options.pop("extra", None), request.prefix
        if request.suffix is not None:
            text = marked(f"{VENDOR}:{request.model}", request.prefix, request.suffix)
        body: Json = {"model": request.model, "prompt": text}
        body |= {name: options.pop(option) for option, name in _OPTIONS.items() if option in options}
        if "stop" in options:
            stop = options.pop("stop")
            body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
        if request.stream and max(body.get("n", 1), body.get("best_of", 1)) == 1:
            body["stream"] = True
        return body | dict(extra or {})

    def decode(self, body: Any, request: CompletionRequest) -> Reply:
        """A whole answer. Raises ReplyMalformed, or the fault that it holds."""
        return _decoded(body)

    def fold(self, request: CompletionRequest) -> CompleteFold:
        """A fresh fold for a streamed answer."""
        return CompleteFold()

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return http_fault(VENDOR, status, headers, body, keys=KEYS)


@shaped("complete")
def _decoded(body: Any) -> Reply:
    answer: Json = body
    if answer.get("error") is not None:
        raise fault(VENDOR, answer, keys=KEYS)
    if not answer.get("completions"):
        raise malformed("complete", answer, "completions")
    reply, *others = [_choice(c, answer) for c in answer["completions"]]
    reply.usage = Usage(answer.get("num_tokens_prompt_total"), answer.get("num_tokens_generated"))
    reply.choices, reply.raw = tuple(others), answer
    return reply


def _choice(told: Json, answer: Json) -> Reply:
    text = text_of(told, "completion")
    word: str | None = told.get("finish_reason")
    return Reply((Text(text),) if text else (), _FINISH.get(word, "unknown"), word, model=answer.get("model_version"))


class CompleteFold(Folding):
    """Folds a stream: chunks of text, a summary of the answer, and one of the whole."""

    __slots__ = ("_end", "_texts", "_usage")
    vendor = VENDOR

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._end: Json | None = None
        self._usage: Json = {}

    def _take(self, event: str, told: Json) -> tuple[Piece, ...]:
        if told.get("error") is not None:
            raise fault(VENDOR, told, keys=KEYS)
        kind = told.get("type")
        if kind == "stream_summary":
            self._end = told
        elif kind == "completion_summary":
            self._usage = told
        elif text := text_of(told, "completion"):
            self._texts.append(text)
            return (TextPiece(text),)
        return ()

    def _ended(self) -> bool:
        return self._end is not None

    def _text(self) -> str:
        return "".join(self._texts)

    def _body(self) -> Json:
        end = self._end or {}
        told = {"completion": self._text(), "finish_reason": end.get("finish_reason")}
        return {"model_version": end.get("model_version"), "completions": [told], **self._usage}

    def _decode(self, body: Json) -> Reply:
        return _decoded(body)
