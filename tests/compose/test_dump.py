"""A chain as data and back: every kind of node, no code, no secrets, and nothing that the loader did not supply."""

from __future__ import annotations

import importlib.util
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from chainkit import (
    agent, agreed, approved, average, intersection, close, fields, longest, median, medoid, trimmed, union, best, best_of, branch, by_meaning, cascade, completion, confident, consistent, constant, each, embedder, ensemble, fuse, debate, hedge, history, mixture, identity, judge, likely, load, loop, model, pairwise, parallel,
    prompt, race, rank, reranker, route, step, system, user, vote, tool,
)  # fmt: skip
from chainkit.compose.kinds import KINDS, kind_of
from chainkit.ensembles.calibrated import Learned, calibrated
from chainkit.compose.parallel import assign
from chainkit.errors import CompositionError
from chainkit.memory import chatting, last, summary, tokens
from chainkit.models.request import ToolSpec
from chainkit.retrieval import answering, as_tool, conversational, extract, summarise
from chainkit.retrieval import Decay, Rrf, Weighted, hyde, judging, multi_query, nearest, rewritten
from chainkit.search import as_retrieved, fetch, fetch_tool, pages, search_tool, web
from chainkit.retrieval import automatic, by_code, by_heading, by_sentence, by_tokens, recursive, semantic

_SPEC = importlib.util.spec_from_file_location("dumped_functions", Path(__file__).with_name("functions.py"))
fs: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["dumped_functions"] = fs
_SPEC.loader.exec_module(fs)

