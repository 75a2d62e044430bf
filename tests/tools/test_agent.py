"""An agent calls tools until it has the answer, and loses nothing on the way."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from chainkit import Budget, Reply, Run, ToolContext, agent, ensemble, message, prompt, tool, vote
from chainkit.errors import (
    AgentStopped,
    BudgetExceeded,
    CompositionError,
    DeadlineExceeded,
    OutputError,
    ServerError,
    ToolError,
)
from chainkit.messages import Text, ToolCall, ToolResult
from chainkit.models.profile import Profile
from chainkit.run.events import Completed, Restarted, TextDelta, ToolFinished, ToolProgress, ToolStarted
from chainkit.testing import ScriptedModel, check_laws
from chainkit.tools import DEFER, Denied
from chainkit.tools.asking import FINAL


def calls(*wanted: tuple[str, dict[str, Any]], text: str = "") -> Reply:
    made = tuple(ToolCall(name, arguments, f"{name}-{i}") for i, (name, arguments) in enumerate(wanted))
    return Reply((*((Text(text),) if text else ()), *made), "tool_calls")


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tool
async def twice(word: str) -> str:
    """Say it twice."""
    return word * 2


def script(*turns: Any) -> ScriptedModel:
    """Answers by how far the conversation is: a message of tools for each turn that called some."""

    def say(messages: Any) -> Any:
        return turns[sum(m.role == "tool" for m in messages)]

    return ScriptedModel(say)


def results(found: Any) -> list[ToolResult]:
    return [p for m in found.messages for p in m.parts if isinstance(p, ToolResult)]


def test_it_calls_tools_until_the_model_answers_in_words() -> None:
    found = agent(script(calls(("add", {"a": 1, "b": 2})), "It is 3."), [add]).invoke("1 + 2?")
    assert (found.value, str(found), found.steps) == ("It is 3.", "It is 3.", 2)
    assert [m.role for m in found.messages] == ["user", "assistant", "tool", "assistant"]
    assert results(found) == [ToolResult("add-0", "3", "add")]


def test_several_calls_of_one_turn_are_done_at_once_and_answered_in_their_order() -> None:
    meet = threading.Barrier(2, timeout=5)

    def waits(name: str) -> str:
        """Wait for the other."""
        meet.wait()
        return name

    chain = agent(script(calls(("waits", {"name": "a"}), ("waits", {"name": "b"})), "ok"), [waits])
    assert [r.text for r in results(chain.invoke("go"))] == ["a", "b"]
    assert [r.text for r in results(asyncio.run(chain.ainvoke("go")))] == ["a", "b"]


def test_no_more_tools_work_at_once_than_allowed() -> None:
    now, most, lock = [0], [0], threading.Lock()

    def work(n: int) -> int:
        """Work."""
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1
        return n

    agent(script(calls(*[("work", {"n": i}) for i in range(8)]), "ok"), [work], concurrency=2).invoke("go")
    assert most[0] == 2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("ad", {"a": 1, "b": 2}), "there is no tool 'ad'; did you mean 'add'?"),
        (("add", {"a": 1}), "b: missing"),
        (("add", {"a": "x", "b": 2}), "a: should be a valid integer"),
        (("add", {"a": 1, "b": 2, "c": 3}), "c: "),
    ],
    ids=["unknown tool", "missing", "wrong type", "too many"],
)
def test_what_the_model_got_wrong_is_told_to_it(call: Any, said: str) -> None:
    (result,) = results(agent(script(calls(call), "sorry"), [add]).invoke("go"))
    assert result.failed
    assert said in result.text


def test_arguments_that_are_no_json_are_told_to_it() -> None:
    broken = Reply((ToolCall("add", {}, "1", raw='{"a": 1, "b'),), "length")
    (result,) = results(agent(script(broken, "sorry"), [add]).invoke("go"))
    assert 'no JSON object: {"a": 1, "b' in result.text


def test_a_tool_error_is_told_and_any_other_exception_is_raised_with_the_conversation() -> None:
    def says() -> str:
        """Say no."""
        raise ToolError("the shop is closed")

    def breaks() -> str:
        """Break."""
        raise KeyError("secret")

    (told,) = results(agent(script(calls(("says", {})), "ok"), [says]).invoke("go"))
    assert (told.failed, told.text) == (True, "the shop is closed")
    chain = agent(script(calls(("breaks", {})), "ok"), [breaks])
    with pytest.raises(ToolError, match="breaks raised KeyError") as caught:
        chain.invoke("go")
    assert [m.role for m in caught.value.history] == ["user", "assistant"]
    assert "agent[0] > breaks" in str(caught.value)
    (answered,) = results(agent(script(calls(("breaks", {})), "ok"), [breaks], errors="answer").invoke("go"))
    assert answered.text == "breaks failed: KeyError: 'secret'"


def test_a_tool_is_tried_again_as_often_as_it_says() -> None:
    tried: list[int] = []

    @tool(retries=2)
    def shaky() -> str:
        """Work at the third time."""
        tried.append(1)
        if len(tried) < 3:
            raise OSError("not yet")
        return "there"

    (result,) = results(agent(script(calls(("shaky", {})), "ok"), [shaky]).invoke("go"))
    assert (result.text, len(tried)) == ("there", 3)


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_tool_that_takes_too_long_is_left_and_the_model_told(kind: str) -> None:
    release = threading.Event()

    def plain() -> str:
        """Wait."""
        release.wait(5)
        return "late"

    async def waits() -> str:
        """Wait."""
        await asyncio.sleep(5)
        return "late"

    slow = tool(plain if kind == "plain" else waits, name="slow", timeout=0.05)
    try:
        (result,) = results(agent(script(calls(("slow", {})), "ok"), [slow]).invoke("go"))
    finally:
        release.set()
    assert result.text == "slow took longer than 0.05 s"


def test_the_runs_own_deadline_ends_the_agent_and_not_only_the_tool() -> None:
    @tool(timeout=5)
    async def waits() -> str:
        """Wait."""
        await asyncio.sleep(5)
        return "late"

    with pytest.raises(DeadlineExceeded) as caught:
        agent(script(calls(("waits", {})), "ok"), [waits]).invoke("go", run=Run(deadline=0.1))
    assert len(caught.value.history) == 2


def test_steps_have_a_cap_and_the_conversation_is_kept_to_go_on_from() -> None:
    endless = ScriptedModel(lambda m: calls(("add", {"a": 1, "b": 1})))
    with pytest.raises(AgentStopped, match="used up its 3 steps") as caught:
        agent(endless, [add], max_steps=3).invoke("go")
    assert len(caught.value.history) == 1 + 3 * 2
    assert agent(ScriptedModel("enough"), [add]).invoke(caught.value.history).value == "enough"
    assert pickle.loads(pickle.dumps(caught.value)).history == caught.value.history


def test_a_budget_of_its_own_caps_it() -> None:
    endless = ScriptedModel(lambda m: calls(("add", {"a": 1, "b": 1})))
    with Run() as run:
        with pytest.raises(BudgetExceeded) as caught:
            agent(endless, [add], budget=Budget(calls=2)).invoke("go")
    assert run.calls == 2
    assert len(caught.value.history) == 5


def test_the_history_goes_in_again_with_a_further_question() -> None:
    chain = agent(ScriptedModel(lambda m: f"{len(m)} turns"), [add], system="Be short.")
    first = chain.invoke("one")
    second = chain.invoke(first.then("two"))
    assert (first.value, second.value) == ("2 turns", "4 turns")
    assert [m.role for m in second.messages] == ["system", "user", "assistant", "user", "assistant"]
    assert chain.invoke([message("system", "Other."), message("user", "x")]).messages[0].text == "Other."


# Approval.


@tool(approve=True)
def pay(euros: int) -> str:
    """Pay."""
    return f"paid {euros}"


PAYS = (calls(("pay", {"euros": 5}), ("add", {"a": 1, "b": 1})), "done")


@pytest.mark.parametrize(
    ("answer", "text", "failed"),
    [(True, "paid 5", False), (False, "the user does not allow this call", True), ("too much", "too much", True),
     (Denied("no"), "no", True)],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("waits", [False, True], ids=["plain", "async"])
def test_a_person_is_asked_about_a_tool_that_needs_it(answer: Any, text: str, failed: bool, waits: bool) -> None:
    asked: list[Any] = []

    def decide(call: ToolCall, context: ToolContext[Any]) -> Any:
        asked.append((call.name, context.deps))
        return answer

    async def later(call: ToolCall, context: ToolContext[Any]) -> Any:
        return decide(call, context)

    found = agent(script(*PAYS), [pay, add], approve=later if waits else decide, deps="d").invoke("go")
    assert (results(found)[0].text, results(found)[0].failed) == (text, failed)
    assert asked == [("pay", "d")]


@pytest.mark.parametrize("approve", [None, lambda call, context: DEFER], ids=["nobody", "deferred"])
def test_a_call_that_waits_for_a_person_stops_the_agent_and_is_taken_up_later(approve: Any) -> None:
    chain = agent(script(*PAYS), [pay, add], approve=approve)
    stopped = chain.invoke("go")
    assert stopped.value is None
    assert [c.name for c in stopped.pending] == ["pay"]
    assert [r.text for r in stopped.done] == ["2"]
    stopped = pickle.loads(pickle.dumps(stopped))
    found = chain.invoke(stopped.decided({"pay-0": True}))
    assert (found.value, [r.text for r in results(found)]) == ("done", ["paid 5", "2"])
    denied = chain.invoke(stopped.decided({"pay-0": "not today"}))
    assert [r.text for r in results(denied)] == ["not today", "2"]


# Typed answers.


class Sum(BaseModel):
    total: int


ANSWER = '{"total": 3}'


@pytest.mark.parametrize("way", ["native", "json", "prompt"])
def test_the_last_answer_is_typed(way: str) -> None:
    made = ScriptedModel(
        lambda m: ANSWER if any(t.role == "tool" for t in m) else calls(("add", {"a": 1, "b": 2})),
        profile=Profile("scripted", "m", output=(way,), local=True),
    )
    found = agent(made, [add], output=Sum).invoke("go")
    assert found.value == Sum(total=3)
    assert agent(made, [add], output=Sum).answer.invoke("go") == Sum(total=3)


def test_where_a_model_has_no_other_way_the_answer_is_a_call() -> None:
    made = ScriptedModel(
        lambda m: calls((FINAL, {"total": 3}), ("add", {"a": 1, "b": 1})) if m[-1].role == "tool" else calls(("add", {"a": 1, "b": 2})),
        profile=Profile("scripted", "m", output=("tool",), local=True),
    )  # fmt: skip
    found = agent(made, [add], output=Sum).invoke("go")
    assert found.value == Sum(total=3)
    assert FINAL in [t.name for t in made.seen[0].tools]
    assert [r.name for r in results(found)][-2:] == [FINAL, "add"]


def test_an_answer_that_does_not_fit_is_asked_for_again() -> None:
    said = iter(["three", ANSWER])
    made = ScriptedModel(lambda m: next(said), profile=Profile("scripted", "m", output=("native",), local=True))
    found = agent(made, [add], output=Sum).invoke("go")
    assert (found.value.total, found.steps) == (3, 2)
    with pytest.raises(AgentStopped):
        agent(ScriptedModel("three"), [add], output=Sum, max_steps=2).invoke("go")


def test_a_refusal_is_an_error_of_its_own() -> None:
    made = ScriptedModel(
        lambda m: Reply((), "refusal", refusal="I will not"), profile=Profile("s", "m", output=("native",))
    )
    with pytest.raises(OutputError, match="refused: I will not"):
        agent(made, [add], output=Sum).invoke("go")


# Events and streams.


def test_events_tell_everything_and_text_before_a_call_is_taken_back() -> None:
    async def look(context: ToolContext[Any]) -> str:
        """Look."""
        await context.tell("half way")
        return "seen"

    chain = agent(script(calls(("look", {}), text="Let me see. "), "All well."), [look])
    told = list(chain.answer.events("go"))
    kinds = [type(e) for e in told]
    assert kinds.index(ToolStarted) < kinds.index(ToolProgress) < kinds.index(ToolFinished)
    assert next(e.told for e in told if isinstance(e, ToolProgress)) == "half way"
    assert next(e.result for e in told if isinstance(e, ToolFinished)) == "seen"
    assert kinds[-1] is Completed
    back = kinds.index(Restarted)
    assert "".join(e.text for e in told[back:] if isinstance(e, TextDelta)) == "All well." == told[-1].value


def test_a_stream_of_text_gives_the_answer_and_nothing_that_is_taken_back() -> None:
    chain = agent(script(calls(("add", {"a": 1, "b": 2}), text="Let me see. "), "It is 3."), [add])
    assert "".join(chain.answer.stream("go")) == "It is 3."


# In chains.


def test_it_composes() -> None:
    inner = agent(script(calls(("add", {"a": 1, "b": 2})), "3"), [add], name="sums")
    assert (prompt("{{ a }}", a=str) | inner.answer | str.strip).invoke({"a": "1+2?"}) == "3"
    assert ensemble(inner, inner, combine=vote()).invoke("go").value == "3"
    outer = agent(
        script(calls(("ask", {"input": "1+2?"})), "it says 3"), [tool(inner.answer, name="ask", description="Asks.")]
    )
    found = outer.invoke("go")
    assert (found.value, results(found)[0].text) == ("it says 3", "3")
    with Run(keep=True) as run:
        outer.invoke("go")
    assert [r.path for r in run.rows][1].startswith("agent[0] > ask > sums[0]")


def test_what_is_no_model_or_tool_is_refused_when_it_is_made() -> None:
    with pytest.raises(CompositionError, match="needs a model"):
        agent(prompt("x"), [add])
    with pytest.raises(CompositionError, match="two tools are called 'add'"):
        agent(ScriptedModel("x"), [add, add])
    with pytest.raises(CompositionError, match="the answer's own name"):
        agent(ScriptedModel("x"), [tool(add.function, name=FINAL)])
    with pytest.raises(CompositionError, match="output= of its own"):
        agent(ScriptedModel("x", output=int), [add])
    with pytest.raises(CompositionError, match="must be at least 1"):
        agent(ScriptedModel("x"), [add], max_steps=0)
    with pytest.raises(CompositionError, match="takes a string or messages"):
        agent(ScriptedModel("x"), [add]).invoke(3)


def test_it_is_drawn_and_rendered() -> None:
    chain = agent(ScriptedModel("x"), [add, tool(ScriptedModel("y").text, name="ask", description="Asks.")])
    assert "ask" in str(chain.graph())
    (first, *_) = chain.render("hello")
    assert first.body["messages"][-1]["content"] == "hello"


def test_it_goes_through_data_and_back_with_its_tools_by_name() -> None:
    from chainkit import load, model

    made = agent(
        model("openai:gpt-4o-mini"), [add, pay, tool(prompt("x"), name="ask", description="Asks.")], output=Sum,
        system="Be short.", max_steps=3, approve=always,
    )  # fmt: skip
    data = made.dump()
    again = load(data, names={"add": add, "pay": pay, "Sum": Sum, "always": always})
    assert again.dump() == data
    assert [t.name for t in again.tools] == ["add", "pay", "ask"]
    assert again.tools[1].approve
    with pytest.raises(CompositionError, match="does not supply it"):
        load(data)
    with pytest.raises(CompositionError, match="no form as data"):
        agent("openai:gpt-4o-mini", [add], deps=object()).dump()


def always(call: ToolCall, context: ToolContext[Any]) -> bool:
    return True


# Laws.


LAWS = {
    "words": lambda: agent(script("yes"), [add]),
    "tools": lambda: agent(script(calls(("add", {"a": 1, "b": 2}), ("twice", {"word": "x"}), text="so "), "ok then"), [add, twice]),
    "wrong calls": lambda: agent(script(calls(("nope", {}), ("add", {})), "ok"), [add]),
    "text out": lambda: agent(script(calls(("add", {"a": 1, "b": 2}), text="so "), "ok then"), [add]).answer,
    "typed": lambda: agent(script(calls(("add", {"a": 1, "b": 2})), ANSWER), [add], output=Sum).answer,
    "used up": lambda: agent(ScriptedModel(lambda m: calls(("add", {"a": 1, "b": 1}))), [add], max_steps=2),
    "a failing model": lambda: agent(ScriptedModel("x", fail=[ServerError("s"), None]), [add]),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAWS)
def test_the_laws_of_a_chain_hold(kind: str) -> None:
    check_laws(LAWS[kind](), ["go"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["add", "twice", "nope", "bad"]), min_size=1, max_size=4), max_size=4))
def test_every_call_has_its_result_in_its_place_whatever_the_model_calls(turns: list[list[str]]) -> None:
    arguments: dict[str, Any] = {"add": {"a": 1, "b": 2}, "twice": {"word": "w"}, "nope": {}, "bad": {}}
    names = {"bad": "add"}
    made = [calls(*[(names.get(n, n), arguments[n]) for n in turn]) for turn in turns]
    found = agent(script(*made, "end"), [add, twice]).invoke("go")
    assert found.value == "end"
    for asked, answered in zip(found.messages[1::2], found.messages[2::2], strict=False):
        wanted = [p.id for p in asked.parts if isinstance(p, ToolCall)]
        assert [p.id for p in answered.parts] == wanted
    assert found.steps == len(turns) + 1
