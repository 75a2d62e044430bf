"""Bedrock: what is sent fits the vendor's own description of it, is signed as its own tools sign, and is read whole."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

pytest.importorskip("botocore", reason="the extra [bedrock] is not installed")

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session
from botocore.validate import ParamValidator

from chainkit import embedder, message, model
from chainkit import errors as e
from chainkit.messages import Media, Message, ServerItem, Text, Thinking, ToolCall, ToolResult
from chainkit.models.request import ToolSpec
from chainkit_providers.bedrock import BedrockOptions, credentials
from chainkit_providers.bedrock.errors import broken, refused
from chainkit_providers.bedrock.fold import ConverseFold
from chainkit_providers.bedrock.frames import AwsFrames
from chainkit_providers.bedrock.models import maker, profile

CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0"
ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
TOOL = ToolSpec("find", "Find it.", {"type": "object", "properties": {"x": {"type": "string"}}})
SHAPES = Session().get_service_model("bedrock-runtime")


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_BEARER_TOKEN_BEDROCK", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    credentials._session.cache_clear()
    yield
    credentials._session.cache_clear()


def sent(chain: Any, value: Any = "hi") -> dict[str, Any]:
    (rendered,) = chain.render(value)
    return rendered.body


def accepted(body: dict[str, Any], name: str = CLAUDE) -> None:
    """Raise where the vendor's own description of Converse does not take the body."""
    held = json.loads(json.dumps(body), object_hook=lambda d: d)
    report = ParamValidator().validate(
        {"modelId": name, **_bytes(held)}, SHAPES.operation_model("Converse").input_shape
    )
    assert not report.has_errors(), report.generate_report()
    unknown = set(body) - set(SHAPES.operation_model("Converse").input_shape.members)
    assert not unknown


def _bytes(value: Any) -> Any:
    """The JSON form of bytes is base64; the validator wants bytes."""
    if isinstance(value, dict):
        return {k: b"x" if k in ("bytes", "redactedContent") else _bytes(v) for k, v in value.items()}
    return [_bytes(v) for v in value] if isinstance(value, list) else value


