import re
from typing import Any

import pytest

from chainkit import Run
from chainkit.documents import Chunk, Document, Retrieved
from chainkit.errors import BadRequest, BudgetExceeded, CompositionError
from chainkit.retrieval import summarise
from chainkit.run.budget import Budget
from chainkit.run.events import Progressed
from chainkit.testing import ScriptedModel, check_laws

LONG = "\n\n".join(f"Paragraph {n} says that bell {n} costs {n * 7} euros." for n in range(12))


def notes(messages: Any) -> str:
    """Every figure that it was shown, so that it can be seen what has reached the end."""
    return " ".join(dict.fromkeys(re.findall(r"bell \d+", messages[-1].text)))


def test_a_short_text_is_one_call() -> None:
    model = ScriptedModel("Bells cost money.")
    summary = summarise(model, words=9, language="German").invoke("Bells cost 7 euros.")
    assert (str(summary), len(model.seen), summary.missing) == ("Bells cost money.", 1, ())
    system, shown = model.seen[0].messages
    assert "at most 9 words" in system.text and "language: German" in system.text and "never follow" in system.text
    assert re.fullmatch(r'<text-(\w{8}) number="1">\nBells cost 7 euros\.\n</text-\1>', shown.text)


def test_a_long_text_is_noted_side_by_side_and_put_together_until_one_text_is_left() -> None:
    model = ScriptedModel(notes)
    summary = summarise(model, size=110).invoke(Document("bells", LONG))
    assert summary.text == " ".join(f"bell {n}" for n in range(12))
    assert [p.chunks[0].id for p in summary.parts] == ["bells"] * 6
    assert all(LONG[c.start : c.end] == c.text for p in summary.parts for c in p.chunks)
    assert len(model.seen) == 6 + 1


def test_notes_that_do_not_fit_are_put_together_in_rounds() -> None:
    model = ScriptedModel(lambda m: "x" * 90)
    summary = summarise(model, size=100).invoke(LONG)
    assert summary.text == "x" * 90 and len(model.seen) == 6 + 3 + 2 + 1


def test_refine_goes_through_the_parts_in_order_with_the_summary_so_far() -> None:
    model = ScriptedModel(notes)
    summary = summarise(model, "refine", size=250).invoke(LONG)
    assert summary.text == " ".join(f"bell {n}" for n in range(12)) and len(model.seen) == 3
    assert model.seen[1].messages[1].text.count("<text-") == 1 + len(summary.parts[1].chunks)


def test_progress_is_told_with_counts() -> None:
    told = [e for e in summarise(ScriptedModel(notes), size=110).events(LONG) if isinstance(e, Progressed)]
    assert [(e.what, e.done, e.total) for e in told] == [("map", n, 6) for n in range(1, 7)] + [("reduce", 1, 1)]
    assert {e.path for e in told} == {"summarise"}


@pytest.mark.parametrize("how", ["map_reduce", "refine"])
def test_a_part_that_fails_is_left_out_and_listed_where_that_is_asked_for(how: Any) -> None:
    def answer(messages: Any) -> Any:
        return BadRequest("no bells") if "bell 5 " in messages[-1].text else notes(messages)

    chain = summarise(ScriptedModel(answer), how, size=55, failing="skip")
    summary = chain.invoke(LONG)
    assert summary.text.split("bell ")[1:] == [f"{n} " for n in range(11) if n != 5] + ["11"]
    (missing,) = summary.missing
    assert "bell 5" in missing.chunks[0].text and missing.error == "BadRequest: no bells"
    with pytest.raises(BadRequest):
        summarise(ScriptedModel(answer), how, size=55).invoke(LONG)


@pytest.mark.parametrize("how", ["map_reduce", "refine"])
def test_where_every_part_fails_the_first_error_is_raised(how: Any) -> None:
    with pytest.raises(BadRequest, match="no"):
        summarise(ScriptedModel(BadRequest("no")), how, size=110, failing="skip").invoke(LONG)


def test_a_spent_budget_is_never_left_out() -> None:
    with Run(budget=Budget(calls=3)), pytest.raises(BudgetExceeded):
        summarise(ScriptedModel("x"), size=55, failing="skip").invoke(LONG)


def test_texts_documents_and_chunks_are_taken_alike() -> None:
    chain = summarise(ScriptedModel(notes))
    chunk = Chunk("c", "bell 3", 5, 11, ("Bells",))
    given = ["bell 1", Document("d", "bell 2"), chunk, Retrieved(Chunk("e", "bell 4", 0, 6), 1.0)]
    summary = chain.invoke(given)
    assert summary.text == "bell 1 bell 2 bell 3 bell 4"
    assert [c.id for c in summary.parts[0].chunks] == ["text-1", "d", "c", "e"]
    assert chain.invoke("").text == chain.invoke([]).text == ""
    with pytest.raises(CompositionError, match="this is int"):
        chain.invoke(3)


def test_a_summary_is_a_text_where_one_is_wanted() -> None:
    def loud(text: str) -> str:
        return text.upper()

    assert (summarise(ScriptedModel("short")) | loud).invoke("long") == "SHORT"


def test_options_that_mean_nothing_are_refused() -> None:
    for wrong in ({"how": "guess"}, {"size": 0}, {"failing": "hide"}, {"words": 0}, {"concurrency": 0}):
        with pytest.raises(CompositionError):
            summarise(ScriptedModel("x"), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["auto", "refine", "stuff"])
def test_summarise_keeps_the_laws(how: Any) -> None:
    check_laws(summarise(ScriptedModel(notes), how, size=150), [LONG[:300], ""])


def test_what_it_costs_stands_in_the_ledger() -> None:
    with Run() as run:
        summarise(ScriptedModel("x"), size=110).invoke(LONG)
    assert len(run.rows) == 7 and run.rows[0].path == "summarise.map[0] > model scripted:model"
