"""What leaves for vectors, rankings, pictures and sound fits the vendors' own client types, field by field."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, get_type_hints

import pytest
from pydantic import ConfigDict, TypeAdapter, ValidationError

from chainkit import embedder, image_model, profile, reranker, speaker, transcriber
from chainkit.errors import AuthenticationError, BadRequest, ProviderError, RateLimited
from chainkit.messages import Media
from chainkit.models.embed import EmbedRequest
from chainkit.models.late import imported
from chainkit.models.image import ImageRequest
from chainkit.models.multipart import Multipart
from chainkit.models.registry import find, names
from chainkit.models.rerank import RerankRequest
from chainkit.models.speak import SpeakRequest
from chainkit.models.transcribe import TranscribeRequest
from chainkit.testing.scripted_tasks import picture, sound
from chainkit_providers.openai.offers import OFFERS
from chainkit_providers.openai.tasks import ROWS

PNG, WAV = picture("a"), sound("a")
IMAGE, TALK = Media("image", "image/png", data=PNG), Media("audio", "audio/wav", data=WAV)
TEXTS = ("Grüß Gott", "naïve café", "日本語", "🎉")


def encoded(spec: str, request: Any) -> Any:
    """The body that a vendor's wire makes; nothing is left of the options."""
    name, _, request.model = spec.partition(":")
    options = dict(request.options)
    body = imported(find(name).tasks[request.kind]).encode(request, options)  # type: ignore[attr-defined]
    assert options == {}
    return body


OPENAI: list[tuple[str, str, Any]] = [
    ("embedding_create_params:EmbeddingCreateParams", "text-embedding-3-small", EmbedRequest("", texts=TEXTS)),
    (
        "embedding_create_params:EmbeddingCreateParams",
        "text-embedding-3-large",
        EmbedRequest("", {"dimensions": 64}, texts=TEXTS),
    ),
    ("image_generate_params:ImageGenerateParamsNonStreaming", "dall-e-3", ImageRequest("", {"n": 1}, prompt="a cat")),
    (
        "image_generate_params:ImageGenerateParamsNonStreaming",
        "gpt-image-1",
        ImageRequest(
            "",
            {"size": "1024x1024", "n": 2, "quality": "low", "background": "transparent", "format": "webp"},
            prompt="a cat",
        ),
    ),
    (
        "image_edit_params:ImageEditParamsNonStreaming",
        "dall-e-2",
        ImageRequest("", {"size": "256x256"}, prompt="a hat", images=(IMAGE,), mask=IMAGE),
    ),
    (
        "audio.transcription_create_params:TranscriptionCreateParamsNonStreaming",
        "whisper-1",
        TranscribeRequest("", {"language": "de", "prompt": "Grüße", "timestamps": "word"}, audio=TALK),
    ),
    (
        "audio.transcription_create_params:TranscriptionCreateParamsNonStreaming",
        "gpt-4o-transcribe",
        TranscribeRequest("", audio=TALK),
    ),
    (
        "audio.transcription_create_params:TranscriptionCreateParamsNonStreaming",
        "gpt-4o-transcribe-diarize",
        TranscribeRequest("", {"timestamps": "segment"}, audio=TALK),
    ),
    (
        "audio.translation_create_params:TranslationCreateParams",
        "whisper-1",
        TranscribeRequest("", {"translate": True, "prompt": "names"}, audio=TALK),
    ),
    (
        "audio.speech_create_params:SpeechCreateParams",
        "gpt-4o-mini-tts",
        SpeakRequest("", {"voice": "coral", "format": "wav", "speed": 1.2, "instructions": "softly"}, text="Hallo"),
    ),
]


@pytest.mark.parametrize(
    ("where", "model", "request_"), OPENAI, ids=[f"{m}-{w[:12]}-{i}" for i, (w, m, _) in enumerate(OPENAI)]
)
def test_what_openai_gets_fits_its_own_clients_types(where: str, model: str, request_: Any) -> None:
    openai_types = pytest.importorskip("openai.types")
    module, _, name = where.partition(":")
    parent: Any = __import__(f"{openai_types.__name__}.{module}", fromlist=[name])
    fits(encoded(f"openai:{model}", request_), getattr(parent, name))


def fits(body: Any, params: Any) -> None:
    """Every field is one of the type's and holds what it may hold; none that is demanded is missing."""
    hints = get_type_hints(params)
    fields: dict[str, Any] = {
        k.removesuffix("[]"): v for k, v in (body.fields if isinstance(body, Multipart) else body).items()
    }
    files = {name.removesuffix("[]") for name, _ in body.files} if isinstance(body, Multipart) else set()
    assert set(fields) | files <= set(hints)
    assert params.__required_keys__ <= set(fields) | files
    for name, value in fields.items():
        TypeAdapter(hints[name], config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)


