"""`local:` through chains, in every mode, on the real model."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, Literal

import pytest
from local_models import gguf
from pydantic import BaseModel

from chainkit import Run, ensemble, model, prompt, vote
from chainkit.errors import BadRequest, ContextTooLong, DeadlineExceeded, MissingExtra, ProviderError, UnknownModel
from chainkit.messages import Message, Messages, Text, ToolCall, ToolResult
from chainkit.models.provider import Account
from chainkit.models.request import ChatRequest, ToolSpec
from chainkit.run.events import Completed, TextDelta
from chainkit_providers.local import Engine, provider

pytestmark = pytest.mark.local

SPEC = "local:smollm2-135m"
BERLIN = "The capital of Germany is Berlin."
WEATHER = ToolSpec(
    "get_weather", "Get the weather for a city",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
)  # fmt: skip
ADD = ToolSpec(
    "add", "Add two numbers",
    {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]},
)  # fmt: skip


class City(BaseModel):
    name: str
    country: str


@pytest.fixture(autouse=True)
def _one_engine(engine: Engine) -> None:
    """All of these tests share the session's engine."""


def local(**options: Any) -> Any:
    return model(SPEC, **{"temperature": 0, "max_tokens": 12} | options)


def busy(engine: Engine) -> bool:
    return engine._places._free < engine._places.count


def test_every_mode_gives_the_same_reply() -> None:
    chain, question = local(), "What is the capital of Germany?"
    reply = chain.invoke(question)
    assert (reply.text, reply.finish_reason, reply.model) == (BERLIN, "stop", "smollm2-135m")
    assert (reply.usage.input, reply.usage.output) == (37, 8)

    async def several() -> tuple[Any, str]:
        async with chain.astream(question) as stream:
            pieces = [piece async for piece in stream]
        return await chain.ainvoke(question), "".join(pieces)

    alone, streamed = asyncio.run(several())
    assert alone == reply
    assert streamed == BERLIN
    with chain.stream(question) as stream:
        assert list(stream)[:3] == ["The", " capital", " of"]
        assert stream.value == reply
        assert stream.value.usage.output == reply.usage.output
    assert chain.batch([question, question]) == [reply, reply]


def test_events_end_with_the_reply_and_the_ledger_knows_it_was_free() -> None:
    *_, last = found = list(local().events("What is the capital of Germany?"))
    assert isinstance(last, Completed)
    assert "".join(e.text for e in found if isinstance(e, TextDelta)) == BERLIN
    (row,) = last.run.rows
    assert (row.provider, row.outcome, row.usage.output) == ("local", "ok", 8)
    assert row.cost.exact
    assert row.cost.low == 0
    assert str(last.value.cost) == "$0.000000"


def test_a_grammar_holds_structured_output_to_its_type() -> None:
    chain = prompt("Tell me about {{ city }}.", city=str) | local(output=City, max_tokens=60)
    assert isinstance(chain.invoke({"city": "Berlin"}), City)
    (rendered,) = chain.render({"city": "Berlin"})
    assert rendered.body["grammar"].startswith("%llguidance {}\nstart: %json ")
    assert local(output=Literal["positive", "negative"]).invoke("Classify: I hated this film.") in (
        "positive",
        "negative",
    )
    assert isinstance(local(output=int, max_tokens=20).invoke("What is 1+1?"), int)


def test_partial_objects_stream_out_of_the_grammar() -> None:
    seen = [p.data for p in local(output=City, max_tokens=60).stream("Tell me about Paris.")]
    assert seen[-1] == {"name": "Paris", "country": "France"} or set(seen[-1]) == {"name", "country"}
    assert len(seen) > 2


