"""Hugging Face: the router, text-generation and text-embeddings servers, and their five ways to refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import Fill, classifier, completion, embedder, model, reranker
from chainkit import errors as e
from chainkit.messages import Messages
from chainkit.models.access import access
from chainkit.models.completion import CompletionRequest
from chainkit.models.pieces import TextPiece
from chainkit.models.provider import Account
from chainkit.models.sse import SseParser
from chainkit.testing.faults import Seen, Told
from chainkit.testing.server import FaultServer
from chainkit_providers.hf import provider
from chainkit_providers.hf.faults import refusal
from chainkit_providers.hf.generate import Generate, on_server

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON = {"content-type": "application/json"}


def token(text: str, *, special: bool = False, number: int = 7) -> dict[str, Any]:
    return {"id": number, "text": text, "logprob": -0.5, "special": special}


def details(tokens: Sequence[dict[str, Any]], finish: str, **more: Any) -> dict[str, Any]:
    return {
        "finish_reason": finish,
        "generated_tokens": len(tokens),
        "seed": None,
        "prefill": [],
        "tokens": list(tokens),
        **more,
    }


def tgi(texts: Sequence[str] = (" Par", "is"), finish: str = "eos_token") -> Any:
    """A text-generation-inference server, as its own interface describes it."""
    special = [token("</s>", special=True)] if finish == "eos_token" else []
    tokens = [*map(token, texts), *special]
    whole = "".join(texts)

    def behave(seen: Seen) -> Told:
        if seen.path == "/generate_stream":
            lines = [{"index": i, "token": t, "generated_text": None, "details": None} for i, t in enumerate(tokens)]
            end = {"finish_reason": finish, "generated_tokens": len(tokens), "input_length": 5, "seed": None}
            lines[-1] |= {"generated_text": whole, "details": end}
            told = b"".join(b"data:" + json.dumps(line).encode() + b"\n\n" for line in lines)
            return Told(200, {"content-type": "text/event-stream"}, (told,), streamed=True)
        body = {"generated_text": whole, "details": details(tokens, finish)}
        if seen.json["parameters"].get("decoder_input_details"):
            body["details"]["prefill"] = [{"id": 1, "text": "The", "logprob": None}]  # type: ignore[index]
        return Told(200, JSON | {"x-prompt-tokens": "5"}, (json.dumps(body).encode(),))

    return behave


def asked(server: FaultServer, **options: Any) -> Any:
    return completion("hf:any", base_url=server.url, attempts=1, **options)


# Completion by a server of one's own.


def test_a_completion_is_the_same_whole_and_streamed_usage_and_all() -> None:
    with FaultServer(tgi(), seed=4) as server:
        chain = asked(server, max_tokens=9, logprobs=0)
        reply = chain.invoke("The capital of France is")
        with chain.stream("The capital of France is") as stream:
            assert list(stream) == [" Par", "is"]
    assert (reply.text, reply.finish_reason, reply.finish_word) == (" Paris", "stop", "eos_token")
    assert (reply.usage.input, reply.usage.output) == (5, 3)
    assert [t["token"] for t in reply.logprobs] == [" Par", "is", "</s>"]
    assert (stream.value, stream.value.usage, stream.value.logprobs) == (reply, reply.usage, reply.logprobs)
    assert [seen.path for seen in server.requests] == ["/generate", "/generate_stream"]


@pytest.mark.parametrize("texts", [(" a", "\n", "\n"), (" a\n", "\nEND"), (" a", "\n\nE", "ND")])
def test_the_stop_is_no_part_of_the_text_though_the_server_leaves_it_in(texts: tuple[str, ...]) -> None:
    stop = "\n" if len(texts) == 3 and texts[2] == "\n" else "END"
    wanted = "".join(texts).removesuffix(stop)
    with FaultServer(tgi(texts, "stop_sequence")) as server:
        chain = asked(server, stop=[stop, "never"])
        reply = chain.invoke("Once")
        with chain.stream("Once") as stream:
            shown = "".join(stream)
    assert reply.text == stream.value.text == shown == wanted
    assert reply.finish_reason == "stop"


def test_what_looked_like_a_stop_and_was_none_is_shown_in_the_end() -> None:
    with FaultServer(tgi((" a", " E", "N"), "length")) as server, asked(server, stop="END").stream("Once") as stream:
        assert "".join(stream) == " a EN"


def test_a_prompts_own_logprobs_come_in_one_piece() -> None:
    with FaultServer(tgi()) as server, asked(server, prompt_logprobs=0).stream("The") as stream:
        assert list(stream) == [" Paris"]
    assert stream.value.prompt_logprobs[0]["token"] == "The"
    assert server.requests[0].path == "/generate"


def test_a_server_that_keeps_a_prompts_logprobs_to_itself_is_named_in_a_warning() -> None:
    body = {"generated_text": "x", "details": details([token("x")], "length")}
    request = CompletionRequest("m", Messages(), {"prompt_logprobs": 0})
    reply = Generate(on_server, details=True).decode(body, request)
    assert "--enable-prefill-logprobs" in reply.warnings[0]


def test_a_plain_pipeline_is_not_asked_for_what_it_refuses() -> None:
    (rendered,) = completion("hf:openai-community/gpt2").render("Once")
    assert rendered.body == {"inputs": "Once", "parameters": {"return_full_text": False}}
    reply = Generate(on_server, details=False).decode([{"generated_text": " upon"}], CompletionRequest("m", Messages()))
    assert (reply.text, reply.finish_reason, reply.usage.output) == (" upon", "unknown", None)


def test_what_we_send_is_what_the_vendors_own_types_hold() -> None:
    types = pytest.importorskip("huggingface_hub.inference._generated.types")
    options = {
        "temperature": 0.5, "top_p": 0.9, "top_k": 4, "max_tokens": 9, "seed": 1, "stop": "x", "logprobs": 2,
        "frequency_penalty": 0.1, "repeat_penalty": 1.1, "best_of": 2, "prompt_logprobs": 0,
    }  # fmt: skip
    left = dict(options)
    body = Generate(on_server, details=True).encode(CompletionRequest("m", Messages(), options, prefix="Once"), left)
    assert left == {}
    known = types.TextGenerationInputGenerateParameters.__dataclass_fields__
    assert set(body["parameters"]) <= set(known)
    assert set(body) <= set(types.TextGenerationInput.__dataclass_fields__)
    assert body["parameters"]["top_n_tokens"] == 2


def test_no_sampling_is_what_a_temperature_of_zero_means() -> None:
    (rendered,) = completion("hf:m", base_url="http://127.0.0.1:8080", temperature=0).render("Once")
    assert rendered.body["parameters"]["do_sample"] is False
    assert "temperature" not in rendered.body["parameters"]


def test_a_gap_is_marked_as_the_model_was_trained() -> None:
    (rendered,) = completion("hf:bigcode/starcoder2-3b", base_url="http://127.0.0.1:8080").render(Fill("a", "b"))
    assert rendered.body["inputs"] == "<fim_prefix>a<fim_suffix>b<fim_middle>"


def test_a_stream_cut_after_any_byte_is_broken_with_what_had_come() -> None:
    told = tgi((" Par", "ïs", " 🙂"))(Seen("POST", "/generate_stream", {}, {}, 0, "chat-completions", True))
    body = b"".join(told.writes)
    request = CompletionRequest("m", Messages())
    whole = 0
    for at in range(len(body) + 1):
        fold, parser = Generate(on_server, details=True).fold(request), SseParser()
        pieces = [p for name, data in parser.feed(body[:at]) for p in fold.feed(name, data)]
        shown = "".join(p.text for p in pieces if isinstance(p, TextPiece))
        try:
            assert fold.finish().text == " Parïs 🙂"
            whole += 1
        except e.StreamBroken as broken:
            assert broken.partial == shown
    assert whole == 1


def test_an_error_inside_a_stream_is_the_one_that_it_says() -> None:
    fold = Generate(on_server, details=True).fold(CompletionRequest("m", Messages()))
    with pytest.raises(e.RateLimited, match="Model is overloaded"):
        fold.feed("", b'{"error": "Model is overloaded", "error_type": "overloaded"}')


# The router.


def test_a_chat_goes_through_the_router_and_names_who_serves_it() -> None:
    (rendered,) = model("hf:openai/gpt-oss-120b:groq", temperature=0).render("hi")
    assert rendered.url == "https://router.huggingface.co/v1/chat/completions"
    assert rendered.body["model"] == "openai/gpt-oss-120b:groq"


def test_a_chat_with_a_server_of_ones_own_stands_under_v1_however_it_is_named() -> None:
    for base in ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/"):
        (rendered,) = model("hf:tgi", base_url=base).render("hi")
        assert rendered.url == "http://127.0.0.1:8080/v1/chat/completions"


def test_completion_behind_the_router_is_hugging_faces_own() -> None:
    (rendered,) = completion("hf:bigscience/bloom", max_tokens=3).render("Once")
    assert rendered.url == "https://router.huggingface.co/hf-inference/models/bigscience/bloom"
    with pytest.raises(e.BadRequest, match="hands on chats only; nothing was sent"):
        completion("hf:bigscience/bloom:groq").render("Once")


def test_the_token_goes_to_the_router_and_to_no_other_server() -> None:
    held = {"HF_TOKEN": "hf_abcdefghijkl"}
    assert "authorization" in access(provider, Account("hf"), held).headers
    assert access(provider, Account("hf"), {}).missing
    for base in ("https://mine.endpoints.huggingface.cloud", "http://router.huggingface.co"):
        found = access(provider, Account("hf", base_url=base), held)
        assert ("authorization" in found.headers, found.withheld) == (False, "HF_TOKEN")


# Vectors, ranks, labels.


def answering(told: Any, **headers: str) -> FaultServer:
    return FaultServer(lambda seen: Told(200, JSON | headers, (json.dumps(told).encode(),)))


def test_vectors_come_in_order_and_the_header_counts_the_tokens() -> None:
    with answering([[1.0, 0.0], [0.0, 1.0]], **{"x-compute-tokens": "6"}) as server:
        found = embedder("hf:any", base_url=server.url, vendor={"hf_prompt_name": "query"}).invoke(["a", "b"])
    assert ([list(v) for v in found.vectors], found.usage.input) == ([[1.0, 0.0], [0.0, 1.0]], 6)
    assert (server.requests[0].path, server.requests[0].json) == (
        "/embed",
        {"inputs": ["a", "b"], "prompt_name": "query"},
    )


def test_vectors_of_tokens_or_too_few_are_refused() -> None:
    for told, words in (([[[1.0], [2.0]]], "a vector for each token"), ([], "for each of 1 texts")):
        with answering(told) as server, pytest.raises(e.ReplyMalformed, match=words):
            embedder("hf:any", base_url=server.url, attempts=1).invoke("a")


def test_documents_are_ranked_best_first() -> None:
    with answering([{"index": 0, "score": 0.1}, {"index": 1, "score": 0.9}]) as server:
        found = reranker("hf:any", base_url=server.url, top_n=1).invoke({"query": "q", "documents": ["a", "b"]})
    assert [(r.index, r.text) for r in found] == [(1, "b")]
    assert server.requests[0].json == {"query": "q", "texts": ["a", "b"]}


@pytest.mark.parametrize(
    "told",
    [
        [{"label": "spam", "score": 0.9}, {"label": "ham", "score": 0.1}],
        [[{"label": "ham", "score": 0.1}, {"label": "spam", "score": 0.9}]],
        {"sequence": "x", "labels": ["spam", "ham"], "scores": [0.9, 0.1]},
    ],
)
def test_labels_are_read_in_every_form_in_which_they_come(told: Any) -> None:
    with answering(told) as server:
        found = classifier("hf:any", base_url=server.url).invoke("Win a prize!")
    assert (found.label, list(found.scores)) == ("spam", ["spam", "ham"])
    assert server.requests[0].path == "/predict"


def test_any_labels_are_asked_of_a_model_that_takes_them() -> None:
    types = pytest.importorskip("huggingface_hub.inference._generated.types")
    chain = classifier("hf:facebook/bart-large-mnli", labels=["spam", "ham"], vendor={"hf_multi_label": True})
    (rendered,) = chain.render("Win!")
    assert rendered.url.endswith("/hf-inference/models/facebook/bart-large-mnli")
    assert set(rendered.body["parameters"]) <= set(types.ZeroShotClassificationParameters.__dataclass_fields__)
    with pytest.raises(e.BadRequest, match="'labels'"):
        classifier("hf:any", base_url="http://127.0.0.1:9", labels=["a"]).render("x")


def test_an_endpoint_with_a_plain_pipeline_is_asked_at_its_own_address() -> None:
    chain = classifier("hf:any", base_url="http://127.0.0.1:9/mine", api="pipeline", labels=["a"])
    (rendered,) = chain.render("x")
    assert rendered.url == "http://127.0.0.1:9/mine/"
    assert rendered.body == {"inputs": "x", "parameters": {"candidate_labels": ["a"]}}


# Refusals.


@pytest.mark.parametrize(
    ("status", "told", "kind", "words"),
    [
        (503, {"error": "Model gpt2 is currently loading", "estimated_time": 20.5}, e.ServerError, "about 20 s"),
        (422, {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000", "error_type": "validation"}, e.ContextTooLong, ""),
        (422, {"error": "`inputs` tokens + `max_new_tokens` must be <= 2048. Given: 1", "error_type": "validation"}, e.ContextTooLong, ""),
        (413, {"error": "`inputs` must have less than 512 tokens. Given: 600", "error_type": "Validation"}, e.ContextTooLong, ""),
        (422, {"error": "`top_p` must be > 0.0 and < 1.0", "error_type": "validation"}, e.BadRequest, ""),
        (424, {"error": "Request failed during generation", "error_type": "generation"}, e.ServerError, "while it wrote"),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, e.RateLimited, "limit"),
        (401, {"error": "Invalid username or password."}, e.AuthenticationError, "HF_TOKEN"),
        (402, {"error": "You have exceeded your monthly included credits"}, e.PermissionDenied, "credit"),
        (400, {"error": ["Error in `inputs`: field required"]}, e.BadRequest, ""),
        (400, {"error": {"message": "The requested model 'x' is not supported by any provider you have enabled.", "type": "invalid_request_error", "code": "model_not_supported"}}, e.BadRequest, "inference-providers"),
        (404, {"error": {"message": "not here", "http_status_code": 404}}, e.BadRequest, ""),
    ],
)  # fmt: skip
def test_every_form_of_refusal_is_an_error_of_its_class(status: int, told: Any, kind: type, words: str) -> None:
    error = refusal(status, {}, json.dumps(told).encode())
    assert type(error) is kind
    said = told["error"]
    assert (said if isinstance(said, str) else said[0] if isinstance(said, list) else said["message"])[:20] in str(
        error
    )
    assert words in (error.cure or "")


def test_a_model_that_is_being_loaded_is_asked_again_when_it_said_so() -> None:
    loading = {"error": "Model any is currently loading", "estimated_time": 0.0}
    busy = lambda seen: Told(503, JSON, (json.dumps(loading).encode(),))  # noqa: E731
    with FaultServer([busy, tgi()]) as server:
        assert completion("hf:any", base_url=server.url, attempts=2).invoke("The").text == " Paris"
    assert refusal(503, {}, json.dumps(loading | {"estimated_time": 20.5}).encode()).retry_after == 20.5


def test_an_answer_that_is_no_json_names_the_address() -> None:
    with FaultServer(lambda seen: Told(502, {}, (b"<html>Bad gateway",))) as server, pytest.raises(e.ServerError):
        model("hf:tgi", base_url=server.url, attempts=1).invoke("hi")