def test_the_check_of_types_finds_what_does_not_fit() -> None:
    types: Any = pytest.importorskip("openai.types.embedding_create_params")
    with pytest.raises(ValidationError):
        fits({"model": "m", "input": ["a"], "encoding_format": "base65"}, types.EmbeddingCreateParams)
    with pytest.raises(AssertionError):
        fits({"model": "m", "inputs": ["a"]}, types.EmbeddingCreateParams)


def test_what_cohere_gets_fits_its_own_clients_signatures() -> None:
    client: Any = pytest.importorskip("cohere.v2.client").V2Client
    ours = {
        client.embed: encoded("cohere:embed-v4.0", EmbedRequest("", {"task": "query", "dimensions": 256}, texts=TEXTS)),
        client.rerank: encoded("cohere:rerank-v3.5", RerankRequest("", {"top_n": 2}, query="q", texts=TEXTS)),
    }
    for call, body in ours.items():
        signature = inspect.signature(call)
        needed = {n for n, p in signature.parameters.items() if p.default is p.empty and p.kind is p.KEYWORD_ONLY}
        assert needed <= set(body) <= set(signature.parameters)
    assert ours[client.embed]["input_type"] == "search_query"


@pytest.mark.parametrize(
    ("spec", "task", "field", "word"),
    [
        ("cohere:embed-v4.0", "document", "input_type", "search_document"),
        ("cohere:embed-v4.0", "clustering", "input_type", "clustering"),
        ("cohere:embed-v4.0", None, "input_type", "search_document"),
        ("voyage:voyage-4", "query", "input_type", "query"),
        ("voyage:voyage-4", None, "input_type", None),
        ("jina:jina-embeddings-v3", "query", "task", "retrieval.query"),
        ("jina:jina-embeddings-v3", "document", "task", "retrieval.passage"),
        ("jina:jina-embeddings-v3", "similarity", "task", "text-matching"),
        ("nvidia:nv-embedqa", "document", "input_type", "passage"),
    ],
)
def test_what_vectors_are_for_is_said_in_each_vendors_word(spec: str, task: str | None, field: str, word: str) -> None:
    options = {"task": task} if task else {}
    assert encoded(spec, EmbedRequest("", options, texts=("a",))).get(field) == word


@pytest.mark.parametrize(("spec", "task"), [("cohere:embed-v4.0", "similarity"), ("voyage:voyage-4", "clustering")])
def test_a_purpose_that_a_vendor_does_not_know_is_refused_before_sending(spec: str, task: Any) -> None:
    with pytest.raises(BadRequest, match="cannot honour the option 'task'") as refused:
        embedder(spec, task=task, api_key="k").render("a")
    assert "here it takes: dimensions" in str(refused.value.cure) or "remove" in str(refused.value.cure)


def test_a_text_that_is_too_long_is_never_cut_unseen() -> None:
    assert encoded("cohere:embed-v4.0", EmbedRequest("", texts=("a",)))["truncate"] == "NONE"
    assert encoded("voyage:voyage-4", EmbedRequest("", texts=("a",)))["truncation"] is False
    [shown] = embedder("voyage:voyage-4", vendor={"voyage_truncation": True}, api_key="k").render("a")
    assert shown.body["truncation"] is True


WHERE = {
    "openai": {"embed", "image", "transcribe", "speak"},
    "azure": {"embed", "image", "transcribe", "speak"},
    "cohere": {"embed", "rerank"},
    "mistral": {"embed", "transcribe", "speak"},
    "voyage": {"embed", "rerank"},
    "jina": {"embed", "rerank"},
    "openrouter": {"embed", "rerank", "image", "transcribe", "speak"},
    "together": {"embed", "rerank", "image", "transcribe", "speak"},
    "perplexity": {"embed"},
    "xai": {"image"},
    "groq": {"transcribe", "speak"},
    "llamacpp": {"embed", "rerank"},
    "vllm": {"embed", "rerank", "transcribe"},
}
_FACES = {"embed": embedder, "rerank": reranker, "image": image_model, "transcribe": transcriber, "speak": speaker}
_ASKS: dict[str, Any] = {
    "embed": "a",
    "rerank": {"query": "q", "documents": ["a"]},
    "image": "a cat",
    "transcribe": WAV,
    "speak": "hello",
}


def cases() -> Iterable[tuple[str, str]]:
    """Each vendor with each of its kinds."""
    return [(vendor, kind) for vendor, kinds in WHERE.items() for kind in sorted(kinds)]


