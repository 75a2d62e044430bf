"""One request answered by a model in memory: rows of text, and the pieces of the first as they come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chainkit.errors import BadRequest, ServerError
from chainkit_providers.transformers import native
from chainkit_providers.transformers.choosing import steps
from chainkit_providers.transformers.likelihood import Probabilities, of_prompt
from chainkit_providers.transformers.reading import read
from chainkit_providers.transformers.spelling import Spelling, Stops

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chainkit_providers.local.places import Ticket
    from chainkit_providers.transformers.loaded import Loaded
    from chainkit_providers.transformers.reading import Prompt

_NO_END = 1 << 20
"""Tokens of an answer of a model that has no longest text."""


@dataclass(slots=True)
class Row:
    """One answer. `word` is why it ended: `eos`, `stop`, or `length`; `score` a beam's, the mean of its logprobs."""

    text: str = ""
    tokens: int = 0
    word: str = "length"
    logprobs: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    score: float | None = None


@dataclass(slots=True)
class Written:
    """All that was answered, how many tokens were read for it, and how likely those were where that was asked."""

    rows: list[Row]
    read: int
    prompt: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def write(loaded: Loaded, body: Mapping[str, Any], put: Callable[[str], object], ticket: Ticket) -> Written:
    """Answer. The text of the first row goes to `put` as it comes. Blocks to the end.

    Raises GivenUp once the ticket is cancelled, ContextTooLong, BadRequest, ServerError.
    """
    if not loaded.model.can_generate():
        msg = f"{loaded.name} was not made to write text: it is a {type(loaded.model).__name__}"
        raise BadRequest(msg, cure="load it with AutoModelForCausalLM, or ask another model")
    with loaded.turn(ticket):
        prompt = read(loaded, body)
        try:
            likely = of_prompt(loaded, prompt.tokens, body["prompt_logprobs"]) if "prompt_logprobs" in body else []
            rows = _beams(loaded, body, prompt) if body.get("num_beams", 1) > 1 else _rows(loaded, body, prompt, put)
        except (RuntimeError, MemoryError) as error:
            msg = f"{loaded.name}: {type(error).__name__}: {error!s:.300}"
            raise ServerError(msg, cure="a shorter prompt or a smaller model, if memory ran out") from error
    if body.get("num_beams", 1) > 1:
        put(rows[0].text)
    return Written(rows, len(prompt.tokens), likely)


def _rows(loaded: Loaded, body: Mapping[str, Any], prompt: Prompt, put: Callable[[str], object]) -> list[Row]:
    count: int = body.get("n", 1)
    writers = [_Writer(loaded, body, prompt, put if at == 0 else None) for at in range(count)]
    chosen = steps(loaded, body, len(prompt.tokens), count)
    likely = Probabilities(loaded, body["logprobs"], count) if "logprobs" in body else None
    _generate(loaded, body, prompt, count, [likely, *chosen] if likely else chosen, _Watch(loaded, writers, likely))
    return [writer.ended(likely.rows[at] if likely else []) for at, writer in enumerate(writers)]


