"""Scripted models that are asked something other than a chat: always alike, and real in what they give."""

from __future__ import annotations

import io
import math
import pickle
import wave
import zlib
from typing import Any

import pytest

from chainkit import Run, classifier, embedder, image_model, model, reranker, speaker, transcriber
from chainkit.errors import ChainkitError, RateLimited
from chainkit.models.embed import Embeddings
from chainkit.testing import (
    ScriptedClassifier,
    ScriptedEmbedder,
    ScriptedImageModel,
    ScriptedModel,
    ScriptedReranker,
    ScriptedSpeaker,
    ScriptedTranscriber,
)
from chainkit.testing.scripted_tasks import embedding, picture, sound


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_a_scripted_vector_has_length_one_and_is_near_where_words_are_shared() -> None:
    cat, cats, money = (embedding(t) for t in ("the cat sat down", "a cat sat", "quarterly revenue grew"))
    assert math.isclose(cosine(cat, cat), 1)
    assert cosine(cat, cats) > 0.5 > abs(cosine(cat, money))
    assert embedding("The CAT, sat down!") == cat, "case and marks do not matter"
    assert embedding("") == embedding("")
    assert len(embedding("a", 7)) == 7


def test_it_is_the_same_in_every_process() -> None:
    assert [round(x, 4) for x in embedding("a cat", 4)] == [round(x, 4) for x in embedding("cat a", 4)]
    where = [i for i, x in enumerate(embedding("kettle", 1000)) if x]
    assert where == [where[0]]
    assert pickle.loads(pickle.dumps(ScriptedEmbedder())).invoke("kettle") == ScriptedEmbedder().invoke("kettle")


def test_pictures_and_sound_are_real() -> None:
    png = picture("a", (3, 2))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at = png.index(b"IDAT") + 4
    assert len(zlib.decompress(png[at:])) == 2 * (1 + 3 * 3)
    with wave.open(io.BytesIO(sound("abc"))) as file:
        assert (file.getnframes(), file.getnchannels()) == (240, 1)


@pytest.mark.parametrize(
    ("scripted", "value"),
    [
        (ScriptedEmbedder, "a"),
        (ScriptedReranker, {"query": "a", "documents": ["a", "b"]}),
        (ScriptedImageModel, "a"),
        (ScriptedTranscriber, sound("a")),
        (ScriptedSpeaker, "a"),
        (ScriptedClassifier, "a"),
    ],
)
def test_each_fails_and_answers_as_it_is_told(scripted: Any, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chainkit.run.layers.retry.pause", lambda failed, error: 0.0)
    chain = scripted(fail=[RateLimited("slow down"), None])
    with Run() as run:
        first = chain.invoke(value)
    assert [row.outcome for row in run.rows] == ["error", "ok"]
    assert len(chain.seen) == 2
    assert scripted().invoke(value) == first
    assert scripted(first).invoke(value) == first
    assert scripted(lambda request: first).invoke(value) == first
    once = scripted([first])
    assert once.invoke(value) == first
    with pytest.raises(ChainkitError, match="used up"):
        once.invoke(value)
    with pytest.raises(RateLimited):
        scripted(RateLimited("no"), attempts=1).invoke(value)
    assert scripted().render(value)[0].body["model"] == "model"


def test_an_answer_may_be_given_for_each_attempt() -> None:
    answers = [Embeddings(vectors=([1.0],)), Embeddings(vectors=([2.0],))]
    assert ScriptedEmbedder(answers).invoke("a").vector == [1.0]


def test_one_scripted_model_stands_in_for_every_kind() -> None:
    whole = transcriber("openai:whisper-1").text | model("openai:gpt-5-mini").text | speaker("openai:tts-1")
    with Run(models={"openai:*": ScriptedModel("well said")}) as run:
        assert whole.invoke(sound("a")).media.media_type == "audio/wav"
        assert embedder("openai:e").invoke("a").vector == embedding("a")
        assert image_model("openai:i").invoke("a").image.media_type == "image/png"
        assert classifier("openai:c", labels=["a", "b"]).invoke("x").label == "well said"
        assert reranker("openai:r").invoke({"query": "b", "documents": ["a", "b"]}).documents == ["b", "a"]
    assert [row.kind for row in run.rows] == ["transcribe", "chat", "speak", "embed", "image", "classify", "rerank"]