KEY = "sk-very-secret-0123456789"
gpt = model("openai:gpt-4o", temperature=0.5, stop=["a", "b"], api_key=KEY)
TOOL = ToolSpec("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
CHAINS = {
    "identity": identity(),
    "constant": constant("c"),
    "constant list": constant(["a", 1, None]),
    "step": step(fs.shout),
    "inline step": step(fs.shout, inline=True, name="loud"),
    "async step": step(fs.later),
    "static method": step(fs.Tools.shout),
    "sequence": step(fs.shout) | fs.later | fs.letters,
    "model": gpt,
    "model with all": model("openai:gpt-4o", api="responses", carrier="httpx", attempts=1, tools=[TOOL], extra={"a": {"b": [1]}}),
    "embedder": embedder("voyage:voyage-3.5", task="query", dimensions=256, attempts=2),
    "completion": completion("openai:davinci-002", api_key=KEY, max_tokens=4, stop=["a"], attempts=1),
    "agent": agent(gpt, [fs.look, tool(gpt.text, name="ask", description="Asks.")], output=fs.Book, max_steps=3),
    "model of a class": model("openai:gpt-4o", output=fs.Book),
    "model of a list": model("openai:gpt-4o", output=list[fs.Book]),
    "model of a literal": model("openai:gpt-4o", output=Literal["a", 2]),
    "model of a union": model("openai:gpt-4o", output=int | list[str] | None),
    "model of a dict": model("openai:gpt-4o", output=dict[str, int]),
    "model of a schema": model("openai:gpt-4o", output={"type": "object", "properties": {"kind": {"const": "x"}}}),
    "text": gpt.text | fs.shout,
    "prompt": prompt("say {{ x }}", x=str) | gpt,
    "long prompt": prompt(system("be {{ mood }}"), history("turns"), user("{{ q }}"), mood=str, q=str) | gpt,
    "retriever": fs.WIKI.retriever(3),
    "retriever of text": fs.WIKI.retriever(3, by="text", where={"year": {"$gte": 2020}}, expand="section", diversity=0.5),
    "retriever that asks": fs.WIKI.retriever(
        2, fusion=Rrf(k=10), queries=multi_query(gpt, n=2), rerank=judging(gpt), decay=Decay(30), fetch=9
    ),
    "queries": rewritten(gpt),
    "splitters": branch(fs.is_long, recursive(200, overlap=20), automatic()),
    "splitters of kinds": branch(fs.is_long, by_heading(3), by_code("go", size=99)),
    "splitters of parts": branch(fs.is_long, by_sentence(3, overlap=1), by_tokens(64, count=fs.size)),
    "splitter by meaning": step(semantic(embedder("voyage:voyage-3.5"), percentile=80)),
    "made up passage": fs.WIKI.retriever(2, queries=hyde(gpt), rerank=nearest("voyage:voyage-3.5"), fusion=Weighted(text=0.3)),
    "web": web("brave", api_key=KEY, count=3, safe="strict", attempts=1) | pages(2, how=fetch(pause=0, ports=None)),
    "web as passages": web("searxng", site="dw.com", extra={"a": 1}, fetch=2) | as_retrieved(99),
    "web retriever": web("wikipedia", language="de").retriever(2),
    "web tools": parallel(a=search_tool("brave").chain, b=fetch_tool().chain),
    "parallel": parallel(a=fs.shout, b=gpt),
    "tuple": parallel(step(fs.shout), gpt),
    "parallel into": parallel(into=fs.Pair, a=fs.shout, b=fs.later),
    "assign": parallel(q=identity()) | assign(n=fs.shout),
    "each": step(fs.letters) | each(fs.shout, concurrency=3),
    "branch": branch(fs.is_long, fs.shout, fs.later),
    "branch without otherwise": branch(fs.is_long, fs.shout),
    "route": route(fs.lowered, {"a": gpt, "b": fs.shout}, otherwise=fs.later),
    "route by meaning": route(by_meaning("openai:text-embedding-3-small", {"a": ["x", "y"], "b": "z"}, at_least=0.2), {"a": gpt}, otherwise=gpt),
    "route by a model": route("openai:a", {"a": gpt, "b": fs.shout}, about={"a": "all that is new"}),
    "route by a score": route(fs.lowered, {"a": gpt}, at_least=0.5, otherwise=gpt),
    "route by numbers": route(fs.lowered, {1: fs.shout, 2.5: fs.later}),
    "loop": loop(fs.shout, until=fs.is_long, at_most=3),
    "named": gpt.named("answer"),
    "timeout": gpt.timeout(2.5),
    "limit": gpt.limit(2, per_minute=60),
    "retry": gpt.retry(4, backoff=0.1),
    "fallback": gpt.fallback("anthropic:claude-sonnet-4-5"),
    "vote": ensemble("openai:a", "openai:b", combine=vote(), quorum=2, concurrency=1, deadline=9),
    "weighted vote": ensemble("openai:a", "openai:b", combine=vote(weights=[2, 1], early=False)).answer,
    "vote with rules": ensemble(
        "openai:a", "openai:b",
        combine=vote(weights={"openai:b": 2}, ties=judge("openai:c"), at_least=0.5, abstain=["unknown", None]),
    ),
    "vote by meaning": ensemble("openai:a", "openai:b", combine=vote(alike="openai:c", confidence=0.9)),
    "vote by nearness": ensemble("openai:a", "openai:b", combine=vote(alike=embedder("openai:e"), threshold=0.9)),
    "vote by a likeness": ensemble("openai:a", "openai:b", combine=vote(alike=fs.alike)),
    "vote of as few as needed": ensemble("openai:a", "openai:b", combine=vote(), frugal=True, otherwise="openai:c"),
    "a function combines": ensemble("openai:a", "openai:b", combine=fs.shout),
    "cascade": cascade("openai:a", "openai:b", accept=approved("openai:c", rubric="short"), deadline=2),
    "cascade by measures": cascade(
        consistent("openai:a", 2), model("openai:b", logprobs=1), "openai:c", "openai:d",
        accept=[agreed(0.8), likely(0.5), confident(0.9), fs.is_long],
    ),
    "samples": consistent("openai:a", 3, temperatures=[0.5, 1], seed=7),
    "vote by a key": ensemble("openai:a", "openai:b", combine=vote(key=fs.lowered)),
    "mixture": mixture(["openai:a", "openai:b"], "openai:c", layers=3, quorum=2),
    "debate": debate(["openai:a", "openai:b"], rounds=3, judge="openai:c", deadline=9),
    "calibrated": calibrated(["openai:a", "openai:b"], Learned(("model openai:b", "model openai:a"), (2.0, 1.0), 1.5, -0.5), confidence=0.9),
    "hedge": hedge("openai:a", after="p95", start=2, extra=0.2),
    "hedge with a backup": hedge("openai:a", "openai:b", after=0.5),
    "race": race("openai:a", "openai:b", deadline=2),
    "fields": ensemble(
        "openai:a", "openai:b", output=fs.Book,
        combine=fields({"title": longest()}, default=judge("openai:c"), none="abstain", weights=[1, 2]),
    ),
    "close": ensemble("openai:a", "openai:b", combine=close(0.1, absolute=2)),
    "average": ensemble("openai:a", "openai:b", combine=average(Decimal, weights=[1, 2], within=0.1)),
    "median": ensemble("openai:a", "openai:b", combine=median()),
    "trimmed": ensemble("openai:a", "openai:b", combine=trimmed(0.1)),
    "union": ensemble("openai:a", "openai:b", output=list[str], combine=union(2)),
    "intersection": ensemble("openai:a", "openai:b", output=list[str], combine=intersection()),
    "medoid": ensemble("openai:a", "openai:b", combine=medoid("characters", weights=[1, 2])),
    "medoid by vectors": ensemble("openai:a", "openai:b", combine=medoid(embedder("openai:text-embedding-3-small"))),
    "medoid by a function": ensemble("openai:a", "openai:b", combine=medoid(fs.alike)),
    "judge": ensemble("openai:a", "openai:b", combine=judge("openai:c", rubric="short")),
    "several judges": ensemble("openai:a", "openai:b", combine=judge("openai:c", gpt.text, swap=True)),
    "judge, one at a time": ensemble("openai:a", "openai:b", combine=judge("openai:c", way="one at a time")),
    "pairwise": ensemble("openai:a", "openai:b", combine=pairwise("openai:c", plan="knockout", swap=False)),
    "pairwise by a function": ensemble("openai:a", "openai:b", combine=pairwise(fs.compare)),
    "rank": ensemble("openai:a", "openai:b", combine=rank("openai:c", "openai:d", rubric="short")),
    "best": ensemble("openai:a", "openai:b", combine=best(fs.size, enough=3.5)),
    "best by a chain": best_of("openai:a", 3, score=gpt.text | fs.size, seed=2, frugal=True),
    "best by a reranker": best_of("openai:a", 2, score=reranker("cohere:rerank-v3.5")),
    "fuse": ensemble("openai:a", "openai:b", combine=fuse("openai:c", instruction="write")).answer.text,
    "chatting": chatting(gpt, memory=fs.CHATS, conversation="ada", system="Be brief.", keep=[summary("openai:b", after=9), last(4)]),
    "chatting by a prompt": chatting(
        prompt(history("turns"), user("{{ q }}"), q=str) | gpt, memory=fs.CHATS, keep=[fs.newest, tokens(9, count=fs.size)]
    ),
    "answering": answering(fs.letters, "openai:a", k=3, context=900, unsupported="drop", relevance=0.2),
    "answering by quotes": answering(fs.letters, "openai:a", verify="quotes", instruction="Be short."),
    "answering with a judge": answering(fs.letters, "openai:a", verify="openai:b"),
    "agent with a search": agent(gpt, [as_tool(fs.letters, k=2)]),
    "summarise": summarise("openai:a", "refine", size=900, words=50, language="de", instruction="List.", failing="skip"),
    "extract": extract("openai:a", list[fs.Book], instruction="Novels.", size=900, concurrency=2),
    "conversational": conversational(fs.letters, "openai:a", rewrite="openai:b"),
    "nested": ensemble(ensemble("openai:a", combine=vote()), "openai:b", combine=judge(gpt)).answer.named("deep").retry(2),
}  # fmt: skip
WITHOUT_EQUALITY = {"limit"}  # a queue is itself, not its numbers


@pytest.mark.parametrize("names", [[fs], {"fs": fs}], ids=["modules", "a mapping of modules"])
@pytest.mark.parametrize("case", CHAINS)
def test_a_chain_comes_back_as_it_was_through_json_and_yaml(case: str, names: Any) -> None:
    chain = CHAINS[case]
    data = chain.dump()
    for copy in (data, json.loads(json.dumps(data)), yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(data))))):
        again = load(copy, names=names)
        assert again.dump() == data
        assert repr(again) == repr(chain)
        if case not in WITHOUT_EQUALITY and not keyed(chain):
            assert again == chain


