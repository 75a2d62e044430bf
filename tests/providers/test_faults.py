"""What vendors answer instead of a reply becomes the right error, with a cure and without a secret."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainkit import errors as e
from chainkit.messages import Messages
from chainkit.models.request import ChatRequest
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.faults import fault, http_fault, mask, retry_after
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.models import DIALECT
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from chainkit.models.provider import ChatWire

WIRES: dict[str, ChatWire] = {
    "chat": ChatCompletions(DIALECT),
    "responses": Responses(DIALECT),
    "messages": MessagesWire(),
    "v2 chat": ChatV2(),
}
RECORDED: dict[str, type[e.ProviderError]] = {
    "anthropic-error-0b4e5493444612": e.BadRequest,
    "anthropic-error-15401778f8c31d": e.BadRequest,
    "anthropic-error-9fe2bc6e9c3566": e.AuthenticationError,
    "anthropic-error-c94d296efaa68b": e.BadRequest,
    "azure-error-4187bda7a93284": e.AuthenticationError,
    "azure-error-55af38131a5c7c": e.BadRequest,
    "bedrock-error-99b91e2b9c165a": e.ContextTooLong,
    "cohere-error-6937986441f4b5": e.ContextTooLong,
    "cohere-error-b59ab6ef8fcf08": e.AuthenticationError,
    "deepseek-error-8b33b63d27c5ec": e.AuthenticationError,
    "groq-error-d7ff6004522e4b": e.ServerError,
    "groq-error-fa6c2e25b2f235": e.BadRequest,
    "local_openai_compat-error-04ab9b715fa076": e.BadRequest,
    "ollama-error-a00972b0b5184d": e.ContextTooLong,
    "openai-error-0bfff16b9318ac": e.BadRequest,
    "openai-error-0c2e4a206177eb": e.BadRequest,
    "openai-error-1444fa7c4da308": e.BadRequest,
    "openai-error-16a45efb7031d0": e.BadRequest,
    "openai-error-198e200be4acb5": e.BadRequest,
    "openai-error-1f2c2fcef9bed3": e.BadRequest,
    "openai-error-2e7b61102bc1ed": e.BadRequest,
    "openai-error-3d2e931014833a": e.BadRequest,
    "openai-error-52e2421f49e169": e.AuthenticationError,
    "openai-error-5c1dc4fdb05196": e.PermissionDenied,
    "openai-error-6025e541a33fe0": e.AuthenticationError,
    "openai-error-6b3f02b30187d4": e.AuthenticationError,
    "openai-error-74c1b289e4c9a4": e.AuthenticationError,
    "openai-error-7a1ec5d23e823c": e.AuthenticationError,
    "openai-error-8d0522ba39ca63": e.BadRequest,
    "openai-error-ad220280fbff61": e.BadRequest,
    "openai-error-ad35c53c52f6a3": e.BadRequest,
    "openai-error-b46ce0b90b1f6d": e.ContextTooLong,
    "openai-error-d2dc94d1e3e8ae": e.BadRequest,
    "openai-error-fd180f0ca1b317": e.BadRequest,
    "openrouter-error-714f958b034d52": e.AuthenticationError,
    "openrouter-error-df3fc3713140b5": e.ContextTooLong,
    "perplexity-error-99bdee4e3f50cf": e.ContextTooLong,
}
"""Errors that vendors really sent, and what they are."""


def told(vendor: str, status: int, content: Any, headers: dict[str, str] | None = None) -> e.ProviderError:
    return http_fault(vendor, status, headers or {}, json.dumps(content).encode(), keys=("VENDOR_KEY",))


def test_recorded_errors_are_what_they_say(traffic: list[Any]) -> None:
    lines = {line.id: line for line in traffic if line.wire == "error"}
    ours = {n for n, line in lines.items() if line.provider in ("openai", "anthropic", "cohere")}
    assert ours <= RECORDED.keys() <= lines.keys()
    for name, kind in RECORDED.items():
        line = lines[name]
        error = http_fault(line.provider, line.status, line.headers, line.body, keys=("VENDOR_KEY",))
        assert type(error) is kind, name
        assert error.status == line.status
        assert error.cure
        said = line.says["error"]["message"]
        assert kind is e.AuthenticationError or said is None or said in error.message, name


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "no", "code": "invalid_api_key"}, e.AuthenticationError),
        (400, {"message": "Incorrect API key provided: xa***bc"}, e.AuthenticationError),
        (402, {"message": "Insufficient Balance"}, e.PermissionDenied),
        (403, {"message": "no", "type": "permission_error"}, e.PermissionDenied),
        (429, {"message": "slow down", "type": "tokens", "code": "rate_limit_exceeded"}, e.RateLimited),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, e.PermissionDenied),
        (400, {"message": "Your credit balance is too low", "type": "invalid_request_error"}, e.PermissionDenied),
        (400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}, e.ContextTooLong),
        (413, {"message": "Request exceeds the maximum size", "type": "request_too_large"}, e.ContextTooLong),
        (400, {"message": "blocked", "code": "content_filter"}, e.ContentFiltered),
        (404, {"message": "The model `gtp-5` does not exist", "code": "model_not_found"}, e.BadRequest),
        (422, {"message": "n must be 1"}, e.BadRequest),
        (408, {"message": "timeout"}, e.ServerError),
        (500, {"message": "The context window service failed"}, e.ServerError),
        (503, {"message": "overloaded"}, e.ServerError),
        (529, {"message": "Overloaded", "type": "overloaded_error"}, e.ServerError),
    ],
)
def test_a_status_and_the_vendors_word_make_an_error(
    status: int, error: dict[str, Any], kind: type[e.ProviderError]
) -> None:
    found = told("openai", status, {"error": error})
    assert type(found) is kind
    assert (found.status, found.transient) == (status, kind in (e.RateLimited, e.ServerError))
    assert f"openai answered {status}" in found.message


def test_the_vendors_word_is_kept_as_the_code() -> None:
    assert (
        told("groq", 400, {"error": {"message": "x", "type": "invalid_request_error", "code": "bad_thing"}}).code
        == "bad_thing"
    )
    assert told("openrouter", 400, {"error": {"message": "x", "code": 400, "type": "odd"}}).code == "odd"
    assert told("cohere", 400, {"message": "x", "error_type": "ODD"}).code == "ODD"
    assert told("openrouter", 400, {"error": {"message": "x", "code": 400}}).code is None


def test_cures_say_what_to_do_next() -> None:
    assert "VENDOR_KEY" in str(told("openai", 401, {"error": {"message": "no"}}).cure)
    assert "'openai:'" in str(told("openai", 404, {"error": {"message": "The model `x` does not exist"}}).cure)
    responses = told("openai", 404, {"error": {"message": "This model is only supported in v1/responses"}})
    assert "api='responses'" in str(responses.cure)
    assert "base_url" in str(http_fault("openai", 404, {}, b"<html>not found</html>").cure)


def test_an_answer_that_is_no_json_is_shown_in_part() -> None:
    found = http_fault("openai", 502, {"Retry-After": "3"}, b"<html>\n  Bad   Gateway " + b"x" * 9999)
    assert (type(found), found.retry_after) == (e.ServerError, 3.0)
    assert "Bad Gateway" in found.message
    assert len(found.message) < 300
    assert type(http_fault("openai", 500, {}, b"")) is e.ServerError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-4"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_time_to_wait_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_the_time_to_wait_may_be_a_date() -> None:
    assert retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True)}) == pytest.approx(100, abs=3)
    assert retry_after({"retry-after": formatdate(time.time() - 100, usegmt=True)}) == 0.0


def test_headers_are_read_whatever_their_case() -> None:
    found = told("openai", 429, {"error": {"message": "x"}}, {"Retry-After": "2", "X-Request-ID": "req_1"})
    assert (found.retry_after, found.request_id) == (2.0, "req_1")
    assert (
        told(
            "anthropic", 529, {"type": "error", "error": {"type": "overloaded_error"}, "request_id": "req_2"}
        ).request_id
        == "req_2"
    )


SECRETS = st.builds(
    lambda head, tail: head + tail,
    st.sampled_from(("sk-", "sk-proj-", "sk-ant-api03-", "gsk_", "xai-", "hf_", "AIzaSyA")),
    st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789_-", min_size=12, max_size=40).filter(
        lambda t: t[-1] not in "-_" and t[0].isalnum()
    ),
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    secret=SECRETS,
    form=st.sampled_from(("{}", "Incorrect API key provided: {}.", "Bearer {}", "key '{}' is", "api_key={}", "({})")),
)
def test_no_key_that_a_vendor_echoes_is_shown(secret: str, form: str) -> None:
    shown = mask("it says " + form.format(secret) + " today")
    assert secret not in shown
    assert secret[-10:] not in shown
    assert "it says" in shown


def test_what_is_no_key_stays_readable() -> None:
    for text in (
        "Invalid token in prompt: 123456. Minimum value is 0",
        "risk-averse",
        "max_tokens: 4096",
        "request req_0123456789abcdef",
    ):
        assert mask(text) == text
    assert mask("Incorrect API key provided: sk-ab***cd. You can") == "Incorrect API key provided: ***. You can"
    assert mask("api key: ****-key is invalid") == "api key: *** is invalid"


STREAMED: list[tuple[str, str, Any, type[e.ProviderError]]] = [
    ("chat", "", {"error": {"message": "no", "code": 429}}, e.RateLimited),
    ("chat", "error", {"error": {"message": "no", "type": "server_error"}}, e.ServerError),
    (
        "chat",
        "",
        {"object": "error", "message": "This model's maximum context length is 9", "code": 400},
        e.ContextTooLong,
    ),
    ("responses", "error", {"type": "error", "code": "rate_limit_exceeded", "message": "no"}, e.RateLimited),
    ("responses", "error", {"type": "error", "error": {"type": "server_error", "message": "no"}}, e.ServerError),
    (
        "messages",
        "error",
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        e.ServerError,
    ),
    (
        "messages",
        "error",
        {"type": "error", "error": {"type": "invalid_request_error", "message": "odd"}},
        e.BadRequest,
    ),
    ("v2 chat", "", {"id": "1", "message": "too many tokens"}, e.ContextTooLong),
]


@pytest.mark.parametrize(("wire", "event", "data", "kind"), STREAMED)
def test_an_error_inside_a_stream_is_raised_at_once(
    wire: str, event: str, data: Any, kind: type[e.ProviderError]
) -> None:
    fold = WIRES[wire].fold(ChatRequest("m", Messages()))
    with pytest.raises(e.ProviderError) as raised:
        fold.feed(event, json.dumps(data).encode())
    assert type(raised.value) is kind


def test_a_response_that_failed_raises_its_fault_streamed_or_not() -> None:
    body = {"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "slow"}}
    with pytest.raises(e.RateLimited):
        WIRES["responses"].decode(body)
    fold = WIRES["responses"].fold(ChatRequest("m", Messages()))
    fold.feed("response.failed", json.dumps({"type": "response.failed", "response": body}).encode())
    with pytest.raises(e.RateLimited):
        fold.finish()


def test_an_error_object_with_status_200_is_raised() -> None:
    with pytest.raises(e.ServerError, match="upstream"):
        WIRES["chat"].decode({"error": {"message": "upstream failed", "code": 502}})
    with pytest.raises(e.ServerError):
        WIRES["messages"].decode({"type": "error", "error": {"type": "api_error", "message": "no"}})


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize(
    "body", [{}, [], "hello", None, {"choices": [], "output": None, "content": None, "message": None}]
)
def test_an_answer_of_another_protocol_is_malformed(name: str, body: Any) -> None:
    with pytest.raises(e.ReplyMalformed) as raised:
        WIRES[name].decode(body)
    assert "base_url" in str(raised.value.cure)


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("data", [b"hello", b"[1, 2]", b'{"half": ', b"\xff"])
def test_an_event_that_is_no_json_object_is_malformed(name: str, data: bytes) -> None:
    with pytest.raises(e.ReplyMalformed):
        WIRES[name].fold(ChatRequest("m", Messages())).feed("message", data)


@pytest.mark.parametrize(
    "content",
    [None, [], "plain words", {"error": "plain words"}, {"detail": "plain words"}, {"error": {"message": {"a": 1}}}],
)
def test_any_error_body_makes_some_error(content: Any) -> None:
    error = fault("openai", content, status=400)
    assert type(error) is e.BadRequest
    assert "plain words" in error.message or content in (None, []) or "{'a': 1}" in error.message