def test_a_forced_tool_is_called_with_its_arguments() -> None:
    reply = local(tools=[WEATHER, ADD], tool_choice="required", max_tokens=60).invoke("What is the weather in Paris?")
    (call,) = reply.tool_calls
    assert (call.name, dict(call.arguments), reply.finish_reason) == ("get_weather", {"city": "Paris"}, "tool_calls")
    assert call.id
    named = local(tools=[WEATHER, ADD], tool_choice="add", max_tokens=60).invoke("What is the weather in Paris?")
    assert [c.name for c in named.tool_calls] == ["add"]
    assert set(named.tool_calls[0].arguments) == {"a", "b"}


def test_tools_that_need_not_be_called_leave_text() -> None:
    assert local(tools=[WEATHER], tool_choice="none").invoke("Say hi").tool_calls == ()
    assert local(tools=[WEATHER]).invoke("What is 1+1?").text


def test_a_tools_answer_goes_back_into_the_conversation() -> None:
    turns = Messages((
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("What is the weather in Paris?"),)),
        Message("assistant", (ToolCall("get_weather", {"city": "Paris"}, "c1"),)),
        Message("tool", (ToolResult("c1", "sunny, 25C"),)),
    ))  # fmt: skip
    assert local(tools=[WEATHER], max_tokens=20).invoke(turns).text


def test_without_tools_the_models_own_template_stands(engine: Engine) -> None:
    plain = {"messages": [{"role": "user", "content": "Hi"}]}
    written = engine._ask("/apply-template", plain)["prompt"]
    assert written == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_with_tools_they_are_written_where_the_model_reads_them(engine: Engine) -> None:
    request = ChatRequest("smollm2-135m", Messages((Message("user", (Text("Hi"),)),)), {}, (WEATHER,))
    body = provider.open(Account("local")).render(request).body
    written = engine._ask("/apply-template", body)["prompt"]
    assert '<tools>\n{"type": "function", "function": {"name": "get_weather"' in written
    assert written.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert body["stop"] == ["</tool_call>"]


def test_cancelling_frees_the_model_within_a_second(engine: Engine) -> None:
    async def main() -> float:
        task = asyncio.ensure_future(local(max_tokens=3000).ainvoke("Tell a very long story."))
        while not busy(engine):
            await asyncio.sleep(0.01)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - start

    assert asyncio.run(main()) < 1
    assert not busy(engine)


def test_a_stream_that_is_closed_frees_the_model(engine: Engine) -> None:
    with local(max_tokens=3000).stream("Tell a very long story.") as stream:
        assert next(iter(stream))
    assert not busy(engine)
    abandoned = iter(local(max_tokens=3000).events("Tell a very long story."))
    next(abandoned)
    abandoned.close()
    assert not busy(engine)


def test_a_deadline_cuts_an_answer_in_time(engine: Engine) -> None:
    start = time.monotonic()
    with Run(deadline=0.4) as run, pytest.raises(DeadlineExceeded):
        local(max_tokens=3000).invoke("Tell a very long story.", run=run)
    assert time.monotonic() - start < 1.4
    assert [row.outcome for row in run.rows] == ["cut"]
    assert not busy(engine)


def test_the_event_loop_goes_on_while_the_model_computes() -> None:
    async def main() -> float:
        worst, last, done = 0.0, time.monotonic(), asyncio.ensure_future(local(max_tokens=24).ainvoke("Tell a story."))
        while not done.done():
            await asyncio.sleep(0.005)
            now = time.monotonic()
            worst, last = max(worst, now - last), now
        return worst

    assert asyncio.run(main()) < 0.25


def test_many_threads_share_one_model() -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(local(max_tokens=3).invoke("Say hi").text)) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 12
    assert len(set(found)) == 1


def test_members_of_an_ensemble_answer_side_by_side() -> None:
    yes_no: Any = local(output=Literal["yes", "no"], max_tokens=20)
    asks = [prompt(text, q=str) | yes_no for text in ("{{ q }}", "Answer yes or no: {{ q }}", "Is it true? {{ q }}")]
    verdict = ensemble(*asks, combine=vote()).invoke({"q": "Is Berlin in Germany?"})
    assert verdict.value in ("yes", "no")
    assert len(verdict.ballots) == 3
    assert verdict.cost.exact


