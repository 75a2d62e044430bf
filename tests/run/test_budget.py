"""Budgets: reserved before sending, shared by all members, refused with the cure."""

from __future__ import annotations

import asyncio

import pytest

from chainkit import Budget, Run, each, parallel
from chainkit.errors import BudgetExceeded
from chainkit.models.prices import price
from chainkit.testing import FaultServer, faults
from chainkit.usage import Usage

# What "x" may cost at the most: the estimate of its tokens, and all of max_tokens.
MOST = 1000


@pytest.fixture
def bound():
    """The most dollars that one of these calls may cost."""
    return price("openai", "gpt-4o-mini", Usage(input=20, output=MOST)).high


@pytest.mark.parametrize("mode", ["blocking", "loop"])
def test_members_side_by_side_cannot_overspend_together(asking, bound, mode):
    dear = faults.stall(faults.answer(usage=Usage(input=10, output=MOST)), seconds=0.01)
    with FaultServer(dear) as server:
        chain, run = asking(server, max_tokens=MOST), Run(budget=Budget(usd=3.5 * bound))
        if mode == "blocking":
            found = chain.batch(["x"] * 10, errors="keep", run=run)
        else:
            found = asyncio.run(chain.abatch(["x"] * 10, errors="keep", run=run))
        refused = [e for e in found if isinstance(e, BudgetExceeded)]
        assert len(server.requests) == 10 - len(refused) == 3
        assert run.cost.high <= 3.5 * bound


def test_who_does_not_fit_now_waits_for_what_comes_back(asking, bound):
    cheap = faults.stall(faults.answer(usage=Usage(input=5, output=1)), seconds=0.005)
    with FaultServer(cheap) as server:
        chain, run = asking(server, max_tokens=MOST), Run(budget=Budget(usd=2.5 * bound))
        assert [r.text for r in chain.batch(["x"] * 12, run=run)] == ["ok"] * 12
        assert server.peak == 2


def test_a_call_that_cannot_fit_is_refused_before_it_is_sent(asking):
    with FaultServer() as server:
        run = Run(budget=Budget(usd=0.000001))
        with pytest.raises(BudgetExceeded, match="is left") as caught:
            asking(server, max_tokens=MOST).invoke("x", run=run)
        assert "max_tokens" in caught.value.cure
        assert not server.requests
        assert not run.rows


def test_an_unpriced_model_is_refused_unless_the_budget_names_a_price(asking):
    with FaultServer() as server:
        chain = asking(server, spec="groq:a-model-of-ones-own", max_tokens=9)
        with pytest.raises(BudgetExceeded, match="nobody knows") as caught:
            chain.invoke("x", run=Run(budget=Budget(usd=1)))
        assert "unpriced" in caught.value.cure
        assert not server.requests
        run = Run(budget=Budget(usd=0.025, unpriced=0.01))
        assert chain.invoke("x", run=run).text == "ok"
        assert chain.invoke("x", run=run).text == "ok"
        with pytest.raises(BudgetExceeded):
            chain.invoke("x", run=run)


def test_calls_count_attempts_and_not_steps(asking):
    with FaultServer(faults.status(503, after=0.0)) as server:
        with pytest.raises(BudgetExceeded, match="2 calls"):
            asking(server, attempts=5).invoke("x", run=Run(budget=Budget(calls=2)))
        assert len(server.requests) == 2


def test_tokens_are_reserved_and_settled(asking):
    with FaultServer(faults.answer(usage=Usage(input=10, output=90))) as server:
        chain, run = asking(server, max_tokens=100), Run(budget=Budget(tokens=350))
        for _ in range(3):
            chain.invoke("x", run=run)
        with pytest.raises(BudgetExceeded, match="tokens"):
            chain.invoke("x", run=run)
        assert run.usage.total == 300


def test_an_attempt_of_unknown_cost_keeps_what_was_set_aside(asking, bound):
    with FaultServer([faults.cut(), "ok", "ok"]) as server:
        run = Run(budget=Budget(usd=2.5 * bound))
        chain = asking(server, max_tokens=MOST, attempts=1)
        with pytest.raises(Exception, match="closed the connection"):
            chain.invoke("x", run=run)
        chain.batch(["x"], run=run)
        assert run.rows[0].cost.high is None


def test_an_inner_run_charges_every_run_around_it(asking):
    with FaultServer() as server:
        chain = asking(server)
        with Run(budget=Budget(calls=3)) as outer:
            for _ in range(3):
                with Run(budget=Budget(calls=1)):
                    chain.invoke("x")
            with pytest.raises(BudgetExceeded), Run():
                chain.invoke("x")
        assert outer.calls == 3


def test_members_and_items_draw_on_one_budget(asking):
    with FaultServer() as server:
        member = asking(server).text
        chain = each(parallel(a=member, b=member))
        with pytest.raises(BudgetExceeded):
            chain.invoke(["x"] * 5, run=Run(budget=Budget(calls=7)))
        assert len(server.requests) <= 7


@pytest.mark.parametrize("field", ["usd", "tokens", "calls", "unpriced"])
def test_a_negative_budget_is_a_mistake(field):
    with pytest.raises(ValueError, match="negative"):
        Budget(**{field: -1})
