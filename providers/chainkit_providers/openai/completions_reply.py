"""An answer of the completions wire as a reply of ours, whole or streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.messages import Text
from chainkit.models.pieces import TextPiece
from chainkit.models.reply import Reply
from chainkit_providers.faults import fault
from chainkit_providers.folding import Folding, shaped
from chainkit_providers.openai.chat_reply import finish_reason, usage
from chainkit_providers.payload import Json, inner, malformed, text_of

if TYPE_CHECKING:
    from chainkit.models.completion import CompletionRequest
    from chainkit.models.pieces import Piece
    from chainkit_providers.openai.completions import Completing


@shaped("completions")
def decode(body: Any, request: CompletionRequest, row: Completing) -> Reply:
    """A whole answer. Raises the fault that a body with status 200 may hold, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("completions", body, "choices")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    choices: list[Json] | None = answer.get("choices")
    if not choices:
        if answer.get("error") is not None or answer.get("object") == "error":
            raise fault(row.vendor, answer, keys=row.keys)
        raise malformed("completions", answer, "choices")
    echoed = row.echo and "prompt_logprobs" in request.options
    replies = [_choice(c, answer, request.prefix if echoed else "", row) for c in choices]
    reply = replies[0]
    reply.usage = usage(answer.get("usage"))
    reply.choices = tuple(replies[1:])
    reply.raw = answer
    return reply


def _choice(choice: Json, answer: Json, echoed: str, row: Completing) -> Reply:
    word: str | None = choice.get("finish_reason")
    text, probabilities = text_of(choice, "text"), logprobs(choice.get("logprobs"))
    read = 0
    # Some servers answer the same wire and leave the echo out: then no token is the prompt's.
    if echoed and text.startswith(echoed):
        text = text.removeprefix(echoed)
        read = _tokens_of(echoed, probabilities)
    prompt = tuple(probabilities[:read]) or _beside(answer)
    return Reply(
        (Text(text),) if text else (),
        finish_reason(word, False, None),
        word,
        model=answer.get("model"),
        id=answer.get("id"),
        logprobs=tuple(probabilities[read:]),
        warnings=(f"{row.vendor} told no logprobs of the prompt",) if echoed and not prompt else (),
        prompt_logprobs=prompt,
    )


def _tokens_of(text: str, probabilities: list[Json]) -> int:
    """How many of the tokens make up the text."""
    length = 0
    for at, token in enumerate(probabilities):
        if length >= len(text):
            return at
        length += len(token["token"])
    return len(probabilities)


def _beside(answer: Json) -> tuple[Json, ...]:
    """The prompt's tokens where they stand beside the choices."""
    prompts: Any = answer.get("prompt")
    told: Any = prompts[0] if isinstance(prompts, list) and prompts else None  # pyright: ignore[reportUnknownVariableType]
    return tuple(logprobs(inner(told, "logprobs"))) if isinstance(told, dict) else ()  # pyright: ignore[reportUnknownArgumentType]


def logprobs(told: Json | None) -> list[Json]:
    """Tokens with their logprobs, one object each, as a chat tells them; this wire has a list for each field."""
    if not told:
        return []
    if "content" in told:
        return list(told["content"] or ())
    tokens: list[Any] = told.get("tokens") or []
    own: list[Any] = told.get("token_logprobs") or []
    others: list[Any] = told.get("top_logprobs") or [None] * len(tokens)
    return [
        {"token": token, "logprob": logprob, "top_logprobs": _others(other)}
        for token, logprob, other in zip(tokens, own, others, strict=False)
    ]


def _others(told: Json | None) -> list[Json]:
    return [{"token": token, "logprob": logprob} for token, logprob in (told or {}).items()]


class _Growing:
    """One choice of a stream, as far as it has come."""

    __slots__ = ("finish", "logprobs", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.logprobs: list[Json] = []
        self.finish: str | None = None

    def whole(self, index: int) -> Json:
        """The choice as an unstreamed answer would hold it."""
        told = {"content": self.logprobs}
        return {"index": index, "text": "".join(self.text), "finish_reason": self.finish, "logprobs": told}


class CompletionFold(Folding):
    """Folds a stream of completion chunks; shows the text of the first choice."""

    __slots__ = ("_choices", "_ends", "_first", "_head", "_request", "_row", "_usage", "vendor")

    def __init__(self, request: CompletionRequest, row: Completing) -> None:
        self.vendor = row.vendor
        self._request, self._row = request, row
        self._first = _Growing()
        self._choices: dict[int, _Growing] = {0: self._first}
        self._head: Json = {}
        self._usage: Json | None = None
        self._ends = False

    def _take(self, event: str, told: Json) -> tuple[Piece, ...] | list[Piece]:
        if told.get("error") is not None or told.get("object") == "error" or event == "error":
            raise fault(self.vendor, told, keys=self._row.keys)
        if not self._head.get("model"):
            self._head = {"id": told.get("id"), "model": told.get("model")}
        if told.get("usage"):
            self._usage = told["usage"]
        if "value" in told:
            return self._bare(told["value"])
        return [piece for choice in told.get("choices") or () if (piece := self._grow(choice)) is not None]

    def _bare(self, text: str) -> tuple[TextPiece, ...]:
        # One vendor streams bare values and no end mark: what tells the end is the end of the HTTP answer itself.
        self._ends = True
        self._first.text.append(text)
        return (TextPiece(text),)

    def _grow(self, choice: Json) -> TextPiece | None:
        index: int = choice.get("index") or 0
        growing = self._choices.get(index) or self._choices.setdefault(index, _Growing())
        if choice.get("finish_reason"):
            growing.finish = choice["finish_reason"]
        if choice.get("logprobs"):
            growing.logprobs.extend(logprobs(choice["logprobs"]))
        text = text_of(choice, "text")
        if not text:
            return None
        growing.text.append(text)
        return TextPiece(text) if growing is self._first else None

    def _done(self) -> None:
        self._ends = True

    def _ended(self) -> bool:
        # Where no end mark comes, every answer that was asked for must have told its own end.
        wanted = self._request.options.get("n") or 1
        return self._ends or (len(self._choices) >= wanted and all(c.finish for c in self._choices.values()))

    def _text(self) -> str:
        return "".join(self._first.text)

    def _body(self) -> Json:
        choices = [self._choices[i].whole(i) for i in sorted(self._choices)]
        return {**self._head, "usage": self._usage, "choices": choices}

    def _decode(self, body: Json) -> Reply:
        return decode(body, self._request, self._row)