def test_several_answers_come_as_choices() -> None:
    reply = local(n=2, temperature=1.3, seed=5, max_tokens=4).invoke("Hi")
    assert len(reply.choices) == 1
    assert reply.usage.output == 8


def test_an_option_it_cannot_honour_raises_before_anything_is_sent() -> None:
    with pytest.raises(BadRequest, match="local:smollm2-135m cannot honour the option 'reasoning'"):
        local(reasoning="high").invoke("Hi")
    with pytest.raises(BadRequest, match="both say what form"):
        local(output=City, grammar='root ::= "x"').invoke("Hi")
    with pytest.raises(BadRequest, match="image"):
        from chainkit.messages import Media

        local().invoke(Message("user", (Text("What is this?"), Media("image", "image/png", data=b"x"))))


def test_thinking_between_tags_is_parted_from_the_text() -> None:
    chain = local(grammar='%llguidance {}\nstart: "<think>I think.</think>\\n\\nYes."', max_tokens=30)
    reply = chain.invoke("Hi")
    assert (reply.thinking, reply.text) == ("I think.", "Yes.")
    assert "".join(chain.stream("Hi")) == "Yes."


def test_too_long_a_prompt_names_both_numbers() -> None:
    with pytest.raises(ContextTooLong, match=r"has \d+ tokens, and .* room for 4096"):
        local().invoke("word " * 5000)


def test_a_model_that_was_not_pulled_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINKIT_CACHE", str(tmp_path))
    with pytest.raises(UnknownModel, match="has not been pulled") as caught:
        local().invoke("Hi")
    assert "chainkit pull smollm2-135m" in str(caught.value)


def test_a_file_cut_short_is_named_and_not_tried_again(tmp_path: Path, real_model: Path) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(real_model.read_bytes()[:50_000_000])
    with (
        Run() as run,
        pytest.raises(ProviderError, match=r"short\.gguf is cut short: it has 50,000,000 bytes of 98,362,432"),
    ):
        model(f"local:{path}").invoke("Hi", run=run)
    assert run.rows == ()  # nothing was sent, so nothing stands in the ledger


def test_a_file_of_ones_own_is_a_model_by_its_path(real_model: Path) -> None:
    assert (
        model(f"local:{real_model}", temperature=0, max_tokens=12).invoke("What is the capital of Germany?").text
        == BERLIN
    )


def test_an_engine_handed_over_is_used_as_it_is(real_model: Path) -> None:
    with Engine(real_model, context=512, parallel=1) as own:
        chain = model(SPEC, client=own, temperature=0, max_tokens=2)
        assert chain.invoke("Hi").text
        assert own.loaded
        with pytest.raises(ContextTooLong, match="room for 512"):
            chain.invoke("word " * 600)


def test_without_xllamacpp_check_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(MissingExtra, match="xllamacpp") as caught:
        provider.open(Account("local")).check()
    assert "chainkit[local]" in str(caught.value)


def test_a_model_without_a_place_for_tools_says_so(tmp_path: Path) -> None:
    path = tmp_path / "plain.gguf"
    path.write_bytes(gguf())
    with pytest.raises(BadRequest, match="has no place for tools"):
        model(f"local:{path}", tools=[WEATHER]).invoke("Hi")


def test_the_tokens_of_a_request_can_be_counted() -> None:
    request = ChatRequest("smollm2-135m", Messages((Message("user", (Text("What is the capital of Germany?"),)),)))
    assert provider.open(Account("local")).count_tokens(request) == 37


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_in_a_stream_ends_at_once(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from chainkit import model
        for piece in model("local:smollm2-135m", temperature=0, max_tokens=3000).stream("Tell a very long story."):
            print(piece, flush=True)
    """)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    start = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - start < 3
    assert errors.rstrip().endswith("KeyboardInterrupt")
