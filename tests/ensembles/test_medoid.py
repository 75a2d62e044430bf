"""The medoid: the answer that is most like the others, by whatever measure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polling import ask, scripted

from chainkit import ensemble, medoid, step
from chainkit.ensembles.similarity import characters, cosine, words
from chainkit.errors import CompositionError, EnsembleError, OutputError
from chainkit.models.embed import Embeddings
from chainkit.testing import ScriptedEmbedder
from chainkit.testing.scripted import ScriptedModel as m  # noqa: N813

SAID = ["the cat sat", "the cat sat down", "a dog"]


def test_the_answer_most_like_the_others_wins_and_every_ballot_has_its_score() -> None:
    found = ask(ensemble(*(m(s, name=str(i)) for i, s in enumerate([*SAID, "cat sat"])), combine=medoid()))
    assert found.value.text == "the cat sat"
    scores = [words(SAID[0], o) for o in (SAID[1], SAID[2], "cat sat")]
    assert found.ballots[0].score == pytest.approx(sum(scores) / 3)
    assert found.agreement == found.ballots[0].score == max(b.score for b in found.ballots)
    assert found.reason == "model scripted:0 is the most like the others: 0.552 on average"


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [("a b", "B a", 1.0), ("a b", "a c", 0.5), ("a", "b", 0.0), ("", "", 1.0), ("a a", "a", 2 / 3), ("", "a", 0.0)],
)
def test_word_likeness_is_the_f1_of_the_words(one: str, other: str, value: float) -> None:
    assert words(one, other) == words(other, one) == pytest.approx(value)


def test_character_likeness_is_the_mean_f1_of_runs() -> None:
    assert characters("ab", "ab") == characters("a b", "ab") == characters("", "") == 1.0
    assert characters("ab", "ac") == characters("ac", "ab") == pytest.approx((0.5 + 0) / 2)
    assert characters("Haus", "Häuser") > words("Haus", "Häuser") == 0


def test_cosines_are_from_0_to_1() -> None:
    assert cosine([1, 0], [2, 0]) == 1.0
    assert cosine([1, 0], [-1, 0]) == cosine([0, 0], [1, 0]) == 0.0


def test_an_embedder_is_sent_all_texts_in_one_call() -> None:
    vectors = {"x": (1.0, 0.0), "y": (1.0, 1.0), "z": (0.0, 1.0)}
    embed = ScriptedEmbedder(lambda request: Embeddings(vectors=tuple(vectors[t] for t in request.texts)))
    chain = ensemble(m("x"), m("y"), m("z"), combine=medoid(embed))
    with scripted() as run:
        found = chain.invoke("hi", run=run)
        assert run.calls == 4
    assert [request.texts for request in embed.seen] == [("x", "y", "z")]
    assert found.value.text == "y"
    assert found.agreement == pytest.approx(0.5**0.5)


def test_a_function_compares_the_values_themselves() -> None:
    members = [step(lambda _, v=v: v) for v in (1, 10, 12)]
    found = ask(ensemble(*members, combine=medoid(lambda a, b: -abs(a - b))))
    assert (found.value, found.agreement) == (10, 0.0)
    assert [b.score for b in found.ballots] == [-10, -5.5, -6.5]
    with pytest.raises(OutputError, match="no finite number"):
        ask(ensemble(*members, combine=medoid(lambda a, b: float("nan"))))


def test_weights_say_whose_company_counts_and_a_tie_goes_to_the_earliest() -> None:
    members = [step(lambda _, v=v: v) for v in ("a", "b", "b c")]
    assert ask(ensemble(*members, combine=medoid())).value == "b"
    same = [step(lambda _, v=v: v) for v in ("a b", "a c", "b c")]
    assert ask(ensemble(*same, combine=medoid())).value == "a b"
    near = [step(lambda _, v=v: v) for v in ("a", "a b", "c", "c")]
    assert ask(ensemble(*near, combine=medoid())).value == "c"
    assert ask(ensemble(*near, combine=medoid(weights=[9, 1, 1, 1]))).value == "a b"


def test_one_answer_is_taken_without_asking_an_embedder() -> None:
    embed = ScriptedEmbedder()
    found = ask(ensemble(m("a"), step(lambda _: 1 / 0), combine=medoid(embed)))
    assert (found.value.text, found.agreement, embed.seen) == ("a", 1.0, [])


def test_what_is_no_similarity_is_refused() -> None:
    for wrong in ("chars", 3, None):
        with pytest.raises(CompositionError, match="is no similarity"):
            medoid(wrong)  # type: ignore[call-overload]
    with pytest.raises(CompositionError, match="1 weights for 2 members"):
        ensemble("openai:a", "openai:b", combine=medoid(weights=[1]))
    with pytest.raises(OutputError, match="1 vectors for 2 texts"):
        ask(ensemble(m("a"), m("b"), combine=medoid(step(lambda texts: [[1.0]]))))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("ab ", max_size=5) | st.none(), min_size=1, max_size=6))
def test_the_winner_is_the_best_of_those_that_did_not_fail(said: list[str | None]) -> None:
    members = [step(lambda _: 1 / 0) if s is None else step(lambda _, v=s: v) for s in said]
    left = [s for s in said if s is not None]
    chain = ensemble(*members, combine=medoid())
    if not left:
        with pytest.raises(EnsembleError):
            ask(chain)
        return
    found: Any = ask(chain)

    def risk(at: int) -> float:
        return sum(words(left[at], o) for i, o in enumerate(left) if i != at)

    assert risk(left.index(found.value)) == pytest.approx(max(map(risk, range(len(left)))))