class _Writer:
    """One row while it is written."""

    def __init__(
        self, loaded: Loaded, body: Mapping[str, Any], prompt: Prompt, put: Callable[[str], object] | None
    ) -> None:
        self.over = False
        self._row = Row()
        self._ends = frozenset(loaded.ends)
        self._spelling = Spelling(loaded.tokenizer, prompt.tokens)
        self._stops = Stops(stops_of(body), prompt.stop)
        self._put = put
        self._pieces: list[str] = []
        self._show(prompt.begun)

    def take(self, token: int) -> bool:
        """The next token; gives whether the answer is over."""
        self._row.tokens += 1
        if token in self._ends:
            self._end("eos")
            return True
        self._show(self._stops.feed(self._spelling.feed(token)))
        if self._stops.hit:
            self._end("stop")
        return self.over

    def ended(self, logprobs: list[dict[str, Any]]) -> Row:
        """The whole row."""
        if not self._stops.hit:
            self._show(self._stops.feed(self._spelling.rest()) + self._stops.rest())
        self._row.text, self._row.logprobs = "".join(self._pieces), logprobs
        return self._row

    def _end(self, word: str) -> None:
        self.over, self._row.word = True, word

    def _show(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            if self._put is not None:
                self._put(text)


class _Watch:
    """Asked after every token whether a row is over; that is where rows are written."""

    def __init__(self, loaded: Loaded, writers: list[_Writer], likely: Probabilities | None) -> None:
        self._torch = native.door("torch")
        self._writers = writers
        self._likely = likely

    def __call__(self, tokens: Any, scores: Any, **_: Any) -> Any:
        for row, (writer, token) in enumerate(zip(self._writers, tokens[:, -1].tolist(), strict=True)):
            if not writer.over:
                if self._likely is not None:
                    self._likely.note(row, token)
                writer.take(token)
        return self._torch.tensor([w.over for w in self._writers], device=tokens.device)


def _beams(loaded: Loaded, body: Mapping[str, Any], prompt: Prompt) -> list[Row]:
    chosen = steps(loaded, body, len(prompt.tokens), 1)
    told = _generate(loaded, body, prompt, 1, chosen, _Ends(loaded, body, prompt))
    scores = told.sequences_scores.tolist()
    return [
        _beam(loaded, body, prompt, sequence.tolist(), score)
        for sequence, score in zip(told.sequences[:, len(prompt.tokens) :], scores, strict=True)
    ]


def _beam(loaded: Loaded, body: Mapping[str, Any], prompt: Prompt, tokens: list[int], score: float) -> Row:
    writer = _Writer(loaded, body, prompt, None)
    for token in tokens:
        if writer.take(token):
            break
    row = writer.ended([])
    row.score = score
    return row


class _Ends:
    """Whether a beam holds a stop string: beams change places, so each is read anew."""

    def __init__(self, loaded: Loaded, body: Mapping[str, Any], prompt: Prompt) -> None:
        self._torch = native.door("torch")
        self._tokenizer = loaded.tokenizer
        self._stops = [s for s in (*stops_of(body), prompt.stop) if s]
        self._from = len(prompt.tokens)

    def __call__(self, tokens: Any, scores: Any, **_: Any) -> Any:
        found = [False] * len(tokens)
        if self._stops:
            texts = self._tokenizer.batch_decode(tokens[:, self._from :], skip_special_tokens=True)
            found = [any(s in text for s in self._stops) for text in texts]
        return self._torch.tensor(found, device=tokens.device)


def stops_of(body: Mapping[str, Any]) -> list[str]:
    """The stop strings."""
    told: str | list[str] = body.get("stop") or []
    return [told] if isinstance(told, str) else list(told)


def _generate(loaded: Loaded, body: Mapping[str, Any], prompt: Prompt, rows: int, chosen: list[Any], watch: Any) -> Any:
    torch, held = native.door("torch"), native.door("transformers")
    tokens = torch.tensor([prompt.tokens] * rows, device=loaded.model.device)
    settings = _settings(loaded, body, len(prompt.tokens))
    try:
        config = held.GenerationConfig(**settings)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"extra=: {error}", cure="its names are those of transformers' GenerationConfig") from error
    try:
        return loaded.model.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            generation_config=config,
            logits_processor=held.LogitsProcessorList(chosen),
            stopping_criteria=held.StoppingCriteriaList([watch]),
        )
    except ValueError as error:
        msg = f"{loaded.name} refuses this: {error}"
        raise BadRequest(msg, cure="look at what was asked with .render(x)") from error


def _settings(loaded: Loaded, body: Mapping[str, Any], read: int) -> dict[str, Any]:
    """Of transformers' GenerationConfig. What it chooses by is told as neutral: `steps` do it, in an order of ours."""
    ends, beams = loaded.ends, body.get("num_beams", 1)
    pad = loaded.tokenizer.pad_token_id
    settings: dict[str, Any] = {
        "max_new_tokens": _room(loaded, body, read),
        "eos_token_id": ends or None,
        "pad_token_id": pad if pad is not None else ends[0] if ends else 0,
        "do_sample": False,
        "temperature": 1.0,
        "top_p": 1.0,
        "top_k": 50,
        "repetition_penalty": 1.0,
        "no_repeat_ngram_size": 0,
        "num_beams": beams,
    }
    if beams > 1:
        settings |= {"num_return_sequences": body.get("n", 1), "return_dict_in_generate": True, "output_scores": True}
        settings |= {k: body[k] for k in ("length_penalty", "early_stopping") if k in body}
    return settings | body.get("generation", {})


def _room(loaded: Loaded, body: Mapping[str, Any], read: int) -> int:
    context = loaded.context
    room = _NO_END if context is None else context - read
    return min(body.get("max_tokens") or room, room)
