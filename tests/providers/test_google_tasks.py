"""Vectors, pictures, speech and token counts of Google's models, and the refusals of both its doors."""

from __future__ import annotations

import json
import wave
from base64 import b64encode
from io import BytesIO
from typing import Any

import pytest

from chainkit import embedder, errors as e, image_model, model, speaker, token_counter
from chainkit.messages import Media
from chainkit.models.embed import EmbedRequest
from chainkit.models.image import ImageRequest
from chainkit.testing import faults
from chainkit.testing.server import FaultServer
from chainkit_providers.google.embed import EMBED, VertexEmbed
from chainkit_providers.google.errors import fault_in, refused
from chainkit_providers.google.images import DRAW
from chainkit_providers.google.places import vertex

KEY = {"api_key": "none-at-all"}
PLACE = vertex({"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "europe-west1"}, keyed=False)
PNG = b64encode(b"\x89PNG\r\n\x1a\n").decode()


def answering(body: Any) -> FaultServer:
    """A server that gives this answer."""
    return FaultServer(faults.raw(json.dumps(body)), shape="generate-content")


def embed(name: str, wire: Any = EMBED, **options: Any) -> tuple[str, Any]:
    """Where two texts are sent, and how."""
    request = EmbedRequest(name, options, texts=("a", "b"))
    body = wire.encode(request, options)
    assert not options
    return wire.path(request), body


# Vectors.


def test_texts_are_embedded_in_one_request() -> None:
    with answering({"embeddings": [{"values": [0.5]}, {"values": [1.5]}]}) as server:
        got = embedder("google:gemini-embedding-001", task="query", base_url=server.url, **KEY).invoke(["a", "b"])
        (seen,) = server.requests
    assert got.vectors == ([0.5], [1.5])
    assert got.usage.input is None
    assert seen.path == "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    assert seen.json["requests"][1] == {
        "model": "models/gemini-embedding-001",
        "content": {"parts": [{"text": "b"}]},
        "taskType": "RETRIEVAL_QUERY",
    }


def test_the_second_generation_is_told_in_the_text_what_it_is_for() -> None:
    _, body = embed("gemini-embedding-2", task="document", dimensions=768)
    assert body["requests"][0] == {
        "model": "models/gemini-embedding-2",
        "content": {"parts": [{"text": "title: none | text: a"}]},
        "outputDimensionality": 768,
    }


def test_vertex_has_a_form_of_its_own_for_each_generation() -> None:
    before = "v1beta1/projects/p/locations/europe-west1/publishers/google/models/"
    assert embed("text-embedding-004", VertexEmbed(PLACE), task="clustering", dimensions=9) == (
        f"{before}text-embedding-004:predict",
        {
            "instances": [{"content": t, "task_type": "CLUSTERING"} for t in ("a", "b")],
            "parameters": {"outputDimensionality": 9},
        },
    )
    path, body = embed("gemini-embedding-2", VertexEmbed(PLACE), dimensions=9)
    assert path == f"{before}gemini-embedding-2:embedContent"
    assert body["embedContentConfig"] == {"outputDimensionality": 9}


def test_too_few_vectors_are_malformed() -> None:
    request = EmbedRequest("gemini-embedding-001", {}, texts=("a", "b"))
    for body in ({"embeddings": [{"values": [1.0]}]}, {}, [], {"embeddings": [{}, {}]}):
        with pytest.raises(e.ReplyMalformed):
            EMBED.decode(body, request)


# Pictures.


def test_gemini_draws_and_changes_pictures() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    body = {"candidates": [{"content": {"parts": [{"text": "Here."}, part]}, "finishReason": "STOP"}]}
    with answering(body) as server:
        drawn = image_model("google:gemini-2.5-flash-image", size="16:9", base_url=server.url, **KEY).invoke(
            {"prompt": "a red cat", "images": [Media("image", "image/png", b"abc")]}
        )
        (seen,) = server.requests
    assert drawn.image == Media("image", "image/png", b"\x89PNG\r\n\x1a\n")
    assert seen.path.endswith("gemini-2.5-flash-image:generateContent")
    assert seen.json["generationConfig"] == {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "16:9"}}
    assert [next(iter(p)) for p in seen.json["contents"][0]["parts"]] == ["text", "inlineData"]


def test_imagen_draws_several_by_predict() -> None:
    row = {"bytesBase64Encoded": PNG, "mimeType": "image/png", "prompt": "a very red cat"}
    with answering({"predictions": [row, row]}) as server:
        asked = image_model("google:imagen-4.0-generate-001", n=2, size="2048x2048", base_url=server.url, **KEY)
        drawn = asked.invoke("a red cat")
        (seen,) = server.requests
    assert len(drawn) == 2
    assert drawn.revised_prompt == "a very red cat"
    assert seen.json == {
        "instances": [{"prompt": "a red cat"}],
        "parameters": {"aspectRatio": "1:1", "sampleImageSize": "2K", "sampleCount": 2},
    }


def test_no_picture_is_an_error_that_says_why() -> None:
    held_back = {"candidates": [{"content": {}, "finishReason": "IMAGE_SAFETY"}]}
    only_words = {"candidates": [{"content": {"parts": [{"text": "What cat?"}]}, "finishReason": "STOP"}]}
    request = ImageRequest("gemini-2.5-flash-image", {}, prompt="x")
    with pytest.raises(e.ContentFiltered, match="IMAGE_SAFETY"):
        DRAW.decode(held_back, request)
    with pytest.raises(e.BadRequest, match="What cat"):
        DRAW.decode(only_words, request)
    with pytest.raises(e.ContentFiltered, match="no persons"):
        DRAW.decode(
            {"predictions": [{"raiFilteredReason": "no persons"}]},
            ImageRequest("imagen-4.0-generate-001", {}, prompt="x"),
        )


