"""`transformers:` through chains, in every mode; its threads, its deadlines, its files. On tiny models."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from chainkit import Run, classifier, embedder, ensemble, model, vote
from chainkit.errors import BadRequest, DeadlineExceeded, ProviderError
from chainkit.models.request import ToolSpec
from chainkit.run.events import Completed
from chainkit.testing import check_laws


PICK = ToolSpec("pick", "", {"type": "object", "properties": {"red": {"type": "boolean"}}, "required": ["red"]})


@pytest.fixture
def ask(tiny: Any) -> Any:
    return lambda **options: model("transformers:tiny", client=tiny, **{"temperature": 0, "max_tokens": 6} | options)


def busy(loaded: Any) -> bool:
    return loaded._places._free < loaded._places.count


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 1.2, "seed": 5, "n": 2},
        {"vendor": {"transformers_num_beams": 2}},
        {"output": bool, "max_tokens": 20},
        {"tools": [PICK], "tool_choice": "required", "max_tokens": 40},
    ],
    ids=["greedy", "drawn", "beams", "grammar", "tool"],
)
def test_the_laws_hold(ask: Any, options: Any) -> None:
    check_laws(ask(**options), ["Hello"])


def test_the_ledger_knows_that_it_was_free(ask: Any) -> None:
    *_, last = list(ask().events("Hello"))
    assert isinstance(last, Completed)
    (row,) = last.run.rows
    assert (row.provider, row.outcome, row.usage.output, row.cost.high) == ("transformers", "ok", 6, 0)


def test_cancelling_frees_the_model_at_once(ask: Any, tiny: Any) -> None:
    async def main() -> float:
        task = asyncio.ensure_future(ask(max_tokens=900, logit_bias={"2": -100.0}).ainvoke("Hello"))
        while not busy(tiny):
            await asyncio.sleep(0.005)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - start

    assert asyncio.run(main()) < 1
    assert not busy(tiny)


def test_a_stream_that_is_closed_frees_the_model_and_leaves_no_hook(ask: Any, tiny: Any) -> None:
    with ask(max_tokens=900, logit_bias={"2": -100.0}).stream("Hello") as stream:
        assert next(iter(stream))
    assert not busy(tiny)
    assert not any(layer._forward_pre_hooks for layer in tiny.model.modules())


def test_a_deadline_cuts_an_answer_and_one_that_waits(ask: Any, tiny: Any) -> None:
    from chainkit_providers.local.places import Ticket

    endless = ask(max_tokens=900, logit_bias={"2": -100.0})
    start = time.monotonic()
    with Run(deadline=0.3) as run, pytest.raises(DeadlineExceeded):
        endless.invoke("Hello", run=run)
    assert [row.outcome for row in run.rows] == ["cut"]
    with tiny.turn(Ticket()), pytest.raises(DeadlineExceeded):
        endless.timeout(0.2).invoke("Hello")
    assert time.monotonic() - start < 3
    assert not busy(tiny)


def test_a_long_prompt_is_given_up_between_two_layers(tiny: Any) -> None:
    from chainkit_providers.local.places import Ticket
    from chainkit_providers.transformers.loaded import GivenUp

    ticket, read = Ticket(), tiny.tokenizer("Hello", return_tensors="pt")
    with tiny.turn(ticket):
        tiny.model(**read)
        ticket.cancel()
        with pytest.raises(GivenUp):
            tiny.model(**read)


def test_many_threads_share_one_model(ask: Any) -> None:
    found: list[str] = []
    chain = ask(temperature=1.0, seed=3)
    threads = [threading.Thread(target=lambda: found.append(chain.invoke("Hi").text)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 8
    assert len(set(found)) == 1


def test_the_event_loop_goes_on_while_the_model_computes(ask: Any) -> None:
    async def main() -> int:
        turns, task = 0, asyncio.ensure_future(ask(max_tokens=100, logit_bias={"2": -100.0}).ainvoke("Hello"))
        while not task.done():
            await asyncio.sleep(0.002)
            turns += 1
        return turns

    assert asyncio.run(main()) > 5


def test_members_of_an_ensemble_may_be_one_model(ask: Any) -> None:
    members = [ask(output=bool, temperature=1.5, seed=seed, max_tokens=20) for seed in range(3)]
    assert len(ensemble(*members, combine=vote()).invoke("Is it?").ballots) == 3


def test_tokens_are_counted_before_asking(ask: Any) -> None:
    from chainkit import token_counter

    assert int(token_counter(ask()).invoke("Hello")) == ask().invoke("Hello").usage.input


def saved(folder: Path, made: Any) -> str:
    from tiny_models import tokenizer

    made.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return f"transformers:{folder}"


def test_a_folder_is_a_model_by_its_path(tmp_path: Path, torch: Any, no_models: None, ask: Any) -> None:
    from tiny_models import causal

    from chainkit_providers.transformers import loaded

    spec = saved(tmp_path, causal())
    chain = model(spec, temperature=0, max_tokens=6)
    assert chain.invoke("Hello").text == ask().invoke("Hello").text
    assert chain.invoke("Hello").text
    assert len(loaded._held) == 1
    assert len(embedder(spec).invoke("Hello").vector) == 32


def test_a_model_is_not_asked_for_what_it_was_not_trained_for(
    tmp_path: Path, torch: Any, no_models: None, capfd: pytest.CaptureFixture[str]
) -> None:
    from tiny_models import causal, classifier as sorting

    writes, sorts = saved(tmp_path / "writes", causal()), saved(tmp_path / "sorts", sorting(["a", "b"]))
    capfd.readouterr()
    with pytest.raises(BadRequest, match=r"was not made to classify: it lacks score\.weight"):
        classifier(writes).invoke("Hi")
    assert capfd.readouterr() == ("", "")
    with pytest.raises(BadRequest, match="write text"):
        model(sorts).invoke("Hi")
    assert classifier(sorts).invoke("Hi").label in ("a", "b")


def test_a_damaged_folder_is_named(tmp_path: Path, torch: Any, no_models: None) -> None:
    from tiny_models import causal

    spec = saved(tmp_path, causal())
    (tmp_path / "model.safetensors").write_bytes(b"not what it was")
    with pytest.raises(ProviderError, match=str(tmp_path)):
        model(spec).invoke("Hi")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ProviderError, match="could not be loaded"):
        model(spec).invoke("Hi")


def test_a_precision_that_is_none_is_named(
    tmp_path: Path, torch: Any, no_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tiny_models import causal

    spec = saved(tmp_path, causal())
    monkeypatch.setenv("CHAINKIT_TRANSFORMERS_DTYPE", "float7")
    with pytest.raises(Exception, match="'float7' is none of torch's types"):
        model(spec).invoke("Hi")
    monkeypatch.setenv("CHAINKIT_TRANSFORMERS_DTYPE", "bfloat16")
    assert model(spec, max_tokens=2).invoke("Hi").usage.output == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_answers_too(ask: Any) -> None:
    wanted = ask().invoke("Hello").text
    child = os.fork()
    if child == 0:
        os._exit(0 if ask().invoke("Hello").text == wanted else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_nothing_is_printed_while_a_model_is_loaded(
    tmp_path: Path, torch: Any, no_models: None, capfd: pytest.CaptureFixture[str]
) -> None:
    from tiny_models import causal

    spec = saved(tmp_path, causal())
    capfd.readouterr()
    before = set(threading.enumerate())
    model(spec, max_tokens=2).invoke("Hi")
    assert capfd.readouterr() == ("", "")
    assert not [t for t in set(threading.enumerate()) - before if not t.name.startswith("chainkit-")]
