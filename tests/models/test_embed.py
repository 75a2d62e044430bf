"""Texts in, vectors out: how many requests, in which order, with what they cost."""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from chainkit import Budget, Run, embedder, load, model
from chainkit.errors import AuthenticationError, BadRequest, BudgetExceeded, CompositionError, RateLimited, UnknownModel
from chainkit.models.task import portions, tokens_guessed
from chainkit.testing import ScriptedEmbedder, ScriptedModel, check_laws
from chainkit.testing.scripted_tasks import embedding
from chainkit.usage import exact
from task_server import Asked, TaskServer, Told, told


def answer(asked: Asked) -> Told:
    """A vector of two numbers for each text: its length, and its place in the request. Given backwards."""
    texts = asked.json["input"]
    rows = [{"index": i, "embedding": [float(len(t)), float(i)]} for i, t in enumerate(texts)]
    return told({"data": rows[::-1], "model": "e", "usage": {"prompt_tokens": len(texts), "total_tokens": len(texts)}})


def test_one_text_gives_one_vector_and_a_list_gives_them_in_its_order() -> None:
    with TaskServer(answer) as server:
        chain = embedder("openai:text-embedding-3-small", base_url=server.url, api_key="k")
        assert chain.invoke("abc").vector == [3.0, 0.0]
        assert chain.invoke(["a", "bbb", "cc"]).vectors == ([1.0, 0.0], [3.0, 1.0], [2.0, 2.0])
        assert chain.invoke([]).vectors == ()
        assert [asked.path for asked in server.asked] == ["/embeddings", "/embeddings"]


def test_a_single_vector_of_several_is_an_error() -> None:
    with pytest.raises(ValueError, match="too many"):
        _ = ScriptedEmbedder().invoke(["a", "b"]).vector


def test_more_texts_than_one_request_holds_go_in_several_and_stay_in_order() -> None:
    texts = [f"{'x' * (i % 7)} {i}" for i in range(250)]
    with TaskServer(answer) as server, Run() as run:
        found = embedder("together:some/model", base_url=server.url, api_key="k").invoke(texts)
        sizes = sorted(len(asked.json["input"]) for asked in server.asked)
    assert [v[0] for v in found.vectors] == [float(len(t)) for t in texts]
    assert sizes == [58, 96, 96]
    assert found.usage.input == run.usage.input == 250
    assert len(run.rows) == 3


def test_many_texts_give_the_same_in_every_mode() -> None:
    chain = ScriptedEmbedder(most=3)
    texts = [f"text {i}" for i in range(10)]
    once = chain.invoke(texts)
    assert asyncio.run(chain.ainvoke(texts)) == once
    assert chain.batch([texts, texts]) == [once, once]
    assert once.vectors == tuple(embedding(t) for t in texts)
    check_laws(ScriptedEmbedder(), ["a text", ["two", "texts"]])


def test_texts_are_parted_by_their_number_and_by_the_tokens_they_may_have_together() -> None:
    assert list(portions(["a", "b", "c"], 2, None)) == [["a", "b"], ["c"]]
    long = "word " * 60
    assert tokens_guessed(long) == 101
    assert [len(p) for p in portions([long] * 5, 100, 250)] == [2, 2, 1]
    assert [len(p) for p in portions([long * 9, "a", "b"], 100, 250)] == [1, 2], "a text that is too long goes alone"


def test_the_vendors_room_parts_the_texts() -> None:
    texts = ["ein Satz mit Wörtern " * 6000] * 8
    with TaskServer(answer) as server:
        embedder("openai:text-embedding-3-small", base_url=server.url, api_key="k").invoke(texts)
        assert len(server.asked) == 2


def test_replies_are_embedded_by_their_text_and_anything_else_is_refused() -> None:
    chain = ScriptedModel("spoken words").text | ScriptedEmbedder()
    assert chain.invoke("Hi").vector == embedding("spoken words")
    replies = [ScriptedModel(text).invoke("Hi") for text in ("one", "two")]
    assert ScriptedEmbedder().invoke(replies).vectors == (embedding("one"), embedding("two"))  # type: ignore[arg-type]
    with pytest.raises(CompositionError, match=r"item 1 is int"):
        ScriptedEmbedder().invoke(["a", 1])  # type: ignore[list-item]


def test_options_are_checked_when_the_chain_is_made_and_when_it_is_sent() -> None:
    with pytest.raises(CompositionError, match="no option 'dimension'") as unknown:
        embedder("openai:text-embedding-3-small", dimension=3)  # type: ignore[call-arg]
    assert "dimensions" in str(unknown.value.cure)
    with pytest.raises(UnknownModel):
        embedder("opnai:text-embedding-3-small")
    with pytest.raises(BadRequest, match="cannot honour the option 'task'"):
        embedder("openai:text-embedding-3-small", task="query", api_key="k").invoke("a")
    with pytest.raises(BadRequest, match="groq has no models for 'embed'"):
        embedder("groq:some", api_key="k").invoke("a")