PNG, PDF = Media("image", "image/png", b"png"), Media("document", "application/pdf", b"%PDF", name="a_b.c (1).pdf")
TALK = (
    message("system", "Be short."),
    message("user", ["look", PNG, PDF]),
    Message("assistant", (Thinking("hm", "sig", "bedrock"), Text("I look."), ToolCall("find", {"x": "1"}, "t1"))),
    Message("tool", (ToolResult("t1", "found"), ToolResult("t1", "", failed=True))),
    message("user", "and?"),
)
REQUESTS = {
    "a text": (model(f"bedrock:{CLAUDE}"), "hi"),
    "a whole conversation": (model(f"bedrock:{CLAUDE}", tools=[TOOL]), TALK),
    "sampling": (model(f"bedrock:{CLAUDE}", temperature=0, top_p=0.5, top_k=3, max_tokens=9, stop=["x"]), "hi"),
    "a stop word alone": (model(f"bedrock:{NOVA}", stop="x", top_k=5), "hi"),
    "a tool that must be called": (model(f"bedrock:{CLAUDE}", tools=[TOOL], tool_choice="find"), "hi"),
    "any tool": (model(f"bedrock:{CLAUDE}", tools=[TOOL], tool_choice="required"), "hi"),
    "thinking": (model(f"bedrock:{CLAUDE}", reasoning="low"), "hi"),
    "a thinking budget": (model(f"bedrock:{CLAUDE}", reasoning_tokens=2000), "hi"),
    "no thinking": (model(f"bedrock:{CLAUDE}", reasoning="none"), "hi"),
    "a value": (model(f"bedrock:{CLAUDE}", output=list[int]), "hi"),
    "a value by a tool": (model(f"bedrock:{NOVA}", output=list[int]), "hi"),
    "a kept prompt": (model(f"bedrock:{CLAUDE}", tools=[TOOL], prompt_cache="long"), TALK),
    "a service tier": (model(f"bedrock:{CLAUDE}", service_tier="flex"), "hi"),
    "the vendor's own options": (
        model(
            f"bedrock:{CLAUDE}",
            vendor=BedrockOptions(
                bedrock_guardrail={"guardrailIdentifier": "g", "guardrailVersion": "1"}, bedrock_latency="optimized",
                bedrock_model_fields={"top_k": 1}, bedrock_metadata={"a": "b"},
            ),
        ),
        "hi",
    ),
    "a film in S3": (model(f"bedrock:{NOVA}"), message("user", ["see", Media("video", "video/mp4", url="s3://b/k")])),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_what_we_send_fits_the_vendors_own_description(name: str) -> None:
    chain, value = REQUESTS[name]
    accepted(sent(chain, value))


def test_turns_alternate_and_results_belong_to_the_user() -> None:
    body = sent(model(f"bedrock:{CLAUDE}", tools=[TOOL]), TALK)
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    assert [next(iter(b)) for b in body["messages"][2]["content"]] == ["toolResult", "toolResult", "text"]
    assert body["messages"][2]["content"][1]["toolResult"]["status"] == "error"
    assert body["messages"][0]["content"][2]["document"]["name"] == "a b c (1) pdf"


def test_what_another_vendor_alone_can_read_is_left_out_with_a_warning(vendor: Any) -> None:
    turn = Message("assistant", (Thinking("hm", "sig", "anthropic"), ServerItem("google", "x", {}), Text("yes")))
    reply = vendor(answer("ok")).chain().invoke((message("user", "a"), turn, message("user", "b")))
    assert len(reply.warnings) == 2


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [(CLAUDE, {"seed": 1}, "seed"), (NOVA, {"reasoning": "low"}, "reasoning"), ("meta.llama3-8b-instruct-v1:0", {"top_k": 1}, "top_k")],
)  # fmt: skip
def test_what_a_model_cannot_honour_is_refused_before_sending(name: str, options: Any, said: str) -> None:
    with pytest.raises(e.BadRequest, match=f"option '{said}'"):
        sent(model(f"bedrock:{name}", **options))


def test_a_picture_by_its_address_is_not_the_vendors_to_open() -> None:
    assert "image" not in profile(CLAUDE).fetches


@pytest.mark.parametrize(
    ("name", "by"),
    [(CLAUDE, "anthropic"), (NOVA, "amazon"), (ARN, "amazon"), ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic"),
     ("cohere.command-r-v1:0", "cohere")],
)  # fmt: skip
def test_the_maker_of_a_model_is_read_from_its_name(name: str, by: str) -> None:
    assert maker(name) == by


def test_profiles_tell_limits_and_ways() -> None:
    assert profile(CLAUDE).context == 200_000
    assert profile(CLAUDE).output[0] == "native"
    assert profile(NOVA).output == ("tool", "prompt")
    assert profile("amazon.titan-embed-text-v2:0").kinds == {"embed"}
    assert profile("meta.llama3-8b-instruct-v1:0").tools is False


# On the wire.


def answer(text: str) -> dict[str, Any]:
    usage = {
        "inputTokens": 3,
        "outputTokens": 2,
        "totalTokens": 12,
        "cacheReadInputTokens": 4,
        "cacheWriteInputTokens": 3,
    }
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": usage,
    }


def frame(kind: str, told: Any, message_type: str = "event") -> bytes:
    """One message of AWS's event stream encoding, as its specification lays it out."""
    names = {":message-type": message_type, ":event-type" if message_type == "event" else ":exception-type": kind}
    head = b"".join(
        struct.pack(">B", len(n)) + n.encode() + b"\x07" + struct.pack(">H", len(v)) + v.encode()
        for n, v in names.items()
    )
    payload = json.dumps(told).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    body = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return body + struct.pack(">I", crc32(body))


STREAM = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm "}}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "sig"}}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "grün"}}),
    ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "find"}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"x": '}}}),
    ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"1"}'}}}),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2}, "metrics": {"latencyMs": 1}}),
]