@pytest.mark.parametrize(("vendor", "kind"), cases())
def test_each_vendor_is_asked_below_its_own_address(vendor: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
    assert kind in find(vendor).tasks  # type: ignore[attr-defined]
    options = {"voice": "alloy"} if kind == "speak" else {}
    make: Any = _FACES[kind]
    [shown] = make(f"{vendor}:some-model", api_key="k", **options).render(_ASKS[kind])
    assert shown.url.startswith(("https://", "http://localhost"))
    assert "/v" in shown.url
    assert shown.model == "some-model"


@pytest.mark.parametrize(("vendor", "kind"), cases())
def test_each_vendors_refusals_are_errors_of_ours(vendor: str, kind: str) -> None:
    wire = imported(find(vendor).tasks[kind])  # type: ignore[attr-defined]
    refused = {"detail": "Provided API key is invalid."} if vendor == "voyage" else {"error": {"message": "bad key"}}
    body = json.dumps(refused).encode()
    assert type(wire.error(401, {}, body)) is AuthenticationError
    busy = wire.error(429, {"retry-after": "2"}, b'{"message": "slow down"}')
    assert type(busy) is RateLimited
    assert busy.retry_after == 2


def test_profiles_say_what_these_models_are_for_and_how_much_they_take() -> None:
    assert profile("openai:text-embedding-3-small").kinds == {"embed"}
    assert profile("openai:text-embedding-3-small").most == 2048
    assert profile("openai:gpt-image-1").kinds == {"image"}
    assert profile("openai:gpt-4o-transcribe").kinds == {"transcribe"}
    assert profile("openai:gpt-4o-mini-tts").kinds == {"speak"}
    assert profile("voyage:voyage-3.5-lite").room == 1_000_000
    assert profile("voyage:voyage-3.5").room == 320_000
    assert profile("voyage:rerank-2.5").kinds == {"rerank"}
    assert profile("voyage:voyage-3.5").prices is not None
    assert profile("jina:jina-reranker-v2").kinds == {"rerank"}


def test_both_new_providers_are_found_as_any_other() -> None:
    assert {"voyage", "jina"} <= set(names())


def test_what_a_vendor_offers_is_what_there_are_wires_for() -> None:
    assert {vendor: kinds.split() for vendor, kinds in OFFERS.items()} == {
        vendor: [wire.name for wire in wires] for vendor, wires in ROWS.items()
    }


def test_a_chat_loads_none_of_it() -> None:
    script = "import chainkit, sys; chainkit.model('openai:gpt-5-mini', api_key='k').render('hi'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert "chainkit_providers.openai.chat" in done.stdout
    assert "chainkit_providers.openai.tasks" not in done.stdout
    assert "chainkit.models.image" not in done.stdout


ODD: list[Any] = [
    None, [], "text", 3, {}, {"data": None}, {"data": [None]}, {"data": [{}]}, {"data": [{"embedding": 3}]},
    {"data": [{"embedding": "%%%"}]}, {"data": [{"b64_json": "%"}]}, {"data": [{"url": 3}]}, {"data": 3},
    {"results": [{}]}, {"results": [{"index": "x", "relevance_score": 1}]}, {"results": [{"index": 9, "relevance_score": 1}]},
    {"results": [3]}, {"data": [{"index": 0}]}, {"text": 3}, {"text": "a", "segments": [3]}, {"text": "a", "duration": "x"},
    {"audio_data": 3}, {"audio_data": "%"}, {"error": "no"}, {"error": {"message": "no"}}, {"message": "no"},
    {"embeddings": None}, {"embeddings": {"float": 3}}, {"embeddings": [[1.0], [2.0]]},
]  # fmt: skip
REQUESTS: dict[str, Any] = {
    "embed": EmbedRequest("m", texts=("a",)),
    "rerank": RerankRequest("m", query="q", texts=("a",)),
    "image": ImageRequest("m", prompt="a"),
    "transcribe": TranscribeRequest("m", audio=TALK),
    "speak": SpeakRequest("m", text="a"),
}


@pytest.mark.parametrize(("vendor", "kind"), cases())
def test_an_answer_that_is_none_is_an_error_of_ours_and_nothing_else(vendor: str, kind: str) -> None:
    wire = imported(find(vendor).tasks[kind])  # type: ignore[attr-defined]
    for odd in ODD:
        body = json.dumps(odd).encode() if wire.answer == "bytes" else odd
        try:
            wire.decode(body, REQUESTS[kind])
        except ProviderError:
            continue
        except Exception as error:  # noqa: BLE001
            raise AssertionError(f"{vendor} {kind}: {odd!r} raised {error!r}") from error
