"""The laws of a chain, for every combinator and for combinators of combinators."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chainkit import (
    agreed,
    approved,
    best,
    best_of,
    average,
    branch,
    by_meaning,
    cascade,
    consistent,
    constant,
    each,
    ensemble,
    fields,
    fuse,
    debate,
    hedge,
    mixture,
    identity,
    judge,
    loop,
    median,
    medoid,
    message,
    pairwise,
    parallel,
    prompt,
    race,
    rank,
    route,
    sequence,
    step,
    trimmed,
    union,
    vote,
)
from chainkit.compose.parallel import assign
from chainkit.ensembles.calibrated import Learned, calibrated
from chainkit.errors import BadRequest, RateLimited, ServerError, StreamBroken
from chainkit.memory import SqliteMemory, chatting, summary
from chainkit.retrieval import answering, extract, summarise
from chainkit.run.budget import Budget
from chainkit.search import as_retrieved
from chainkit.testing import ScriptedSearch, ScriptedEmbedder
from chainkit.testing.laws import check_laws
from chainkit.testing.scripted import ScriptedModel


def shout(text: str) -> str:
    return text.upper()


def fails(text: str) -> str:
    msg = f"no {text[:5]}"
    raise ValueError(msg)


async def later(text: str) -> str:
    return text + "!"


async def later_size(text: str) -> int:
    return len(text)


m = ScriptedModel


class Still(SqliteMemory):
    """A memory in which each mode finds the same conversation."""

    def __init__(self) -> None:
        super().__init__()
        for n in range(3):
            super().add("ada", [message("user", f"question {n}"), message("assistant", "yes")])

    def add(self, conversation: str, messages: object) -> None:
        """Keeps nothing."""

    def set_note(self, conversation: str, name: str, text: str) -> None:
        """Keeps nothing."""


LATE = dict(delay=3)
CHAINS = {
    "identity": lambda: identity(),
    "constant": lambda: constant("c"),
    "step": lambda: step(shout),
    "inline step": lambda: step(shout, inline=True),
    "async step": lambda: step(later) | shout,
    "a step that fails": lambda: m("a").text | fails | shout,
    "chatting": lambda: chatting(m("a b", delay=1), memory=Still(), conversation="ada", keep=summary(m("s"), after=2)),
    "a web search": lambda: ScriptedSearch(["a hi", "b"], delay=1) | as_retrieved(),
    "a web search that fails": lambda: ScriptedSearch(["a"], fail=[ServerError("s"), RateLimited("r", retry_after=1), BadRequest("b")]),
    "a web retriever, tried again": lambda: ScriptedSearch(["a hi", "b"], fail=[ServerError("s"), None]).retriever(1),
    "chatting that fails": lambda: chatting(m("a", fail=[BadRequest("n")]), memory=Still(), conversation="ada"),
    "model": lambda: m("hello there"),
    "model by list": lambda: m(["first"]) | shout,
    "prompt": lambda: constant({"x": "y"}) | prompt("say {{ x }}", x=str) | m("y"),
    "retried": lambda: m(["a", "b c"], fail=[RateLimited("r"), None]),
    "retried after pieces": lambda: m(["a b", "b c"], fail=[StreamBroken("r"), None]),
    "cut": lambda: m("a b c d", cut=2),
    "used up": lambda: m("a", fail=[ServerError("x")] * 3),
    "retry around a failing step": lambda: (m("a").text | fails).retry(2),
    "retry around a model": lambda: m(["a", "b"], fail=[ServerError("x"), None], attempts=1).retry(2),
    "fallback": lambda: m("a", fail=[BadRequest("x")]).fallback(m("other one")),
    "fallback after pieces": lambda: m("a b", fail=[StreamBroken("x")], attempts=1).fallback(m("other one")),
    "timeout": lambda: m("a", delay=5).timeout(2),
    "timeout not reached": lambda: m("a", delay=1).timeout(2),
    "timeout around parallel": lambda: parallel(a=m("a", delay=5), b=m("b")).timeout(2),
    "limit": lambda: parallel(a=m("a", delay=1), b=m("b", delay=1)).limit(1),
    "rate limit": lambda: parallel(a=m("a"), b=m("b"), c=m("c")).limit(per_minute=2),
    "named": lambda: (m("a") | shout).named("answer"),
    "parallel": lambda: parallel(a=m("a", delay=2), b=m("b b") | shout),
    "parallel with a failing branch": lambda: parallel(a=m("a", delay=5), b=m("b", delay=1, fail=[BadRequest("n")])),
    "tuple": lambda: parallel(m("a"), step(shout)),
    "assign": lambda: parallel(q=identity()) | assign(a=step(lambda d: d["q"]) | m("a"), n=len),
    "each": lambda: step(lambda x: [x, x + x]) | each(m("z", delay=1), concurrency=1),
    "each fails": lambda: step(lambda x: [x, x]) | each(m("z", fail=[None, BadRequest("x")])),
    "branch": lambda: branch(lambda x: len(x) > 1, m("long"), shout),
    "route": lambda: route(lambda _: "b", {"a": m("is a"), "b": m("is b")}),
    "route to nowhere": lambda: route(lambda _: "c", {"a": m("is a")}),
    "route by agreement": lambda: route(
        ensemble(m("a"), m("b", delay=1), combine=vote(early=False)), {"a": m("is a")}, at_least=0.9, otherwise=m("b c")
    ),
    "route by a model": lambda: route(m('"b"'), {"a": m("is a"), "b": m("is b c")}),
    "route by meaning": lambda: route(by_meaning(ScriptedEmbedder(), {"a": "hi there", "b": ["no"]}), {"a": m("is a"), "b": m("b")}),
    "loop": lambda: loop(m("again") | shout, until=lambda x: len(x) > 4, at_most=3),
    "structured": lambda: m(['{"a":1}', "3"], output=int),
    "structured, given up": lambda: m("no", output=int),
    "vote": lambda: ensemble(m("a", delay=1), m("a", delay=2), m("b", delay=3), combine=vote()),
    "answering": lambda: answering(lambda _: ["It is hi there.", "No."], m("It is hi there. [1] Else.", delay=1), verify=m('["entailed"]')),
    "summarise": lambda: summarise(m(["a", "b c"], fail=[ServerError("x"), None], delay=1), "map_reduce", size=5),
    "summarise, left out": lambda: summarise(m("a", fail=[BadRequest("x")], delay=1), "map_reduce", size=5, failing="skip"),
    "refine": lambda: summarise(m("a b", delay=1), "refine", size=5),
    "extract": lambda: extract(m('{"values": [{"value": "hi", "quote": "hi"}]}', delay=1), str, size=5),
    "answering by quotes": lambda: answering(
        lambda _: ["It is hi there."],
        m(['{"statements": 1}', '{"statements": [{"text": "Hi there.", "quotes": [{"passage": 1, "text": "hi there"}]}]}']),
        verify="quotes",
    ),
    "vote, all": lambda: ensemble(m("a", delay=1), m("a", delay=2), m("b", delay=3), combine=vote(early=False)),
    "vote with a failing member": lambda: ensemble(m("a"), m("x", fail=[BadRequest("n")]), m("b", **LATE), combine=vote()),
    "vote without quorum": lambda: ensemble(m("a"), m("x", fail=[BadRequest("n")]), combine=vote(), quorum=2),
    "vote with a deadline": lambda: ensemble(m("a"), m("b", delay=9), combine=vote(early=False), deadline=2),
    "vote, one at a time": lambda: ensemble(m("a", delay=1), m("b", delay=1), m("b"), combine=vote(), concurrency=1),
    "the same member twice": lambda: (lambda x: ensemble(x, x, combine=vote()))(m("a")),
    "vote by meaning": lambda: ensemble(m("a", delay=1), m("b", delay=2), m("c", delay=3), combine=vote(alike=m('"yes"'))),
    "vote by nearness": lambda: ensemble(
        m("a cat"), m("cat a", delay=1), m("dog"), combine=vote(alike=ScriptedEmbedder(), early=False)
    ),
    "vote with a tie judged": lambda: ensemble(m("a"), m("b", delay=1), combine=vote(ties=judge(m("2")))),
    "vote with no majority": lambda: ensemble(m("a"), m("b", delay=1), m("c"), combine=vote(at_least=0.6)),
    "vote, sequential": lambda: ensemble(*(m("a", delay=i) for i in range(9)), combine=vote(confidence=0.9), frugal=True),
    "vote, as few as needed": lambda: ensemble(m("a"), m("b", delay=1), m("a", delay=2), combine=vote(), frugal=True),
    "ensemble with a way out": lambda: ensemble(m("x", fail=[BadRequest("n")]), combine=vote(), otherwise=m("b c")).answer,
    "ensemble that tolerates none": lambda: ensemble(
        m("a", **LATE), m("x", fail=[BadRequest("n")]), combine=vote(), tolerate=0
    ),
    "a function combines": lambda: ensemble(m("a").text, m("b", delay=1).text, combine=lambda said: " ".join(said)).answer,
    "samples": lambda: consistent(m(["a"]), 3, temperatures=[0.5, 1.0], seed=1),
    "cascade": lambda: cascade(m("a"), m("b c"), accept=lambda reply: reply.text == "b c").answer,
    "cascade whose first is taken": lambda: cascade(m("a"), m("b"), accept=lambda reply: True),
    "cascade with a failing stage": lambda: cascade(m("x", fail=[BadRequest("n")]), m("b c"), accept=lambda _: True).answer,
    "cascade that ends in nothing": lambda: cascade(m("a"), m("b"), accept=[lambda _: False, lambda _: False]),
    "cascade over an ensemble": lambda: cascade(
        m("a"), ensemble(m("b"), m("b", delay=1), m("c"), combine=vote()), accept=approved(m('"no"'))
    ).answer.text,
    "cascade by agreement": lambda: cascade(consistent(m("a"), 3), m("b"), accept=agreed(0.9)),
    "mixture": lambda: mixture([m("a"), m("b", delay=1)], m("a and b")).answer,
    "mixture with a failing proposer": lambda: mixture([m("a"), m("b", fail=[BadRequest("n")])], m("c d"), layers=3).answer.text,
    "debate": lambda: debate([m("a"), m("b", delay=1), m("b")]),
    "debate that agrees at once": lambda: debate([m("a"), m("A.", delay=1)], rounds=5),
    "debate with a judge": lambda: debate([m("a"), m("b")], judge=m("2")).answer,
    "debate without quorum": lambda: debate([m("a"), m("b", fail=[BadRequest("n")])], quorum=2),
    "calibrated": lambda: calibrated(
        [m("a", name="x", delay=2), m("b", name="y")], Learned(("model scripted:y", "model scripted:x"), (1.0, 2.0), 1.0, 0.0)
    ),
    "calibrated, sure enough": lambda: calibrated(
        [m("a", name="x"), m("b", name="y", delay=3)], Learned(("model scripted:x", "model scripted:y"), (3.0, 1.0), 1.0, 0.0),
        confidence=0.9,
    ).answer,
    "hedge in time": lambda: hedge(m("a", delay=1), m("b"), after=2, extra=1),
    "hedge too late": lambda: hedge(m("a", delay=9), m("b", delay=1), after=2, extra=1).answer,
    "hedge after a failure": lambda: hedge(m("a", fail=[BadRequest("n")]), m("b c"), after=5).answer,
    "hedge at once": lambda: hedge(m("a", delay=2), m("b", delay=1), after=0),
    "race": lambda: race(m("a", delay=2), m("b", delay=1)),
    "race with a failing leader": lambda: race(m("a", delay=2), m("b", delay=1, fail=[BadRequest("n")])),
    "fields": lambda: ensemble(
        m('{"a": 1, "b": "x"}', output=dict[str, Any], delay=1), m('{"a": 2, "b": "y"}', output=dict[str, Any]), m("x", output=dict[str, Any]),
        combine=fields({"a": average(), "b": judge(m("2"))}),
    ),
    "average": lambda: ensemble(m("1", delay=1), m("x"), m("4"), combine=average()).answer,
    "median": lambda: ensemble(m("1", **LATE), m("3", delay=1), m("2", fail=[BadRequest("n")]), combine=median()),
    "trimmed": lambda: ensemble(m("1"), m("2", delay=2), m("9"), combine=trimmed(0.4)),
    "union": lambda: ensemble(m('["a"]', output=list[str]), m('["b"]', output=list[str], delay=1), combine=union()),
    "medoid": lambda: ensemble(m("a b", delay=1), m("a c"), m("b", fail=[BadRequest("n")]), combine=medoid()).answer,
    "medoid by vectors": lambda: ensemble(m("a b", delay=1), m("a c"), combine=medoid(ScriptedEmbedder())).answer,
    "judge": lambda: ensemble(m("a"), m("b"), combine=judge(m("2"))).answer,
    "judges in both orders": lambda: ensemble(
        m("a"), m("b"), combine=judge(m("2"), m("1", delay=1), m("x", fail=[BadRequest("n")]), swap=True)
    ),
    "judges that all fail": lambda: ensemble(m("a"), m("b"), combine=judge(m("no").text, m("x", fail=[BadRequest("n")]).text)),
    "judge, one at a time": lambda: ensemble(m("a"), m("b"), combine=judge(m("7", delay=1), m("3"), way="one at a time")),
    "pairwise": lambda: ensemble(m("a"), m("b"), m("c"), combine=pairwise(m('"second"'))),
    "pairwise, a knockout by a function": lambda: ensemble(
        m("a").text, m("b").text, m("c").text, combine=pairwise(lambda q, a, b: "second", plan="knockout", swap=False)
    ).answer,
    "rank": lambda: ensemble(m("a"), m("b"), m("c"), combine=rank(m("[3,1,2]"), m("[3,2,1]", delay=1))),
    "best by a function": lambda: ensemble(m("a").text, m("a b").text, combine=best(len)).answer,
    "best, until it is enough": lambda: ensemble(
        m("a").text, m("a b", delay=1).text, m("a b c", delay=2).text, combine=best(later_size, enough=3)
    ),
    "best by a chain": lambda: best_of(m(["a"]).text, 3, score=m("0.5").text | float, seed=1),
    "best without a number": lambda: best_of(m("a").text, 2, score=lambda text: float("nan")),
    "fuse": lambda: ensemble(m("a"), m("b"), combine=fuse(m("a and b"))).answer,
    "fuse that breaks": lambda: ensemble(m("a"), m("b"), combine=fuse(m("a and b", cut=1))).answer.text,
    "ensemble of ensembles": lambda: ensemble(
        ensemble(m("a"), m("a"), combine=vote()), ensemble(m("b", delay=1), m("a"), combine=vote()), combine=vote()
    ).answer.text,
}  # fmt: skip


@pytest.mark.parametrize("kind", CHAINS)
def test_every_combinator_keeps_the_laws(kind: str) -> None:
    check_laws(CHAINS[kind](), ["hi"])


@pytest.mark.parametrize("kind", ["vote", "parallel", "retried", "fallback", "structured, given up"])
def test_the_laws_hold_under_a_budget(kind: str) -> None:
    check_laws(CHAINS[kind](), ["hi"], runs=lambda: {"budget": Budget(calls=2)})


@pytest.mark.parametrize("kind", ["vote", "parallel", "retried", "fallback", "timeout", "each"])
def test_the_laws_hold_under_a_deadline(kind: str) -> None:
    check_laws(CHAINS[kind](), ["hi"], runs=lambda: {"deadline": 1.5})


FAULTS = st.sampled_from(
    [None, ServerError("s"), BadRequest("b"), StreamBroken("c"), RateLimited("r", retry_after=0.25)]
)
LEAVES = st.builds(
    lambda text, delay, faults, cut: ScriptedModel(text, delay=delay, fail=faults, cut=cut).text,
    st.sampled_from(["a", "b", "a b c", "Ü ß", ""]),
    st.sampled_from([0.0, 0.5, 1.0, 7.0]),
    st.lists(FAULTS, max_size=3),
    st.sampled_from([None, None, None, 1]),
) | st.sampled_from([step(shout), step(later), step(fails), identity()])


def combined(inner: st.SearchStrategy) -> st.SearchStrategy:
    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda cs: sequence(*cs)),
        several.map(lambda cs: parallel(**{f"b{i}": c for i, c in enumerate(cs)}) | (lambda d: " ".join(d.values()))),
        several.map(lambda cs: ensemble(*cs, combine=vote()).answer),
        several.map(lambda cs: ensemble(*cs, combine=vote(early=False), deadline=5.5).answer),
        several.map(lambda cs: ensemble(*cs, combine=vote(), frugal=True, tolerate=1).answer),
        several.map(lambda cs: race(*cs).answer),
        several.map(lambda cs: ensemble(*cs, combine=best(len, enough=3), frugal=True).answer),
        several.map(lambda cs: ensemble(*cs, combine=judge(ScriptedModel("1"), ScriptedModel("2"), swap=True)).answer),
        several.map(lambda cs: cascade(*cs, accept=lambda text: len(text) % 2, deadline=5.5).answer),
        st.tuples(inner, inner).map(lambda cs: cs[0].fallback(cs[1])),
        st.tuples(inner, inner).map(lambda cs: branch(lambda x: len(x) % 2, cs[0], cs[1])),
        inner.map(lambda c: c.retry(2, backoff=0.25)),
        inner.map(lambda c: c.timeout(2.25)),
        inner.map(lambda c: c.limit(1)),
        inner.map(lambda c: c.named("part")),
        inner.map(lambda c: step(lambda x: [x, x + "1"]) | each(c) | " ".join),
    )


@pytest.mark.slow
@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.recursive(LEAVES, combined, max_leaves=5))
def test_any_composition_keeps_the_laws(chain) -> None:
    check_laws(chain, ["hi"])