def test_an_option_that_is_left_out_is_said_in_the_warnings() -> None:
    with TaskServer(answer) as server:
        chain = embedder("openai:e", base_url=server.url, api_key="k", task="query", unsupported="warn")
        assert chain.invoke(["a"] * 3).warnings == ("openai:e cannot honour the option 'task'; it was left out",)


def test_a_vendors_refusal_is_its_error_and_a_busy_vendor_is_asked_again() -> None:
    with TaskServer(lambda _: told({"error": {"message": "no"}}, 401)) as server:
        with pytest.raises(AuthenticationError):
            embedder("openai:e", base_url=server.url, api_key="k").invoke("a")
    calls: list[int] = []

    def busy(asked: Asked) -> Told:
        calls.append(1)
        wait = (("retry-after", "0"),)
        return Told(b"{}", status=429, headers=wait) if len(calls) < 3 else answer(asked)

    with TaskServer(busy) as server, Run() as run:
        assert len(embedder("openai:e", base_url=server.url, api_key="k").invoke("a")) == 1
        assert [row.outcome for row in run.rows] == ["error", "error", "ok"]
        with pytest.raises(RateLimited):
            calls.clear()
            embedder("openai:e", base_url=server.url, api_key="k", attempts=2).invoke("a")


def test_a_count_of_vectors_that_is_not_that_of_the_texts_is_malformed() -> None:
    with TaskServer(lambda _: told({"data": [{"index": 0, "embedding": [1.0]}]})) as server:
        with pytest.raises(Exception, match="each of 2 texts, but 1"):
            embedder("openai:e", base_url=server.url, api_key="k", attempts=1).invoke(["a", "b"])


def test_a_budget_knows_what_embedding_costs_before_it_is_sent() -> None:
    with TaskServer(answer) as server:
        chain = embedder("openai:text-embedding-3-small", base_url=server.url, api_key="k")
        assert chain.invoke("a" * 30).cost == exact(2e-8)
        with pytest.raises(BudgetExceeded), Run(budget=Budget(usd=0.000001)):
            chain.invoke("a" * 4000)
        assert len(server.asked) == 1


def test_it_can_be_shown_dumped_loaded_pickled_and_drawn() -> None:
    chain = embedder("openai:text-embedding-3-small", dimensions=256, api_key="k")
    [shown] = chain.render(["a", "b"])
    assert shown.body == {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        "encoding_format": "base64",
        "dimensions": 256,
    }
    assert "k" not in shown.headers["authorization"].replace("Bearer", "")
    data = embedder("openai:e", dimensions=256).dump()
    again: Any = load(data)
    assert again == embedder("openai:e", dimensions=256)
    assert again.dump() == data
    assert "api_key" not in str(chain.dump())
    assert pickle.loads(pickle.dumps(chain)) == chain
    assert "embed openai:text-embedding-3-small" in str(chain.graph())
    assert pickle.loads(pickle.dumps(ScriptedEmbedder())).invoke("a").vector == embedding("a")


def test_a_dump_that_names_no_known_kind_is_refused() -> None:
    data = embedder("openai:e").dump()
    with pytest.raises(CompositionError, match="no model is asked for 'dream'"):
        load({**data, "for": "dream"} if "for" in data else _inner(data))


def _inner(data: dict[str, Any]) -> dict[str, Any]:
    return {k: {**v, "for": "dream"} if isinstance(v, dict) and "for" in v else v for k, v in data.items()}


def test_a_stand_in_answers_for_it_without_a_network() -> None:
    chain = embedder("voyage:voyage-3.5", task="query")
    with Run(models={"voyage:*": ScriptedEmbedder(dimensions=8)}) as run:
        assert chain.invoke("one two").vector == embedding("one two", 64)
        assert run.usage.input == 2
    with Run(models={"*": ScriptedModel("ok")}):
        assert chain.invoke("one two").vector == embedding("one two")


def test_a_missing_key_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOYAGE_API_KEY", raising=False)
    chain = embedder("voyage:voyage-3.5")
    with pytest.raises(AuthenticationError, match="VOYAGE_API_KEY"):
        chain.check()
    with Run() as run, pytest.raises(AuthenticationError):
        chain.invoke("a")
    assert run.rows == ()


def test_voyage_has_no_chat() -> None:
    with pytest.raises(BadRequest, match="voyage has no models for 'chat'"):
        model("voyage:voyage-3.5", api_key="k").invoke("Hi")
