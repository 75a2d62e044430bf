"""Answers written in the forms of wires that stream lines, or complete a raw text; whole, and as a stream's events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from chainkit.messages import Messages
from chainkit.models.completion import CompletionRequest
from chainkit_providers.hf.generate import Generate as TextGeneration
from chainkit_providers.hf.generate import on_server
from chainkit_providers.ollama.chat import Chat as OllamaChat
from chainkit_providers.ollama.generate import Generate as OllamaGenerate
from chainkit_providers.openai.completing import COMPLETIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKED = CompletionRequest("own", Messages(), {"n": 1}, prefix="Once", suffix=None)


class Answering:
    """A completion's wire as a chat's: it always answers the same question."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire
        self.name = wire.name
        if hasattr(wire, "framing"):
            self.framing = wire.framing

    def decode(self, body: Any) -> Any:
        return self._wire.decode(body, ASKED)

    def fold(self, request: Any) -> Any:
        return self._wire.fold(ASKED)


def _probabilities(texts: list[str]) -> list[Any]:
    return [{"token": t, "logprob": -0.5, "top_logprobs": [{"token": t, "logprob": -0.5}]} for t in texts]


def ollama(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Ollama's chat. A call's arguments are an object, and come whole."""
    arguments = [c["arguments"] if c["arguments"] not in ("", '{"cut off": ') else "{}" for c in a["calls"]]
    calls = [
        {"id": c["id"], "function": {"name": c["name"], "arguments": json.loads(told)}}
        for c, told in zip(a["calls"], arguments, strict=True)
    ]
    head = {"model": "own", "created_at": "2026-01-01T00:00:00Z"}
    end = {"done": True, "done_reason": "length" if a["length"] else "stop", "total_duration": 5}
    end |= {"prompt_eval_count": a["input"], "eval_count": a["output"]}
    message = {"role": "assistant", "content": "".join(a["text"])}
    message |= {"thinking": "".join(a["thinking"])} if a["thinking"] else {}
    message |= {"tool_calls": calls} if calls else {}
    told = {"logprobs": _probabilities(a["text"])} if a["seed"] % 2 else {}
    body = head | {"message": message} | end | told

    def stream() -> Iterator[tuple[str, Any]]:
        def line(**more: Any) -> dict[str, Any]:
            return head | {"message": {"role": "assistant", "content": "", **more}, "done": False}

        yield from (("", line(thinking=t)) for t in a["thinking"])
        for t in a["text"]:
            yield "", line(content=t) | ({"logprobs": _probabilities([t])} if told else {})
        yield from (("", line(tool_calls=[c])) for c in calls)
        yield "", line() | end

    return body, stream()


def ollama_text(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Ollama's completion."""
    head = {"model": "own", "created_at": "2026-01-01T00:00:00Z"}
    end = {"done": True, "done_reason": "length" if a["length"] else "stop", "context": [1, 2]}
    end |= {"prompt_eval_count": a["input"], "eval_count": a["output"]}
    body = head | {"response": "".join(a["text"])} | end
    lines = [("", head | {"response": t, "done": False}) for t in a["text"]]
    return body, iter([*lines, ("", head | {"response": ""} | end)])


def completions(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Completions, with logprobs in lists beside each other."""
    usage = {"prompt_tokens": a["input"], "completion_tokens": a["output"]}
    finish = "length" if a["length"] else "stop"
    head = {"id": "cmpl-own", "object": "text_completion", "model": "own"}

    def choice(texts: list[str], end: str | None) -> dict[str, Any]:
        tops = [{t: -0.5} for t in texts]
        told = {"tokens": texts, "token_logprobs": [-0.5] * len(texts), "top_logprobs": tops}
        return {"index": 0, "text": "".join(texts), "logprobs": told, "finish_reason": end}

    body = head | {"choices": [choice(a["text"], finish)], "usage": usage}
    chunks = [("", head | {"choices": [choice([t], None)]}) for t in a["text"]]
    last = [
        ("", head | {"choices": [choice([], finish)]}),
        ("", head | {"choices": [], "usage": usage}),
        ("", "[DONE]"),
    ]
    return body, iter([*chunks, *last])


def text_generation(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """Text generation, with a special token at its end."""
    special = [] if a["length"] else ["</s>"]
    tokens = [{"id": 1, "text": t, "logprob": -0.5, "special": t in special} for t in [*a["text"], *special]]
    counts = {"generated_tokens": a["output"], "input_length": a["input"], "seed": None}
    details = {"finish_reason": "length" if a["length"] else "eos_token", **counts}
    text = "".join(a["text"])
    body = {"generated_text": text, "details": {**details, "prefill": [], "tokens": tokens}}
    told = [{"index": i, "token": t, "generated_text": None, "details": None} for i, t in enumerate(tokens)]
    end = {"generated_text": text, "details": details}
    last = (told.pop() if told else {"index": 0, "token": None}) | end
    return body, iter([("", e) for e in (*told, last)])


LINES: dict[str, tuple[Any, Any]] = {
    "ollama chat": (OllamaChat(), ollama),
    "ollama generate": (Answering(OllamaGenerate()), ollama_text),
    "completions": (Answering(COMPLETIONS["openai"]), completions),
    "text generation": (Answering(TextGeneration(on_server, details=True)), text_generation),
}