class Vendor:
    """A server that checks the signature of each request as AWS does, and answers."""

    def __init__(self, told: Any, status: int = 200, headers: Any = ()) -> None:
        self.seen: list[Any] = []
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                vendor.seen.append((self.path, dict(self.headers), body))
                data = told if isinstance(told, bytes) else json.dumps(told).encode()
                kind = "application/vnd.amazon.eventstream" if isinstance(told, bytes) else "application/json"
                self.send_response(status if vendor.signed(self.path, self.headers, body) else 499)
                for name, value in (("content-type", kind), ("content-length", str(len(data))), *headers):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def signed(self, path: str, headers: Any, body: bytes) -> bool:
        """Whether the signature is the one that these headers and this body have."""
        said = headers["authorization"]
        if said.startswith("Bearer "):
            return said == "Bearer bt"
        names = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        request = AWSRequest(method="POST", url=f"{self.url}{path}", data=body, headers={n: headers[n] for n in names})
        request.context["timestamp"] = headers["x-amz-date"]
        auth = SigV4Auth(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI"), "bedrock", "eu-central-1")
        canonical = auth.canonical_request(request)
        return said.endswith(auth.signature(auth.string_to_sign(request, canonical), request))

    def chain(self, name: str = CLAUDE, **options: Any) -> Any:
        return model(f"bedrock:{name}", base_url=self.url, **options)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def vendor() -> Any:
    opened: list[Vendor] = []

    def opening(*args: Any, **kwargs: Any) -> Vendor:
        opened.append(Vendor(*args, **kwargs))
        return opened[-1]

    yield opening
    for each in opened:
        each.close()


@pytest.mark.parametrize("name", [CLAUDE, NOVA, ARN])
def test_requests_are_signed_so_that_the_vendor_finds_the_signature_right(vendor: Any, name: str) -> None:
    server = vendor(answer("hello"))
    reply = server.chain(name, max_tokens=5).invoke("grüß dich")
    assert reply.text == "hello"
    assert (reply.usage.input, reply.usage.cached, reply.usage.cache_write, reply.usage.output) == (10, 4, 3, 2)
    ((path, headers, _),) = server.seen
    assert path.startswith("/model/")
    assert ":" not in path
    assert "AKIDEXAMPLE" in headers["authorization"]


def test_no_secret_stands_in_what_is_rendered(vendor: Any) -> None:
    (rendered,) = model(f"bedrock:{CLAUDE}").render("hi")
    assert (
        rendered.url
        == "https://bedrock-runtime.eu-central-1.amazonaws.com/model/" + CLAUDE.replace(":", "%3A") + "/converse"
    )
    assert "wJalr" not in repr(rendered)


def test_a_bearer_token_needs_no_signature(vendor: Any) -> None:
    assert vendor(answer("hello")).chain(api_key="bt").invoke("hi").text == "hello"


def test_a_stream_is_read_from_its_frames(vendor: Any) -> None:
    server = vendor(b"".join(frame(k, t) for k, t in STREAM))
    events = list(server.chain(tools=[TOOL]).events("hi"))
    reply = events[-1].reply
    assert (reply.thinking, reply.text, reply.finish_reason) == ("hm ", "grün", "tool_calls")
    assert dict(reply.tool_calls[0].arguments) == {"x": "1"}
    assert reply.parts[0].signature == "sig"
    assert server.seen[0][0].endswith("/converse-stream")


def test_a_stream_that_was_cut_is_broken_wherever_it_was_cut() -> None:
    whole = b"".join(frame(k, t) for k, t in STREAM)
    for at in range(len(whole)):
        fold, frames = ConverseFold(), AwsFrames()
        for name, data in frames.feed(whole[:at]):
            fold.feed(name, data)
        with pytest.raises(e.StreamBroken) as caught:
            fold.finish()
        assert caught.value.partial in ("", "grün")


def test_a_damaged_frame_is_no_answer() -> None:
    broken_frame = bytearray(frame("messageStart", {"role": "assistant"}))
    broken_frame[-6] ^= 1
    with pytest.raises(e.ReplyMalformed, match="damaged on its way"):
        AwsFrames().feed(bytes(broken_frame))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("throttlingException", e.RateLimited), ("modelStreamErrorException", e.ServerError),
     ("validationException", e.BadRequest), ("serviceUnavailableException", e.ServerError)],
)  # fmt: skip
def test_an_error_in_the_middle_of_a_stream_is_raised_as_what_it_is(vendor: Any, name: str, kind: Any) -> None:
    told = b"".join(frame(k, t) for k, t in STREAM[:5]) + frame(name, {"message": "stop"}, "exception")
    with pytest.raises(kind, match="stop"):
        list(vendor(told).chain(attempts=1).events("hi"))
    assert type(broken(name, {"message": "stop"})) is kind


