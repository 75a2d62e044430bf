"""An agent on a real model in this process: it calls a real tool, is told what came of it, and keeps the conversation."""

from __future__ import annotations

import asyncio

import pytest

from chainkit import Run, agent, model, tool
from chainkit.errors import AgentStopped
from chainkit.messages import ToolCall, ToolResult
from chainkit.run.events import ToolFinished


@tool
def get_weather(city: str) -> str:
    """Get the weather in a city."""
    return f"18 degrees in {city}"


pytestmark = pytest.mark.local


def test_a_small_local_model_calls_the_tool_that_it_must_and_its_answer_is_kept(local_model: str) -> None:
    asked = model(local_model, tool_choice="required", temperature=0, max_tokens=60)
    with Run(keep=True) as run, pytest.raises(AgentStopped) as caught:
        # It must call a tool at each step, so it never answers in words: two steps are enough to see the round trip.
        agent(asked, [get_weather], max_steps=2, errors="answer").invoke("What is the weather in Paris?")
    history = caught.value.history
    assert [m.role for m in history] == ["user", "assistant", "tool", "assistant", "tool"]
    (call,) = [p for p in history[1].parts if isinstance(p, ToolCall)]
    (result,) = [p for p in history[2].parts if isinstance(p, ToolResult)]
    assert call.name == "get_weather"
    assert result.text == f"18 degrees in {call.arguments['city']}"
    assert [r.outcome for r in run.rows] == ["ok", "ok"]
    assert run.usage.input > 0


def test_left_free_it_answers_in_words_in_every_mode_alike(local_model: str) -> None:
    chain = agent(model(local_model, tool_choice="none", temperature=0, max_tokens=12), [get_weather])
    first = chain.invoke("Say hello.")
    assert first.value
    assert asyncio.run(chain.ainvoke("Say hello.")).value == first.value
    assert chain.batch(["Say hello."])[0].value == first.value
    assert "".join(chain.answer.stream("Say hello.")) == first.value
    assert not [e for e in chain.events("Say hello.") if isinstance(e, ToolFinished)]