def test_a_size_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(e.BadRequest, match="800x600") as refused_size:
        DRAW.encode(ImageRequest("gemini-2.5-flash-image", {}, prompt="x"), {"size": "800x600"})
    assert "16:9" in str(refused_size.value.cure)


# Speech, and counting.


def test_speech_comes_as_wav() -> None:
    sound = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": b64encode(b"\0\1" * 24).decode()}}
    with answering({"candidates": [{"content": {"parts": [sound]}, "finishReason": "STOP"}]}) as server:
        asked = speaker(
            "google:gemini-2.5-flash-preview-tts",
            voice="Puck",
            instructions="Say cheerfully:",
            base_url=server.url,
            **KEY,
        )
        spoken = asked.invoke("Good morning")
        bare = speaker("google:gemini-2.5-flash-preview-tts", format="pcm", base_url=server.url, **KEY).invoke("hi")
        seen = server.requests[0]
    with wave.open(BytesIO(spoken.data)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getnframes()) == (24_000, 1, 24)
    assert bare.data == b"\0\1" * 24
    assert seen.json["contents"][0]["parts"] == [{"text": "Say cheerfully: Good morning"}]
    voice = seen.json["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
    assert voice == {"voiceName": "Puck"}


def test_tokens_are_counted_by_the_vendor() -> None:
    with answering({"totalTokens": 31}) as server:
        count = token_counter(model("google:gemini-2.5-flash", base_url=server.url, **KEY)).invoke("hello")
        (seen,) = server.requests
    assert (count.tokens, count.estimated) == (31, False)
    assert seen.path == "/v1beta/models/gemini-2.5-flash:countTokens"
    assert seen.json["generateContentRequest"]["model"] == "models/gemini-2.5-flash"


# Refusals.


def status(code: int, word: str, message: str, *details: dict[str, Any]) -> bytes:
    """A refusal as it comes."""
    told = [d | {"@type": f"type.googleapis.com/google.rpc.{d['@type']}"} for d in details]
    return json.dumps({"error": {"code": code, "status": word, "message": message, "details": told}}).encode()


@pytest.mark.parametrize(
    ("code", "word", "message", "kind"),
    [
        (400, "INVALID_ARGUMENT", "Unknown name", e.BadRequest),
        (400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8).", e.ContextTooLong),
        (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", e.AuthenticationError),
        (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", e.AuthenticationError),
        (403, "PERMISSION_DENIED", "Permission denied on resource project p.", e.PermissionDenied),
        (404, "NOT_FOUND", "models/x is not found for API version v1beta", e.BadRequest),
        (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", e.RateLimited),
        (500, "INTERNAL", "An internal error has occurred.", e.ServerError),
        (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", e.ServerError),
    ],
)  # fmt: skip
def test_refusals_are_errors_of_their_classes_with_a_cure(code: int, word: str, message: str, kind: Any) -> None:
    for body in (status(code, word, message), b"[" + status(code, word, message) + b"]"):
        error = refused("google", code, {}, body)
        assert type(error) is kind
        assert error.status == code
        assert error.code == word
        assert message in str(error)
        assert error.cure


def test_a_wait_is_read_from_the_details_or_the_message_or_the_headers() -> None:
    info = {"@type": "RetryInfo", "retryDelay": "48s"}
    assert refused("google", 429, {}, status(429, "RESOURCE_EXHAUSTED", "slow", info)).retry_after == 48
    assert refused("google", 429, {}, status(429, "R", "Please retry in 48.5s.")).retry_after == 48.5
    assert refused("google", 429, {}, status(429, "R", "Please retry in 250.5ms.")).retry_after == 0.2505
    assert refused("google", 429, {"Retry-After": "3"}, status(429, "R", "slow", info)).retry_after == 3


def test_cures_name_what_google_says() -> None:
    off = {"@type": "ErrorInfo", "reason": "SERVICE_DISABLED", "metadata": {"activationUrl": "https://on.example"}}
    day = {"@type": "QuotaFailure", "violations": [{"quotaId": "RequestsPerDayPerProject"}]}
    old = {"@type": "ErrorInfo", "reason": "API_KEY_EXPIRED"}
    assert "https://on.example" in str(refused("vertex", 403, {}, status(403, "P", "off", off)).cure)
    assert "tomorrow" in str(refused("google", 429, {}, status(429, "R", "quota", day)).cure)
    assert isinstance(refused("google", 400, {}, status(400, "I", "renew it", old)), e.AuthenticationError)
    assert "GOOGLE_CLOUD_LOCATION" in str(refused("vertex", 404, {}, status(404, "N", "not found")).cure)
    assert "gcloud" in str(refused("vertex", 401, {}, status(401, "U", "who?")).cure)
    assert "GOOGLE_CLOUD_PROJECT" in str(
        refused("vertex", 401, {}, status(401, "U", "API keys are not supported")).cure
    )


def test_an_error_inside_a_stream_has_its_class() -> None:
    error = fault_in("google", json.loads(status(503, "UNAVAILABLE", "The model is overloaded.")))
    assert type(error) is e.ServerError
    assert error.status == 503


def test_a_page_that_is_no_json_is_told_as_such() -> None:
    assert "no JSON" in str(refused("google", 502, {}, b"<html>bad gateway</html>"))
