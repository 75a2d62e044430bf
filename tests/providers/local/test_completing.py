"""Completion by the real local model: its text is the raw server's own, whatever the mode."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import Chain, Fill, Reply, Run, completion
from chainkit.errors import BadRequest, ContextTooLong
from chainkit_providers.local import completing

if TYPE_CHECKING:
    from chainkit_providers.local import Engine

pytestmark = pytest.mark.local
FRANCE = "The capital of France is"


def asked(engine: Engine, **options: Any) -> Chain[Any, Reply]:
    return completion("local:smollm2-135m", client=engine, temperature=0, attempts=1, **options)


def raw(engine: Engine, **body: Any) -> str:
    """What llama.cpp itself says to the same text."""
    events: list[bytes] = []

    def take(event: bytes) -> bool:
        events.append(event)
        return False

    whole = {"prompt": FRANCE, "temperature": 0, "stream": False, **body}
    engine.load().handle_completions(json.dumps(whole).encode(), take)
    text: str = json.loads(events[-1])["choices"][0]["text"]
    return text


def test_the_text_is_the_models_own_in_every_mode(engine: Engine) -> None:
    chain = asked(engine, max_tokens=6)
    said = raw(engine, max_tokens=6)
    reply = chain.invoke(FRANCE)
    with chain.stream(FRANCE) as stream:
        pieces = list(stream)
    assert said == reply.text == asyncio.run(chain.ainvoke(FRANCE)).text == "".join(pieces) == stream.value.text
    assert len(pieces) > 1
    assert (reply.finish_reason, reply.usage.input, reply.usage.output) == ("length", 5, 6)


def test_a_stop_ends_the_text_before_it(engine: Engine) -> None:
    reply = asked(engine, max_tokens=20, stop="\n").invoke(FRANCE)
    assert (reply.text, reply.finish_reason) == (" Paris.", "stop")


def test_logprobs_tell_each_token_and_what_else_it_might_have_been(engine: Engine) -> None:
    reply = asked(engine, max_tokens=2, logprobs=2).invoke(FRANCE)
    assert "".join(t["token"] for t in reply.logprobs) == reply.text
    assert all(t["logprob"] <= 0 and len(t["top_logprobs"]) == 2 for t in reply.logprobs)
    assert len(asked(engine, max_tokens=1, logprobs=0).invoke(FRANCE).logprobs) == 1


def test_several_answers_count_all_that_they_wrote(engine: Engine) -> None:
    reply = asked(engine, max_tokens=3, n=2).invoke(FRANCE)
    assert [r.text for r in (reply, *reply.choices)] == [reply.text] * 2
    assert (reply.usage.input, reply.usage.output) == (5, 6)


def test_a_gap_is_refused_where_the_vocabulary_has_no_marks(engine: Engine) -> None:
    with pytest.raises(BadRequest, match="fills no gaps: its vocabulary has no marks"):
        asked(engine).invoke(Fill("def f(", "    return x"))


def test_a_gap_is_marked_where_the_vocabulary_has_them() -> None:
    class Coder:
        """A model that knows one family's marks as single tokens."""

        def __init__(self, name: str) -> None:
            self.path = Path(name)

        def tokenize(self, text: str) -> list[int]:
            return [1] if text in ("<fim_prefix>", "<fim_suffix>", "<fim_middle>") else [1, 2, 3]

    def gap(name: str) -> Any:
        return completing.marked(Coder(name), {"prompt": "a {", "suffix": "} b", "max_tokens": 3})  # type: ignore[arg-type]

    assert gap("my-own.gguf") == {"prompt": "<fim_prefix>a {<fim_suffix>} b<fim_middle>", "max_tokens": 3}
    assert gap("mellum-4b.gguf")["prompt"] == "<fim_suffix>} b<fim_prefix>a {<fim_middle>"


def test_what_llama_cpp_cannot_do_is_refused_before_the_model_is_asked(engine: Engine) -> None:
    with Run() as run, pytest.raises(BadRequest, match="'best_of', 'prompt_logprobs'"):
        asked(engine, best_of=3, prompt_logprobs=1).invoke(FRANCE, run=run)


def test_too_long_a_text_says_how_long_it_may_be(engine: Engine) -> None:
    with pytest.raises(ContextTooLong, match="room for"):
        asked(engine, max_tokens=2).invoke("word " * (engine.settings.context + 10))


def test_an_abandoned_stream_ends_the_generation(engine: Engine) -> None:
    with asked(engine, max_tokens=2000).stream("Once upon a time") as stream:
        next(iter(stream))
    assert engine._places.wait_idle(10)
