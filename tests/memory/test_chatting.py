"""A chain that remembers, in every mode."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from pydantic import BaseModel

from chainkit import Message, Messages, Run, agent, ensemble, history, message, model, prompt, step, system, user, vote
from chainkit.errors import BadRequest, CompositionError, DeadlineExceeded, StreamBroken
from chainkit.memory import FileMemory, SqliteMemory, chatting, last, memory
from chainkit.messages import Media, Text, ToolCall, ToolResult
from chainkit.models.reply import Reply
from chainkit.testing import ScriptedModel, check_laws
from chainkit.usage import Usage


def echo(messages: Messages) -> str:
    """Says how many turns it was shown, and the last."""
    return f"{len(messages)}: {messages[-1].text}"


def ada(chain=None, **more):
    return chatting(chain or ScriptedModel(echo), memory=SqliteMemory(), conversation="ada", **more)


def said(chat, conversation: str = "ada") -> list[str]:
    return [m.text for m in chat.memory.turns(conversation)]


def test_the_next_question_comes_with_what_was_said_before():
    chat = ada()
    assert str(chat.invoke("one")) == "1: one"
    assert str(chat.invoke("two")) == "3: two"
    assert said(chat) == ["one", "1: one", "two", "3: two"]


def test_conversations_are_named_in_the_call_and_kept_apart():
    chat = chatting(ScriptedModel(echo), memory=SqliteMemory())
    for name, text in (("ada", "a"), ("bob", "b"), ("ada", "c")):
        chat.invoke({"conversation": name, "message": text})
    assert said(chat, "ada") == ["a", "1: a", "c", "3: c"]
    assert said(chat, "bob") == ["b", "1: b"]


def test_a_call_may_name_another_conversation_than_the_bound_one():
    chat = ada()
    chat.invoke({"conversation": "bob", "message": "b"})
    chat.invoke({"message": "a"})
    assert chat.memory.conversations() == ["ada", "bob"]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("hi", "whose conversation"),
        ({"message": "hi"}, "whose conversation"),
        ({"conversation": "ada"}, "what is said is missing"),
        ({"conversation": "ada", "message": "hi", "mesage": 1}, "nothing else that is called"),
        ({"conversation": "", "message": "hi"}, "name has 1 to"),
        ({"conversation": 7, "message": "hi"}, "name is a text"),
        ({"conversation": "ada", "message": 7}, "a text or messages"),
    ],
)
def test_a_call_that_says_too_little_is_told_what_is_missing(value, what):
    with pytest.raises(CompositionError, match=what):
        chatting(ScriptedModel(), memory=SqliteMemory()).invoke(value)


def test_without_a_bound_conversation_a_text_does_not_fit_before_it():
    def loud(text: str) -> str:
        return text.upper()

    with pytest.raises(CompositionError):
        step(loud) | chatting(ScriptedModel(), memory=SqliteMemory())
    assert str((step(loud) | ada()).invoke("a")) == "1: A"


def test_a_system_text_stands_before_everything_and_is_not_kept():
    chat = ada(system="Be brief.")
    chat.invoke("one")
    chat.invoke("two")
    assert [m.role for m in chat.chain.seen[-1].messages] == ["system", "user", "assistant", "user"]
    assert said(chat) == ["one", "2: one", "two", "4: two"]


def test_a_prompt_with_a_place_for_the_conversation_gets_it_there():
    asking = prompt(system("Be {{ mood }}."), history("turns"), user("Q: {{ question }}"), mood=str, question=str)
    with pytest.raises(CompositionError, match="which variable"):
        ada(asking | ScriptedModel(echo))
    chat = ada(asking | ScriptedModel(echo), message="question")
    chat.invoke({"message": "one", "mood": "kind"})
    assert str(chat.invoke({"question": "two", "mood": "kind"})) == "4: Q: two"
    assert said(chat) == ["one", "2: Q: one", "two", "4: Q: two"]
    one = ada((prompt(history("before"), user("{{ q }}"), q=str) | ScriptedModel(echo)).named("answer"))
    assert str(one.invoke("hi")) == "1: hi"
    assert str(one.invoke("ho")) == "3: ho"


def test_a_prompt_without_such_a_place_is_refused_when_the_chain_is_made():
    with pytest.raises(CompositionError, match="no place for the conversation"):
        ada(prompt("{{ q }}", q=str) | ScriptedModel())


def test_any_chain_that_takes_a_mapping_is_given_the_turns_under_their_name():
    taken = []
    chat = ada(step(lambda given: taken.append(given) or "said"), turns="so_far", message="now")
    chat.invoke("one")
    chat.invoke({"now": "two", "more": 1})
    assert taken[0] == {"so_far": Messages(), "now": "one"}
    assert taken[1]["more"] == 1
    assert [m.text for m in taken[1]["so_far"]] == ["one", "said"]


def test_all_parts_of_question_and_answer_come_back_as_they_were():
    picture = Message("user", (Text("what is it?"), Media("image", "image/png", b"\x89PNG")))
    reply = Reply((Text("I look"), ToolCall("look", {"at": [1]}, "c1")), "tool_calls", "tool_calls", Usage())
    chat = ada(ScriptedModel([reply, "a cat"]))
    chat.invoke(picture)
    chat.invoke(Message("tool", (ToolResult("c1", "furry", "look"),)))
    assert chat.chain.seen[-1].messages[:2] == (picture, reply.message)
    assert [m.role for m in chat.memory.turns("ada")] == ["user", "assistant", "tool", "assistant"]


def test_what_an_agent_did_is_kept_with_calls_and_results():
    def look(at: str) -> str:
        """Look there."""
        return f"a cat in {at}"

    calls = Reply((ToolCall("look", {"at": "box"}, "c1"),), "tool_calls", "tool_calls", Usage())
    model = ScriptedModel(lambda turns: "A cat." if turns[-1].role == "tool" else calls)
    chat = ada(agent(model, [look], system="Be brief."))
    assert chat.invoke("What is there?").value == "A cat."
    kept = chat.memory.turns("ada")
    assert [m.role for m in kept] == ["user", "assistant", "tool", "assistant"]
    assert kept[2].parts[0].text == "a cat in box"


def test_an_agent_that_waits_for_a_person_has_said_nothing_yet():
    from chainkit import tool

    def pay(amount: int) -> str:
        """Pay."""
        return "paid"

    calls = Reply((ToolCall("pay", {"amount": 1}, "c1"),), "tool_calls", "tool_calls", Usage())
    chat = ada(agent(ScriptedModel([calls]), [tool(pay, approve=True)]))
    assert chat.invoke("Pay!").pending
    assert said(chat) == []


class Book(BaseModel):
    title: str


@pytest.mark.parametrize(
    ("chain", "kept"),
    [
        (lambda: ScriptedModel("a").text, "a"),
        (lambda: ensemble(ScriptedModel("a"), ScriptedModel("a"), combine=vote()), "a"),
        (lambda: ScriptedModel('{"title":"Emma"}', output=Book), '{"title":"Emma"}'),
        (lambda: step(lambda _: {"a": [1]}), '{"a":[1]}'),
    ],
)
def test_other_answers_are_kept_as_text(chain, kept):
    chat = ada(chain())
    chat.invoke("q")
    assert said(chat) == ["q", kept]


def test_where_the_model_says_nothing_nothing_is_kept():
    chat = ada(ScriptedModel(["", Reply((), "refusal", refusal="No.")]))
    chat.invoke("q")
    assert said(chat) == []
    chat.invoke("q")
    assert said(chat) == ["q", "No."]


def test_an_answer_that_failed_is_not_kept_nor_is_its_question():
    chat = ada(ScriptedModel("a", fail=[BadRequest("no"), None]))
    with pytest.raises(BadRequest):
        chat.invoke("one")
    assert said(chat) == []
    chat.invoke("two")
    assert said(chat) == ["two", "a"]


def test_a_retried_answer_is_kept_once():
    chat = ada((ScriptedModel("a").text | step(Flaky())).retry(3, backoff=0.001))
    chat.invoke("q")
    assert said(chat) == ["q", "a"]


class Flaky:
    """Fails the first time."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, text: object) -> object:
        self.asked += 1
        if self.asked == 1:
            raise ValueError("no")
        return text