def keyed(chain: Any) -> bool:
    """Whether a key stands in it: then it is not equal to what comes of a dump, which holds none."""
    account = getattr(chain, "account", None)
    return (account is not None and account.api_key is not None) or any(keyed(p) for _, p in chain.parts())


def test_every_kind_of_node_stands_in_one_of_these_chains() -> None:
    said = json.dumps([c.dump() for c in CHAINS.values()])
    kind_of(None)
    missing = [
        k for k, kind in KINDS.items() if f'"kind": "{k}"' not in said and kind.cls.__module__.startswith("chainkit.")
    ]
    assert missing == []


@pytest.mark.parametrize("case", CHAINS)
def test_no_key_stands_in_a_dump(case: str) -> None:
    assert KEY not in json.dumps(CHAINS[case].dump())


def test_names_may_be_a_mapping_by_full_name_or_by_the_last_part() -> None:
    data = step(fs.shout).dump()
    for names in ({"dumped_functions:shout": fs.shout}, {"shout": fs.shout}):
        assert load(data, names=names).invoke("a") == "A"
    assert load(data, names={"shout": fs.later}).dump() != data


def test_a_name_that_the_loader_does_not_supply_is_named_with_the_line_to_write() -> None:
    with pytest.raises(CompositionError, match="'dumped_functions:shout', and names= does not supply it") as caught:
        load(step(fs.shout).dump(), names={"shuot": fs.shout})
    assert "names={'dumped_functions:shout': ...}" in caught.value.cure
    with pytest.raises(CompositionError, match="names= is empty"):
        load(step(fs.shout).dump())


