"""What calls cost: from the list, Unknown where it is silent, free where it is local, never 0 for unknown."""

from __future__ import annotations

from typing import Any

import pytest

from chainkit import Run, model, parallel
from chainkit.errors import ServerError
from chainkit.messages import Text
from chainkit.models.prices import price
from chainkit.models.profile import Profile
from chainkit.models.reply import Reply
from chainkit.testing.clock import ScriptedIo
from chainkit.testing.scripted import ScriptedModel
from chainkit.usage import FREE, NO_USAGE, UNKNOWN, Usage

KNOWN = [("openai", "gpt-4o-mini"), ("anthropic", "claude-3-5-haiku-latest"), ("cohere", "command-r-08-2024"),
         ("groq", "llama-3.3-70b-versatile"), ("deepseek", "deepseek-chat"), ("mistral", "mistral-large-latest")]  # fmt: skip
MILLION = Usage(input=1_000_000, output=1_000_000)


@pytest.mark.parametrize(("provider", "name"), KNOWN)
def test_a_model_of_the_list_has_an_exact_price_that_grows_with_its_tokens(provider: str, name: str) -> None:
    one, two = price(provider, name, MILLION), price(provider, name, MILLION + MILLION)
    assert one.exact
    assert 0 < one.low < two.low


def test_a_known_price_is_the_one_on_the_list() -> None:
    assert price("openai", "gpt-4o-mini", MILLION).low == pytest.approx(0.15 + 0.60)
    assert price("openai", "gpt-4o-mini", Usage(input=1_000_000, output=0)).low == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("provider", "name"),
    [("openai", "gpt-99-not-made"), ("anthropic", "nobody"), ("cohere", "zzz"), ("nobody", "gpt-4o"), ("x", "y")],
)
def test_what_the_list_does_not_know_is_unknown_and_never_nothing(provider: str, name: str) -> None:
    assert price(provider, name, MILLION) == UNKNOWN


def test_cached_tokens_cost_less_and_are_counted_once() -> None:
    cached = price("openai", "gpt-4o-mini", Usage(input=1_000_000, output=0, cached=1_000_000))
    assert 0 < cached.low < price("openai", "gpt-4o-mini", Usage(input=1_000_000, output=0)).low


def asked(stand_in: Any, chain: Any = None, **rules: Any) -> Run:
    io = ScriptedIo()
    run = Run(io=io, keep=True, models={"*": stand_in}, **rules)
    try:
        (chain or model("openai:gpt-4o-mini")).invoke("hi there", run=run)
    finally:
        io.close()
    return run


def priced(answers: Any = "a b", **rules: Any) -> ScriptedModel:
    return ScriptedModel(answers, profile=Profile("openai", "gpt-4o-mini"), **rules)


def test_a_reply_and_its_run_cost_the_same() -> None:
    run = Run(models={"*": priced()})
    reply = model("openai:gpt-4o-mini").invoke("hi there", run=run)
    assert reply.cost == run.cost == price("openai", "gpt-4o-mini", reply.usage)
    assert run.cost.exact


def test_a_failed_attempt_makes_the_whole_at_least_or_unknown_never_exact() -> None:
    run = asked(priced(["", "a"], fail=[ServerError("s"), None]))
    assert len(run.rows) == 2
    assert run.cost.kind == "AtLeast"
    assert run.cost.low == run.rows[1].cost.low


@pytest.mark.parametrize("usage", [NO_USAGE, Usage(cached=3)])
def test_a_reply_that_reports_no_usage_costs_nobody_knows_what(usage: Usage) -> None:
    run = asked(priced(Reply((Text("a"),), usage=usage)))
    assert run.cost == UNKNOWN


def test_a_model_that_is_not_on_the_list_costs_nobody_knows_what() -> None:
    assert asked(priced(), model("openai:gpt-99-not-made")).cost == UNKNOWN


def test_a_local_model_is_free_also_where_it_reports_nothing() -> None:
    local = ScriptedModel(Reply((Text("a"),)), profile=Profile("local", "m", local=True))
    run = asked(local, model("openai:gpt-4o-mini"))
    assert run.cost == FREE


def test_known_and_unknown_costs_add_up_to_at_least_the_known() -> None:
    run = asked(priced(), parallel(a=model("openai:gpt-4o-mini"), b=model("openai:gpt-99-not-made")))
    assert run.cost.kind == "AtLeast"
    assert run.cost.low == pytest.approx(sum(r.cost.low or 0 for r in run.rows))


def test_a_bound_of_a_call_is_unknown_without_a_limit_of_its_answer() -> None:
    from chainkit.messages import as_messages
    from chainkit.models.request import ChatRequest
    from chainkit.models.resolve import Resolved

    found = Resolved("openai", "gpt-4o-mini", priced().script, Profile("openai", "gpt-4o-mini"))
    messages = as_messages("hi there, you")
    assert found.bound(ChatRequest("gpt-4o-mini", messages))[1] == UNKNOWN
    tokens, dollars = found.bound(ChatRequest("gpt-4o-mini", messages, {"max_tokens": 100}))
    assert tokens > 100
    assert dollars.low > price("openai", "gpt-4o-mini", Usage(input=4, output=99)).low
    thrice = found.bound(ChatRequest("gpt-4o-mini", messages, {"max_tokens": 100, "n": 3}))[1]
    assert thrice.low > dollars.low
