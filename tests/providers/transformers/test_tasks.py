"""Texts classified and embedded by small models in this process."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from chainkit import classifier, embedder
from chainkit.errors import BadRequest
from chainkit.testing import check_laws


@pytest.fixture(scope="module")
def sorting(torch: Any) -> Any:
    """A classifier of three labels, with a client for it."""
    from tiny_models import classifier as made, tokenizer

    from chainkit_providers.transformers import Loaded

    return Loaded(made(["ham", "spam", "other"]), tokenizer(), name="sorting")


def test_a_text_gets_the_score_of_each_label(sorting: Any, torch: Any) -> None:
    found = classifier("transformers:x", client=sorting).invoke("Hello there")
    read = sorting.tokenizer("Hello there", return_tensors="pt")
    with torch.inference_mode():
        wanted = sorting.model(**read).logits.softmax(-1)[0].tolist()
    assert found.scores == pytest.approx(dict(zip(["ham", "spam", "other"], wanted, strict=True)))
    assert list(found.scores.values()) == sorted(found.scores.values(), reverse=True)
    assert found.score == max(wanted)
    assert str(found) == found.label
    assert found.usage.input == read["input_ids"].shape[1]
    assert found.cost.high == 0


def test_the_laws_hold_for_a_classifier_and_an_embedder(sorting: Any, tiny: Any) -> None:
    check_laws(classifier("transformers:x", client=sorting), ["Hello"])
    check_laws(embedder("transformers:x", client=tiny), [["Hello", "there"]])


def test_a_text_that_is_too_long_is_cut_with_a_warning(sorting: Any) -> None:
    found = classifier("transformers:x", client=sorting).invoke("Grüße " * 40)
    assert found.usage.input == 64
    assert "of which sorting reads the first 64" in found.warnings[0]


def test_labels_need_a_model_that_knows_what_follows_from_what(sorting: Any, torch: Any) -> None:
    from tiny_models import classifier as made, tokenizer

    from chainkit_providers.transformers import Loaded

    with pytest.raises(BadRequest, match="has labels of its own: ham, spam, other"):
        classifier("transformers:x", client=sorting, labels=["a", "b"]).invoke("Hi")
    judging = Loaded(made(["entailment", "neutral", "contradiction"]), tokenizer())
    one = classifier("transformers:x", client=judging, labels=["sport", "money"]).invoke("Hi")
    assert set(one.scores) == {"sport", "money"}
    assert math.fsum(one.scores.values()) == pytest.approx(1)
    many = classifier(
        "transformers:x", client=judging, labels=["sport", "money"],
        vendor={"transformers_multi_label": True, "transformers_hypothesis_template": "It is {}."},
    ).invoke("Hi")  # fmt: skip
    assert math.fsum(many.scores.values()) != pytest.approx(1)


def test_vectors_have_length_one_and_do_not_hang_on_what_stands_beside(tiny: Any) -> None:
    texts = ["Hello", "Hello there, this is a longer text", "Rome"] * 7
    together = embedder("transformers:x", client=tiny).invoke(texts)
    alone = embedder("transformers:x", client=tiny).invoke("Rome").vector
    assert [math.hypot(*v) for v in together] == pytest.approx([1.0] * 21)
    assert list(together[2]) == pytest.approx(list(alone), abs=1e-5)
    assert together.usage.input == sum(len(i) for i in tiny.tokenizer(texts)["input_ids"])


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_tokens_become_one_vector_as_asked(tiny: Any, torch: Any, pooling: Any) -> None:
    read = tiny.tokenizer("Hello there", return_tensors="pt")
    with torch.inference_mode():
        hidden = tiny.model(**read, output_hidden_states=True).hidden_states[-1][0]
    pooled = {"mean": hidden.mean(0), "cls": hidden[0], "last": hidden[-1]}[pooling]
    wanted = (pooled / pooled.norm()).tolist()
    found = embedder("transformers:x", client=tiny, vendor={"transformers_pooling": pooling}).invoke("Hello there")
    assert list(found.vector) == pytest.approx(wanted, abs=1e-5)


def test_a_folder_of_sentence_transformers_says_how(tmp_path: Path, torch: Any, no_models: None) -> None:
    from tiny_models import causal, tokenizer

    causal().save_pretrained(tmp_path)
    tokenizer().save_pretrained(tmp_path)
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_cls_token": True}))
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "question: "}}))
    spec = f"transformers:{tmp_path}"
    by_cls = embedder(spec, vendor={"transformers_pooling": "cls"})
    assert embedder(spec).invoke("Hi").vector == by_cls.invoke("Hi").vector
    assert embedder(spec, task="query").invoke("Hi").vector == by_cls.invoke("question: Hi").vector
    assert embedder(spec, task="document").invoke("Hi").vector == by_cls.invoke("Hi").vector


def test_no_texts_have_no_vectors(tiny: Any) -> None:
    assert len(embedder("transformers:x", client=tiny).invoke([])) == 0