@pytest.mark.parametrize("name", ["os:system", "builtins:eval", "subprocess:run", "dumped_functions:_private",
                                  "dumped_functions:shout.__globals__", "dumped_functions:__builtins__", "dumped_functions:"])  # fmt: skip
def test_a_dump_cannot_reach_what_was_not_named(name: str) -> None:
    data = {"chainkit": 1, "chain": {"kind": "step", "function": {"name": name}}}
    with pytest.raises(CompositionError, match="does not supply it"):
        load(data, names=[fs])


def test_loading_imports_no_module_that_the_data_names() -> None:
    data = {"chainkit": 1, "chain": {"kind": "step", "function": {"name": "this:d"}}}
    with pytest.raises(CompositionError):
        load(data)
    assert "this" not in sys.modules


def test_an_address_must_be_named_by_the_loader() -> None:
    data = model("openai:gpt-4o", base_url="http://127.0.0.1:9/v1").dump()
    with pytest.raises(CompositionError, match=r"would send requests to http://127.0.0.1:9/v1") as caught:
        load(data)
    assert "'http://127.0.0.1:9/v1': True" in caught.value.cure
    for names in ({"http://127.0.0.1:9/v1": True}, ["http://127.0.0.1:9/v1"]):
        assert load(data, names=names).account.base_url == "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    "chain",
    [step(lambda x: x, name="mine"), parallel(mine=lambda x: x), prompt("{{ x }}", x=str) | gpt | step(lambda x: x, name="mine"),
     ensemble("openai:a", combine=vote(key=lambda r: r)).named("mine")],
)  # fmt: skip
def test_a_lambda_is_refused_with_the_name_of_its_step(chain: Any) -> None:
    with pytest.raises(CompositionError, match="lambda, a closure or an object without a name") as caught:
        chain.dump()
    assert "function of a module" in caught.value.cure
    assert any(word in str(caught.value) for word in ("mine", "lambda", "vote"))


def test_a_client_cannot_be_dumped_and_the_cure_is_said() -> None:
    with pytest.raises(CompositionError, match="holds a client") as caught:
        model("openai:gpt-4o", client=object()).dump()
    assert "Run(models=...)" in caught.value.cure


@pytest.mark.parametrize(
    ("data", "words"),
    [({}, ["no dump of a chain"]), ({"chainkit": 99, "chain": {}}, ["'chainkit' is 99", "1 is wanted"]),
     ({"chainkit": 1, "chain": {"kind": "sequenze"}}, ["no kind of chain 'sequenze'", "did you mean 'sequence'?"]),
     ({"chainkit": 1, "chain": {"kind": "each", "chian": {"kind": "identity"}}}, ["each has no field 'chian'", "'chain'"]),
     ({"chainkit": 1, "chain": {"kind": "constant", "value": {"what": 1}}}, ["what"]),
     ({"chainkit": 1}, []), ({"chainkit": 1, "chain": "text"}, []), ({"chainkit": 1, "chain": {"kind": "each"}}, []),
     ({"chainkit": 1, "chain": {"kind": "step"}}, []), ({"chainkit": 1, "chain": {"kind": "model"}}, []),
     ({"chainkit": 1, "chain": {"kind": "constant", "value": {"type": "os"}}}, []),
     ({"chainkit": 1, "chain": {"kind": "model", "spec": "openai:x", "clients": 1}}, []),
     ([], []), (None, [])],
    ids=str,
)  # fmt: skip
def test_data_that_is_no_dump_is_a_composition_error(data: Any, words: list[str]) -> None:
    with pytest.raises(CompositionError) as caught:
        load(data)
    for word in words:
        assert word in str(caught.value)


def test_a_constant_of_a_mapping_that_looks_like_a_node_stays_a_mapping() -> None:
    for value in (
        {"kind": "step"},
        {"name": "os:system"},
        {"mapping": {"limit": 1}},
        {},
        {"a": {"b": [1, {"c": None}]}},
    ):
        again = load(json.loads(json.dumps(constant(value).dump())))
        assert again.invoke("x") == value


@pytest.mark.parametrize("value", [{1: 2}, {None: 1}, {("a", "b"): 1}, b"bytes", {"a": b"bytes"}, object()])
def test_a_value_without_a_form_as_data_is_refused_and_never_changed(value: Any) -> None:
    with pytest.raises(CompositionError, match=r"`constant\.value"):
        constant(value).dump()
