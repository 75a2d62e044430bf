"""An answer of text generation as a reply of ours, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Text
from chainkit.models.pieces import TextPiece
from chainkit.models.reply import Reply
from chainkit.usage import Usage
from chainkit_providers.folding import Folding, shaped
from chainkit_providers.hf.faults import VENDOR, in_answer
from chainkit_providers.payload import Json, inner, listed, malformed, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainkit.models.completion import CompletionRequest
    from chainkit.models.pieces import Piece
    from chainkit.models.reply import FinishReason

_NONE = (
    "the server told no logprobs of the prompt; from version 3 on it is started with --enable-prefill-logprobs for that"
)
_FINISH: dict[str | None, FinishReason] = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}


@shaped("text generation")
def decode(body: Any, request: CompletionRequest) -> Reply:
    """A whole answer: an object, or a list of one. Raises the fault that it holds, or ReplyMalformed."""
    held: Any = body[0] if isinstance(body, list) and body else body  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(held, dict):
        raise malformed("text generation", body, "generated_text")
    answer: Json = held  # pyright: ignore[reportUnknownVariableType]
    if answer.get("error") is not None:
        raise in_answer(answer)
    if answer.get("generated_text") is None:
        raise malformed("text generation", answer, "generated_text")
    details = inner(answer, "details")
    word: str | None = details.get("finish_reason")
    text = _cut(text_of(answer, "generated_text"), word, stops(request))
    told = "logprobs" in request.options
    prompt = _logprobs(listed(details, "prefill"), None)
    return Reply(
        (Text(text),) if text else (),
        _FINISH.get(word, "unknown"),
        word,
        Usage(_read(details), details.get("generated_tokens")),
        model=request.model,
        logprobs=_logprobs(listed(details, "tokens"), details.get("top_tokens")) if told else (),
        raw=body,
        warnings=(_NONE,) if "prompt_logprobs" in request.options and not prompt else (),
        prompt_logprobs=prompt,
    )


def _read(details: Json) -> int | None:
    """The tokens of the prompt, where the answer tells them."""
    length: int | None = details.get("input_length")
    return length if length is not None else len(listed(details, "prefill")) or None


def _logprobs(tokens: Sequence[Json], others: Sequence[Sequence[Json]] | None) -> tuple[Json, ...]:
    """Tokens with their logprobs in the form that a chat's have."""
    beside = others or [()] * len(tokens)
    return tuple(
        {**_token(t), "top_logprobs": [_token(o) for o in more]} for t, more in zip(tokens, beside, strict=False)
    )


def _token(told: Json) -> Json:
    return {"token": told.get("text"), "logprob": told.get("logprob")}


def stops(request: CompletionRequest) -> tuple[str, ...]:
    """The texts that end an answer."""
    stop: Any = request.options.get("stop") or ()
    return (stop,) if isinstance(stop, str) else tuple(stop)


def _cut(text: str, word: str | None, ends: tuple[str, ...]) -> str:
    """The text without the stop that ended it, which these servers leave in."""
    if word == "stop_sequence":
        for end in ends:
            if end and text.endswith(end):
                return text[: -len(end)]
    return text


class GenerateFold(Folding):
    """Folds a stream of tokens; holds back what may be the beginning of a stop."""

    __slots__ = ("_end", "_full", "_held", "_others", "_request", "_stops", "_texts", "_tokens")
    vendor = VENDOR

    def __init__(self, request: CompletionRequest) -> None:
        self._request = request
        self._stops = stops(request)
        self._texts: list[str] = []
        self._held = ""
        self._tokens: list[Json] = []
        self._others: list[Any] = []
        self._end: Json | None = None
        self._full = ""

    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]:
        if told.get("error") is not None:
            raise in_answer(told)
        token: Json | None = told.get("token")
        shown: tuple[Piece, ...] = ()
        if token is not None:
            self._tokens.append(token)
            if told.get("top_tokens"):
                self._others.append(told["top_tokens"])
            if not token.get("special"):
                shown = self._show(text_of(token, "text"))
        if told.get("details") is not None or told.get("generated_text") is not None:
            self._end = told
            return (*shown, *self._rest(told))
        return shown

    def _show(self, text: str) -> tuple[Piece, ...]:
        if self._stops:
            text = self._held + text
            self._held = _beginning(text, self._stops)
            text = text[: len(text) - len(self._held)]
        if not text:
            return ()
        self._texts.append(text)
        return (TextPiece(text),)

    def _rest(self, told: Json) -> tuple[Piece, ...]:
        """What was held back and turned out to be text. The last line's own text is the measure."""
        whole: str | None = told.get("generated_text")
        shown = "".join(self._texts)
        word: str | None = inner(told, "details").get("finish_reason")
        self._full = whole if whole is not None else shown + self._held
        text = _cut(self._full, word, self._stops)
        more = text[len(shown) :] if text.startswith(shown) else ""
        self._held = ""
        if not more:
            return ()
        self._texts.append(more)
        return (TextPiece(more),)

    def _ended(self) -> bool:
        return self._end is not None

    def _text(self) -> str:
        return "".join(self._texts)

    def _body(self) -> Json:
        details = inner(self._end or {}, "details")
        told = {**details, "tokens": self._tokens, "top_tokens": self._others or None}
        return {"generated_text": self._full, "details": told}

    def _decode(self, body: Json) -> Reply:
        return decode(body, self._request)


def _beginning(text: str, ends: tuple[str, ...]) -> str:
    """The longest end of the text that is a stop, or the beginning of one."""
    longest = min(len(text), max(map(len, ends)))
    for size in range(longest, 0, -1):
        tail = text[-size:]
        if any(end.startswith(tail) for end in ends):
            return tail
    return ""