@pytest.mark.parametrize(
    ("status", "name", "said", "kind"),
    [(400, "ValidationException", "The provided model identifier is invalid.", e.BadRequest),
     (400, "ValidationException", "Input is too long for requested model.", e.ContextTooLong),
     (403, "AccessDeniedException", "You don't have access to the model", e.PermissionDenied),
     (403, "UnrecognizedClientException", "The security token included in the request is invalid.", e.AuthenticationError),
     (403, "", "The security token included in the request is expired", e.AuthenticationError),
     (404, "ResourceNotFoundException", "no", e.BadRequest), (424, "ModelErrorException", "no", e.ServerError),
     (429, "ThrottlingException", "slow down", e.RateLimited), (503, "ServiceUnavailableException", "no", e.ServerError)],
)  # fmt: skip
def test_refusals_are_errors_of_ours(status: int, name: str, said: str, kind: Any) -> None:
    headers = {"x-amzn-ErrorType": f"{name}:http://x/", "x-amzn-RequestId": "r1"} if name else {}
    error = refused(status, headers, json.dumps({"message": said}).encode())
    assert type(error) is kind
    assert error.cure
    assert error.request_id == ("r1" if name else None)


def test_without_credentials_the_error_says_how_to_get_some(vendor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(e.AuthenticationError, match="no AWS credentials") as caught:
        vendor(answer("x")).chain().invoke("hi")
    assert "aws configure" in str(caught.value)


def test_the_region_may_stand_in_the_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(e.AuthenticationError, match="AWS_REGION"):
        model(f"bedrock:{CLAUDE}").render("hi")
    (tmp_path / "config").write_text("[default]\nregion = sa-east-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    credentials._session.cache_clear()
    assert "sa-east-1" in model(f"bedrock:{CLAUDE}").render("hi")[0].url


def test_claude_may_be_asked_by_messages_too(vendor: Any) -> None:
    told = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [{"type": "text", "text": "yes"}],
            "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1}}  # fmt: skip
    server = vendor(told)
    assert server.chain(api="messages", max_tokens=5).invoke("hi").text == "yes"
    path, _, body = server.seen[0]
    assert path.endswith("/invoke")
    assert json.loads(body)["anthropic_version"] == "bedrock-2023-05-31"
    assert not json.loads(body).keys() & {"model", "stream"}


@pytest.mark.parametrize(
    ("name", "told", "vectors"),
    [("amazon.titan-embed-text-v2:0", {"embedding": [1.0, 2.0], "inputTextTokenCount": 2}, [[1.0, 2.0]] * 2),
     ("cohere.embed-english-v3", {"embeddings": [[1.0], [2.0]]}, [[1.0], [2.0]]),
     ("cohere.embed-v4:0", {"embeddings": {"float": [[1.0], [2.0]]}}, [[1.0], [2.0]]),
     ("amazon.nova-2-multimodal-embeddings-v1:0", {"embeddings": [{"embedding": [3.0]}]}, [[3.0], [3.0]])],
)  # fmt: skip
def test_texts_are_embedded_by_each_makers_form(vendor: Any, name: str, told: Any, vectors: Any) -> None:
    server = vendor(told)
    found = embedder(f"bedrock:{name}", base_url=server.url, task="query").invoke(["a", "b"])
    assert [list(v) for v in found] == vectors