def test_a_stream_is_kept_when_it_ended_and_not_when_it_was_left():
    chat = ada(ScriptedModel("one two three"))
    with chat.stream("q") as stream:
        assert next(stream) == "one "
        assert said(chat) == []
    assert said(chat) == []
    with chat.stream("q") as stream:
        assert "".join(stream) == "one two three"
    assert said(chat) == ["q", "one two three"]


def test_a_broken_stream_is_not_kept():
    chat = ada(ScriptedModel("one two three", fail=[StreamBroken("gone")], attempts=1))
    with pytest.raises(StreamBroken):
        list(chat.stream("q"))
    assert said(chat) == []


def test_a_cancelled_answer_is_not_kept():
    async def main():
        chat = ada(ScriptedModel("a", delay=30))
        task = asyncio.ensure_future(chat.ainvoke("q"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return said(chat)

    assert asyncio.run(main()) == []


def test_items_of_one_conversation_are_answered_in_their_order():
    chat = chatting(ScriptedModel(echo, delay=0.001), memory=SqliteMemory())
    items = [{"conversation": name, "message": f"{n}"} for n in range(6) for name in ("ada", "bob")]
    answers = [str(a) for a in chat.batch(items)]
    assert answers == [f"{2 * n + 1}: {n}" for n in range(6) for _ in "ab"]
    assert said(chat, "bob")[::2] == [str(n) for n in range(6)]


def test_items_of_one_conversation_are_answered_in_their_order_on_a_loop():
    chat = ada(ScriptedModel(echo, delay=0.001))
    answers = asyncio.run(chat.abatch([str(n) for n in range(6)]))
    assert [str(a) for a in answers] == [f"{2 * n + 1}: {n}" for n in range(6)]


def test_threads_in_one_conversation_wait_for_each_other(tmp_path: Path):
    chats = [
        chatting(ScriptedModel(echo, delay=0.002), memory=FileMemory(tmp_path), conversation="ada") for _ in range(4)
    ]
    threads = [threading.Thread(target=lambda c=chat: [c.invoke("hi") for _ in range(3)]) for chat in chats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = said(chats[0])[1::2]
    assert answers == [f"{2 * n + 1}: hi" for n in range(12)]


def test_a_question_inside_its_own_conversation_is_refused_and_does_not_hang():
    chat = ada(ScriptedModel("one two"))
    with chat.stream("q") as stream:
        next(stream)
        with pytest.raises(CompositionError, match="still being made"):
            chat.invoke("again")
    chat.invoke("again")
    nested = chatting(chat, memory=chat.memory, conversation="ada")
    with pytest.raises(CompositionError, match="still being made"):
        nested.invoke("q")


def test_who_waits_for_a_conversation_waits_no_longer_than_its_deadline():
    chat = ada(ScriptedModel("one two"))
    errors = []

    def ask() -> None:
        try:
            chat.timeout(0.02).invoke("meanwhile")
        except DeadlineExceeded as error:
            errors.append(error)

    with chat.stream("q") as stream:
        next(stream)
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(20)
        assert len(errors) == 1
        list(stream)
    assert said(chat) == ["q", "one two"]
    chat.timeout(5).invoke("now")
    assert len(said(chat)) == 4


def test_conversations_go_on_in_whatever_loop_or_thread_they_are_asked():
    chat = ada()
    chat.invoke("one")
    asyncio.run(chat.ainvoke("two"))
    asyncio.run(chat.ainvoke("three"))
    assert chat.batch(["four"])[0].text == "7: four"


def test_rendering_keeps_nothing():
    chat = ada(model("openai:gpt-5-mini", api_key="k"), system="Be brief.")
    chat.memory.add("ada", [message("user", "one"), message("assistant", "1")])
    (rendered,) = chat.render("two")
    assert [m["content"] for m in rendered.body["messages"]] == ["Be brief.", "one", "1", "two"]
    assert said(chat) == ["one", "1"]


def test_a_memory_is_named_by_a_word(tmp_path: Path):
    for spec in (f"sqlite:{tmp_path}/chat.db", f"file:{tmp_path}/chats"):
        chatting(ScriptedModel("a"), memory=spec, conversation="ada").invoke("q")
        assert [m.text for m in memory(spec).turns("ada")] == ["q", "a"]
    with pytest.raises(CompositionError, match="no memory 'sqlit'"):
        memory("sqlit:x")
    with pytest.raises(CompositionError, match="option"):
        memory("sqlite", cache=1)
    with pytest.raises(CompositionError, match="memory= is int"):
        chatting(ScriptedModel(), memory=7)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "chain",
    [
        lambda: ScriptedModel("hello there"),
        lambda: ScriptedModel(["a b", "b c"], fail=[StreamBroken("r"), None]),
        lambda: ScriptedModel("a", fail=[BadRequest("no")]),
        lambda: prompt(history("turns"), user("{{ q }}"), q=str) | ScriptedModel("a").text,
    ],
)
def test_the_laws_hold_for_a_conversation_that_each_mode_finds_alike(chain):
    store = SqliteMemory()

    def fresh() -> dict:
        store.clear("ada")
        store.add("ada", [message("user", "before"), message("assistant", "yes")])
        return {}

    check_laws(chatting(chain(), memory=store, conversation="ada", keep=last(4)), ["hi"], runs=fresh)


def test_a_run_has_no_row_for_a_memory_on_this_machine():
    chat = ada()
    with Run() as run:
        chat.invoke("q")
    assert [row.kind for row in run.rows] == ["chat"]


@pytest.mark.xdist_group("redis")
def test_a_memory_on_a_server_stands_in_the_ledger(redis_url: str):
    chat = chatting(ScriptedModel(echo), memory=memory(redis_url, prefix="ledger"), conversation="ada")
    with Run() as run:
        chat.invoke("q")
    assert [(row.kind, row.provider, row.model, row.outcome) for row in run.rows] == [
        ("memory", "redis", "turns", "ok"),
        ("chat", "scripted", "model", "ok"),
        ("memory", "redis", "add", "ok"),
    ]
