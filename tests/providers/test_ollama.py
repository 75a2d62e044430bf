"""Ollama's own API: what is sent is what its own package would accept, and what comes back is read whole."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

from chainkit import Fill, completion, embedder, model
from chainkit import errors as e
from chainkit.messages import Media, Message, Messages, Text, Thinking, ToolCall, ToolResult
from chainkit.models.access import access
from chainkit.models.completion import CompletionRequest
from chainkit.models.json_lines import JsonLines
from chainkit.models.provider import Account
from chainkit.models.registry import find
from chainkit.models.request import ChatRequest, ToolSpec
from chainkit.testing.faults import Seen, Told
from chainkit.testing.server import FaultServer
from chainkit_providers.ollama import provider
from chainkit_providers.ollama.chat import Chat
from chainkit_providers.ollama.generate import Generate
from chainkit_providers.ollama.host import address

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
from test_traffic import choice, differences

if TYPE_CHECKING:
    from chainkit.models.reply import Reply

WEATHER = ToolSpec("get_weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
PNG = Media("image", "image/png", b"\x89PNG")
TIMES = {"total_duration": 5, "load_duration": 1, "prompt_eval_duration": 2, "eval_duration": 3}
END = {"done": True, "done_reason": "stop", "prompt_eval_count": 4, "eval_count": 2, **TIMES}


def said(content: str = "", **more: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": content, **more},
    }


def answers(*lines: dict[str, Any], status: int = 200) -> Any:
    """A server that says this, streamed as lines where it is asked for a stream."""

    def behave(seen: Seen) -> Told:
        if seen.json.get("stream") and status == 200:
            told = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            return Told(200, {"content-type": "application/x-ndjson"}, (told,), streamed=True)
        return Told(status, {"content-type": "application/json; charset=utf-8"}, (json.dumps(lines[-1]).encode(),))

    return behave


def encoded(*turns: Message, **options: Any) -> dict[str, Any]:
    request = ChatRequest("m", Messages(turns), options)
    left = dict(options)
    body = Chat().encode(request, left)
    assert not left
    return body


USER = Message("user", (Text("hi"),))


# What is sent.


def test_every_option_stands_where_its_own_package_has_it() -> None:
    ollama = pytest.importorskip("ollama")
    options = {
        "temperature": 0.5, "top_p": 0.9, "top_k": 4, "min_p": 0.1, "max_tokens": 9, "seed": 1, "stop": "x",
        "frequency_penalty": 0.1, "presence_penalty": 0.2, "repeat_penalty": 1.1, "logprobs": 2,
    }  # fmt: skip
    body = encoded(USER, **options)
    told = ollama._types.ChatRequest.model_validate(body)
    # Its package knows every name but one, which the server has and the package has not.
    assert set(body["options"]) - {"min_p"} <= set(ollama.Options.model_fields)
    assert (body["options"]["num_predict"], body["options"]["stop"]) == (9, ["x"])
    assert (told.logprobs, told.top_logprobs) == (True, 2)
    assert ollama.Options.model_validate(body["options"]).seed == 1


def test_turns_with_pictures_calls_and_results_are_what_its_package_makes_of_them() -> None:
    ollama = pytest.importorskip("ollama")
    call = ToolCall("get_weather", {"city": "Berlin"}, "call_1")
    turns = (
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("What is this?"), PNG)),
        Message("assistant", (Thinking("Hm.", vendor="ollama"), Text("So:"), call)),
        Message("tool", (ToolResult("call_1", "sunny"), ToolResult("call_1", "no wind", failed=True))),
    )
    body = Chat().encode(ChatRequest("m", Messages(turns), tools=(WEATHER,)), {})
    told = ollama._types.ChatRequest.model_validate(body)
    turned = [
        ollama.Message.model_validate(m | {"images": [ollama.Image(value=i) for i in m.get("images", [])]})
        for m in body["messages"]
    ]
    assert [m.role for m in turned] == ["system", "user", "assistant", "tool", "tool"]
    assert body["messages"][1]["images"] == [base64.b64encode(PNG.data or b"").decode()]
    assert body["messages"][2]["thinking"] == "Hm."
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": {"city": "Berlin"}}
    assert [m["tool_name"] for m in body["messages"][3:]] == ["get_weather"] * 2
    assert told.tools[0].function.name == "get_weather"


def test_a_type_is_asked_for_by_its_schema() -> None:
    class City(BaseModel):
        name: str
        country: str

    (rendered,) = model("ollama:m", output=City).render("hi")
    assert set(rendered.body["format"]["properties"]) == {"name", "country"}
    with FaultServer(answers(said('{"name": "Bonn", "country": "DE"}') | END)) as server:
        assert model("ollama:m", output=City, base_url=server.url).invoke("hi") == City(name="Bonn", country="DE")


def test_its_own_options_go_to_their_places_and_a_wrong_one_is_refused() -> None:
    own = {"ollama_keep_alive": "10m", "ollama_num_ctx": 8192}
    (rendered,) = model("ollama:m", temperature=0, vendor=own).render("hi")
    assert rendered.body["keep_alive"] == "10m"
    assert rendered.body["options"] == {"temperature": 0, "num_ctx": 8192}
    with pytest.raises(e.BadRequest, match="ollama_num_ctxx"):
        model("ollama:m", vendor={"ollama_num_ctxx": 1}).render("hi")


@pytest.mark.parametrize(
    ("name", "level", "sent", "warned"),
    [
        ("qwen3", "high", True, True),
        ("qwen3", "none", False, False),
        ("gpt-oss:20b", "high", "high", False),
        ("gpt-oss:20b", "minimal", "low", False),
    ],
)
def test_thinking_is_a_switch_or_a_level_as_the_model_has_it(name: str, level: Any, sent: Any, warned: bool) -> None:
    request = ChatRequest(name, Messages((USER,)), {"reasoning": level})
    options = dict(request.options)
    assert Chat().encode(request, options)["think"] == sent
    assert (options, bool(request.warnings)) == ({}, warned)


def test_what_it_cannot_do_is_refused_before_anything_is_sent() -> None:
    for options in ({"n": 2}, {"tool_choice": "required"}, {"logit_bias": {"1": 1}}):
        with pytest.raises(e.BadRequest, match=f"{next(iter(options))}.*nothing was sent"):
            model("ollama:m", tools=[WEATHER], **options).render("hi")
    with pytest.raises(e.BadRequest, match="'reasoning'"):
        model("ollama:gpt-oss:20b", reasoning="none").render("hi")
    with pytest.raises(e.BadRequest, match="Ollama takes no image part given as URL"):
        encoded(Message("user", (Media("image", "image/png", url="https://x.example/a.png"),)))


def test_no_tools_are_offered_where_none_may_be_called() -> None:
    (rendered,) = model("ollama:m", tools=[WEATHER], tool_choice="none").render("hi")
    assert "tools" not in rendered.body


def test_thinking_of_another_vendor_stays_behind_and_is_written_down() -> None:
    request = ChatRequest("m", Messages((USER, Message("assistant", (Thinking("Hm.", vendor="acme"), Text("So."))))))
    body = Chat().encode(request, {})
    assert "thinking" not in body["messages"][1]
    assert "acme" in request.warnings[0]


def test_a_raw_text_passes_the_template_and_a_gap_goes_through_it() -> None:
    ollama = pytest.importorskip("ollama")
    for value, form in (("Once", {"raw": True}), (Fill("a", "b"), {"suffix": "b"}), (Fill("a", ""), {"raw": True})):
        (rendered,) = completion("ollama:m", max_tokens=4).render(value)
        assert form.items() <= rendered.body.items()
        ollama._types.GenerateRequest.model_validate(rendered.body)


# What comes back.


def test_a_reply_tells_all_that_the_server_told() -> None:
    call = {"id": "call_9", "function": {"index": 0, "name": "get_weather", "arguments": {"city": "Bonn"}}}
    told = said("So:", thinking="Hm.", tool_calls=[call]) | END | {"logprobs": [{"token": "So", "logprob": -0.1}]}
    reply = Chat().decode(told)
    assert (reply.text, reply.thinking, reply.finish_reason, reply.finish_word) == ("So:", "Hm.", "tool_calls", "stop")
    assert reply.tool_calls == (ToolCall("get_weather", {"city": "Bonn"}, "call_9"),)
    assert (reply.usage.input, reply.usage.output, reply.model) == (4, 2, "m")
    assert (reply.logprobs[0]["token"], reply.raw["total_duration"]) == ("So", 5)


def test_a_stream_shows_thinking_text_and_calls_and_keeps_the_times() -> None:
    call = {"function": {"name": "get_weather", "arguments": {"city": "Bonn"}}}
    lines = [said(thinking="Hm."), said("So"), said(":"), said(tool_calls=[call])]
    told = [{**line, "done": False} for line in lines] + [said() | END]
    with FaultServer(answers(*told), seed=3) as server:
        with model("ollama:m", base_url=server.url).stream("hi") as stream:
            assert list(stream) == ["So", ":"]
        reply: Reply = stream.value
    assert (reply.thinking, reply.tool_calls[0].name, reply.usage.output) == ("Hm.", "get_weather", 2)
    assert reply.raw["eval_duration"] == 3
    (seen,) = server.requests
    assert (seen.path, seen.json["stream"]) == ("/api/chat", True)


def test_an_error_in_the_middle_of_a_stream_is_an_error() -> None:
    told = [said("So") | {"done": False}, {"error": "an error was encountered while running the model"}]
    with FaultServer(answers(*told)) as server, pytest.raises(e.ProviderError, match="while running the model"):
        list(model("ollama:m", base_url=server.url, attempts=1).stream("hi"))


@pytest.mark.parametrize(
    ("status", "error", "kind", "cure"),
    [
        (404, 'model "llama9" not found, try pulling it first', e.BadRequest, "chainkit pull ollama:llama9"),
        (404, "model 'llama9:1b' not found", e.BadRequest, "ollama pull llama9:1b"),
        (400, "registry.ollama.ai/library/gemma:2b does not support tools", e.BadRequest, "ollama show"),
        (400, '"gemma:2b" does not support insert', e.BadRequest, "ollama show"),
        (400, "prompt too long; exceeded max context length by 4 tokens", e.ContextTooLong, "context"),
        (401, "unauthorized", e.AuthenticationError, "OLLAMA_API_KEY"),
        (503, "server busy, please try again.  maximum pending requests exceeded", e.ServerError, "again"),
        (500, "model runner has unexpectedly stopped", e.ServerError, "again"),
    ],
)
def test_a_refusal_is_an_error_of_its_class_with_its_cure(status: int, error: str, kind: type, cure: str) -> None:
    with FaultServer(answers({"error": error}, status=status)) as server, pytest.raises(kind) as caught:
        model("ollama:llama9", base_url=server.url, attempts=1).invoke("hi")
    assert error[:20] in str(caught.value)
    assert cure in (caught.value.cure or "")


def test_vectors_come_back_in_the_order_of_the_texts() -> None:
    def embeds(seen: Seen) -> Told:
        told = {"model": "m", "embeddings": [[float(len(t)), 0.0] for t in seen.json["input"]], "prompt_eval_count": 3}
        return Told(200, {"content-type": "application/json"}, (json.dumps(told).encode(),))

    with FaultServer(embeds) as server:
        found = embedder("ollama:m", base_url=server.url, dimensions=2).invoke(["a", "bcd"])
    assert [list(v) for v in found.vectors] == [[1.0, 0.0], [3.0, 0.0]]
    assert (found.usage.input, server.requests[0].json["dimensions"]) == (3, 2)
    with FaultServer(answers({"embeddings": []})) as server, pytest.raises(e.ReplyMalformed, match="for each of 1"):
        embedder("ollama:m", base_url=server.url, attempts=1).invoke("a")


# Recorded traffic.


def read(line: Any) -> Reply:
    wire: Any = Chat()
    if b'"done":false' not in line.body:
        return wire.decode(json.loads(line.body))
    fold, lines = wire.fold(ChatRequest("m", Messages())), JsonLines()
    shown = [p for cut in line.cuts() for name, data in lines.feed(cut) for p in fold.feed(name, data)]
    reply = fold.finish()
    assert "".join(p.text for p in shown) == reply.text
    return reply


def test_every_recorded_chat_is_read_as_the_corpus_reads_it(traffic: list[Any]) -> None:
    lines = [x for x in traffic if x.wire in ("ollama", "ollama_stream") and x.kind.startswith("chat")]
    assert lines
    wrong = [f"{line.id}: {told}" for line in lines for told in differences(line, read(line))]
    assert not wrong, "\n".join(wrong)


def test_a_recorded_stream_cut_after_any_byte_is_broken_with_what_had_come(traffic: list[Any]) -> None:
    for line in (x for x in traffic if x.wire == "ollama_stream"):
        whole = choice(read(line))
        for at in range(len(line.body)):
            fold, lines = Chat().fold(ChatRequest("m", Messages())), JsonLines()
            shown = [p for name, data in lines.feed(line.body[:at]) for p in fold.feed(name, data)]
            try:
                for name, data in lines.rest():
                    shown += fold.feed(name, data)
            except e.ReplyMalformed:
                pass
            try:
                assert choice(fold.finish()) == whole
            except e.StreamBroken as broken:
                assert broken.partial == "".join(p.text for p in shown)


# Where it is.


@pytest.mark.parametrize(
    ("held", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":5678", "http://127.0.0.1:5678"),
        ("example.com:5678/path/", "http://example.com:5678/path"),
        ("http://example.com", "http://example.com"),
        ("https://ollama.com", "https://ollama.com"),
        ("https://[::1]:5678/p", "https://[::1]:5678/p"),
        ("::1", "http://[::1]:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("[::]:99", "http://[::1]:99"),
        (" 'host' ", "http://host:11434"),
    ],
)
def test_the_server_is_found_where_its_variable_says_in_whatever_form(held: str, url: str) -> None:
    assert address(held) == url
    if held.strip():
        assert access(provider, Account("ollama"), {"OLLAMA_HOST": held}).base_url == url


def test_an_address_that_is_none_or_holds_a_password_is_refused() -> None:
    for held, words in (("host:port", "no address of an Ollama server"), ("user:pw@host", "password")):
        with pytest.raises(e.CompositionError, match=words):
            address(held)


def test_the_key_goes_to_the_cloud_and_to_the_server_that_the_variable_names() -> None:
    key = {"OLLAMA_API_KEY": "abcdefghijkl"}
    for account, more, own in (
        (Account("ollama"), {"OLLAMA_HOST": "https://ollama.com"}, True),
        (Account("ollama", base_url="https://ollama.com"), {}, True),
        (Account("ollama", base_url="http://ollama.com"), {}, False),
        (Account("ollama", base_url="https://elsewhere.example"), {}, False),
    ):
        found = access(provider, account, key | more)
        assert ("authorization" in found.headers) is own, account
    assert not access(provider, Account("ollama"), {}).missing


def test_an_address_that_ends_in_v1_asks_for_the_protocol_that_stands_there() -> None:
    url = "http://example.com:5678/v1"
    assert model("ollama:m", base_url=url).render("hi")[0].url == f"{url}/chat/completions"
    assert model("ollama:m", api="responses").render("hi")[0].url == "http://127.0.0.1:11434/v1/responses"


def test_a_model_of_the_cloud_is_not_free() -> None:
    assert (find("ollama").profile("m").local, find("ollama").profile("m:120b-cloud").local) == (True, False)


# Pulling.


def progress(*lines: dict[str, Any]) -> FaultServer:
    return FaultServer(answers(*lines), seed=5)


def test_a_pull_tells_the_bytes_of_all_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    lines = [
        {"status": "pulling manifest"},
        {"status": "pulling aa", "digest": "aa", "total": 100, "completed": 40},
        {"status": "pulling aa", "digest": "aa", "total": 100, "completed": 100},
        {"status": "pulling bb", "digest": "bb", "total": 10},
        {"status": "success"},
    ]
    with progress(*lines) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        assert provider.pull("llama3.2:1b", progress=lambda done, total: seen.append((done, total))) == "llama3.2:1b"
    assert seen == [(40, 100), (100, 100), (100, 110)]
    assert server.requests[0].json == {"model": "llama3.2:1b", "stream": True}


def test_a_pull_that_fails_or_breaks_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for lines, kind, words in (
        ([{"error": "pull model manifest: file does not exist"}], e.ProviderError, "file does not exist"),
        ([{"status": "pulling manifest"}], e.StreamBroken, "pulling manifest"),
    ):
        with progress(*lines) as server:
            monkeypatch.setenv("OLLAMA_HOST", server.url)
            with pytest.raises(kind, match=words) as caught:
                provider.pull("nothing")
        assert caught.value.cure
    monkeypatch.setenv("OLLAMA_HOST", server.url)
    with pytest.raises(e.ConnectionFailed, match="no Ollama server answers at") as caught:
        provider.pull("nothing")
    assert "ollama serve" in (caught.value.cure or "")


def test_its_models_are_those_that_the_server_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def tags(seen: Seen) -> Told:
        about = {"parameter_size": "1.2B", "quantization_level": "Q8_0"}
        told = {"models": [{"name": "llama3.2:1b", "size": 5, "details": about}]}
        return Told(200, {"content-type": "application/json"}, (json.dumps(told).encode(),))

    with FaultServer(tags) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        row = {"name": "llama3.2:1b", "bytes": 5, "parameters": "1.2B", "quantization": "Q8_0"}
        assert provider.models() == [row]
    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/api/tags")


def test_the_streamed_completion_is_the_whole_one() -> None:
    lines = [{"model": "m", "response": t, "done": False} for t in ("Par", "is")]
    wire, request = Generate(), CompletionRequest("m", Messages())
    fold = wire.fold(request)
    for line in [*lines, {"model": "m", "response": "", **END}]:
        fold.feed("", json.dumps(line).encode())
    assert fold.finish() == wire.decode({"model": "m", "response": "Paris", **END}, request)
