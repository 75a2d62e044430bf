"""Recorded answers to what is no chat - vectors, rankings, pictures, sound - are read as an independent parser reads
them, and what we would send is what was sent but for differences that have a reason."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.errors import BadRequest, ProviderError
from chainkit.models.embed import EmbedRequest
from chainkit.models.late import imported
from chainkit.models.image import ImageRequest
from chainkit.models.media import media_type_of
from chainkit.models.registry import find
from chainkit.models.rerank import RerankRequest
from chainkit.models.speak import SpeakRequest
from chainkit.models.transcribe import TranscribeRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

OURS = ("openai", "azure", "cohere", "mistral", "voyage", "openrouter", "perplexity", "together", "xai")
KINDS = ("embed", "rerank", "image", "audio")

MISREAD = {
    "perplexity-embed-904ba47c2d7b8b": "the reading takes the bytes for floats of 32 bits, 64 of them up to 1e31; "
    "the request asks for 256 numbers, and the answer holds 256 bytes a vector: signed bytes, as its vendor documents"
}
"""Lines that the corpus reads wrongly, and how that is seen."""

STREAMED = {"openai-audio-be16184e2a9449": "a transcription that was asked for as a stream, which we do not ask for"}
"""Lines that answer what we never ask."""


def lines(everything: list[Any], *kinds: str) -> Iterable[Any]:
    """The lines of those kinds, of the vendors that these wires are for."""
    return (x for x in everything if x.provider in OURS and x.kind in kinds and x.id not in STREAMED)


def wire(line: Any, task: str) -> Any:
    """The wire of that vendor."""
    return imported(find(line.provider).tasks[task])  # type: ignore[attr-defined]


def vectors(line: Any) -> Any:
    """The vectors of an answer."""
    texts = ("x",) * line.says["embed"]["n"]
    return wire(line, "embed").decode(json.loads(line.body), EmbedRequest("m", texts=texts))


def test_every_recorded_vector_is_read_as_the_corpus_reads_it(everything: list[Any]) -> None:
    agreed: Counter[str] = Counter()
    for line in lines(everything, "embed"):
        says, found = line.says["embed"], vectors(line)
        if line.id in MISREAD:
            assert {len(v) for v in found.vectors} == {line.request["dimensions"]}
            continue
        assert len(found) == says["n"], line.id
        assert {len(v) for v in found.vectors} == {says["dims"]}, line.id
        assert found[0][:4] == pytest.approx(says["head"], abs=1e-9), line.id
        assert found.usage.input == tokens(says["usage"]), line.id
        agreed[line.provider] += 1
    assert agreed.total() >= 34
    assert set(agreed) == {"openai", "azure", "cohere", "mistral", "voyage", "openrouter"}


def tokens(usage: dict[str, Any]) -> int | None:
    """What a vendor calls the tokens it read."""
    billed = usage.get("billed_units", {})
    found: int | None = usage.get("prompt_tokens", usage.get("total_tokens", billed.get("input_tokens")))
    return found


def test_every_recorded_ranking_is_read_as_the_corpus_reads_it(everything: list[Any]) -> None:
    seen = 0
    for line in lines(everything, "rerank"):
        texts = tuple(line.request["documents"])
        found = wire(line, "rerank").decode(json.loads(line.body), RerankRequest("m", query="q", texts=texts))
        assert [[r.index, r.score] for r in found] == line.says["rerank"]["order"], line.id
        seen += 1
    assert seen == 2


def test_every_recorded_picture_is_a_picture_or_says_where_it_is(everything: list[Any]) -> None:
    seen: Counter[str] = Counter()
    for line in lines(everything, "image"):
        found = wire(line, "image").decode(json.loads(line.body), ImageRequest(line.request["model"]))
        image = found.image
        assert image.url is not None if image.data is None else media_type_of(image.data) == image.media_type
        assert found.usage.output or found.usage.units, line.id
        told = json.loads(line.body)["usage"]
        if "cost" in told or "cost_in_usd_ticks" in told:
            assert found.cost.low == pytest.approx(told.get("cost", told.get("cost_in_usd_ticks", 0) / 1e10))
        seen[line.provider] += 1
    assert seen == {"openai": 2, "openrouter": 1, "xai": 1}


def test_every_recorded_sound_is_sound_and_every_transcript_its_text(everything: list[Any]) -> None:
    seen: Counter[str] = Counter()
    for line in lines(everything, "audio"):
        if line.endpoint.endswith("/speech"):
            way, text = wire(line, "speak"), line.request["input"]
            body = line.body if way.answer == "bytes" else json.loads(line.body)
            said = way.decode(body, SpeakRequest("m", text=text))
            assert media_type_of(said.data) == said.media.media_type == "audio/mpeg"
            seen["speak"] += 1
        else:
            heard = wire(line, "transcribe").decode(json.loads(line.body), TranscribeRequest("m"))
            assert heard.text == json.loads(line.body)["text"]
            seen["transcribe"] += 1
    assert seen == {"speak": 2, "transcribe": 2}


def test_every_recorded_refusal_of_these_is_an_error_of_ours(everything: list[Any]) -> None:
    words = ("/embeddings", "/images/", "/audio/", "/rerank")
    refused = [
        x for x in everything if x.kind == "error" and x.provider in OURS and any(w in x.endpoint for w in words)
    ]
    for line in refused:
        error = wire(line, "embed").error(line.status, line.headers, line.body)
        assert isinstance(error, ProviderError)
        assert type(error) is BadRequest, line.id
        assert json.loads(line.body)["error"]["message"][:40] in error.message
    assert len(refused) == 3


WITHOUT = {"user", "encoding_format", "truncate", "truncation", "input_type", "output_dimension", "output_dtype"}
"""Fields that we send with a value of ours, or that nobody set (null): see the wires for the reasons."""


def test_what_we_send_for_vectors_and_rankings_is_what_was_recorded(everything: list[Any]) -> None:
    compared = 0
    for line in lines(everything, "embed", "rerank"):
        given = dict(line.request)
        if line.kind == "embed" and not texts(given):
            continue  # numbers of tokens, which we do not take
        ours = sent(line, given)
        assert {k: v for k, v in ours.items() if k not in WITHOUT} == recorded(given), line.id
        compared += 1
    assert compared >= 30


def texts(given: dict[str, Any]) -> list[str]:
    """The texts of a recorded request."""
    found = given.get("input", given.get("texts"))
    found = [found] if isinstance(found, str) else found
    return found if all(isinstance(t, str) for t in found) else []


def sent(line: Any, given: dict[str, Any]) -> dict[str, Any]:
    """What our wire makes of the same question."""
    options = {"dimensions": given["dimensions"]} if "dimensions" in given else {}
    if line.kind == "rerank":
        options = {"top_n": given.get("top_k", given.get("top_n"))}
        request: Any = RerankRequest(given["model"], options, query=given["query"], texts=tuple(given["documents"]))
    else:
        options |= {"task": given["input_type"].removeprefix("search_")} if given.get("input_type") else {}
        options |= {"extra": {"embedding_types": given["embedding_types"]}} if "embedding_types" in given else {}
        request = EmbedRequest(given["model"], options, texts=tuple(texts(given)))
    body: dict[str, Any] = wire(line, line.kind).encode(request, dict(options))
    return body


def recorded(given: dict[str, Any]) -> dict[str, Any]:
    """A recorded body with its one text as a list, without what has no value."""
    plain = {k: v for k, v in given.items() if k not in WITHOUT and v is not None}
    return plain | ({"input": texts(given)} if "input" in plain else {})


def test_what_we_send_for_pictures_and_speech_is_what_was_recorded(everything: list[Any]) -> None:
    compared = 0
    for line in lines(everything, "image", "audio"):
        given = line.request
        if given is None:
            continue  # a form: its bytes were not kept
        if line.kind == "image":
            options = {k: given[k] for k in ("size", "quality", "n") if k in given}
            images = tuple(pictured(i) for i in given.get("images", ()))
            request: Any = ImageRequest(given["model"], options, prompt=given["prompt"], images=images)
            ours = wire(line, "image").encode(request, dict(options))
            ours.pop("response_format", None)  # xai gives a URL unless it is asked for the picture
        else:
            options = {"voice": given["voice"]}
            options |= {"format": given["response_format"]} if "response_format" in given else {}
            request = SpeakRequest(given["model"], options, text=given["input"])
            ours = wire(line, "speak").encode(request, dict(options))
            if line.provider == "mistral":
                ours["voice"] = ours.pop("voice_id")  # the vendor's own client sends voice_id
        assert ours == given, line.id
        compared += 1
    assert compared == 6


def pictured(recorded: dict[str, Any]) -> Any:
    """A picture as it was sent: the recorder replaced its bytes."""
    from chainkit.messages import Media

    return Media("image", "image/png", url=recorded["image_url"])
