"""Completions on their wires: what is sent, and how recorded answers of real services are read."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chainkit import Fill, completion, model
from chainkit import errors as e
from chainkit.messages import Messages
from chainkit.models.completion import CompletionRequest
from chainkit.models.http_answer import last
from chainkit.models.pieces import TextPiece
from chainkit.models.sse import SseParser
from chainkit.testing.faults import Told
from chainkit.testing.server import FaultServer
from chainkit_providers.ollama.generate import Generate
from chainkit_providers.openai.completing import COMPLETIONS, ROWS
from chainkit_providers.openai.fill import FAMILIES, marked

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
from test_traffic import differences
from test_traffic_over_loopback import Corpus, differs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.models.reply import Reply
    from chainkit.testing.faults import Seen

PROVIDERS = ("openai", "together", "local_openai_compat", "writer", "ollama")
ELSEWHERE = {
    "anthropic_completion_stream": "the vendor's first interface, which it has replaced; base models it has none",
    "bedrock_invoke": "each vendor's own form behind one door; the adapter speaks Converse",
    "bedrock_invoke_stream": "each vendor's own form behind one door; the adapter speaks Converse",
    "cohere_generate": "the vendor's first interface, which it has replaced; base models it has none",
}
"""Completions in a format that no wire of ours speaks, and why."""


def wire_of(line: Any) -> Any:
    """The wire that reads a line."""
    return Generate() if line.provider == "ollama" else COMPLETIONS.get(line.provider, COMPLETIONS["vllm"])


def request_of(line: Any) -> CompletionRequest:
    return CompletionRequest("m", Messages(), {"n": (line.request or {}).get("n") or 1})


def streamed(line: Any) -> bool:
    return line.wire.endswith("_stream") or b'"done":false' in line.body


def read(line: Any) -> Reply:
    """The reply that a line holds; a stream in random pieces of bytes."""
    wire, request = wire_of(line), request_of(line)
    if not streamed(line):
        return wire.decode(json.loads(line.body), request)
    fold, parser, shown = wire.fold(request), getattr(wire, "framing", SseParser)(), []
    for cut in line.cuts():
        for name, data in parser.feed(cut):
            shown += fold.feed(name, data)
    shown += [piece for name, data in parser.rest() for piece in fold.feed(name, data)]
    reply = fold.finish()
    assert "".join(p.text for p in shown) == reply.text
    return reply


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_recorded_completion_is_read_as_the_corpus_reads_it(traffic: list[Any], provider: str) -> None:
    lines = [line for line in traffic if line.provider == provider and line.kind == "completion"]
    wrong = [f"{line.id}: {said}" for line in lines for said in differences(line, read(line))]
    assert lines
    assert not wrong, "\n".join(wrong)


def test_no_completion_of_the_corpus_is_left_out_without_a_reason(traffic: list[Any]) -> None:
    left = {x.wire for x in traffic if x.kind == "completion" and x.provider not in PROVIDERS}
    assert left == ELSEWHERE.keys()


def outcomes(line: Any) -> Iterator[Any]:
    """What comes of a cut after each byte of a stream: the reply, or the error."""
    wire, request = wire_of(line), request_of(line)
    for at in range(len(line.body)):
        fold, parser, shown = wire.fold(request), getattr(wire, "framing", SseParser)(), []

        def show(name: str, data: bytes, fold: Any = fold, shown: list[str] = shown) -> list[Any]:
            pieces = list(fold.feed(name, data))
            shown.extend(p.text for p in pieces if isinstance(p, TextPiece))
            return pieces

        for name, data in parser.feed(line.body[:at]):
            show(name, data)
        last(parser, show)
        try:
            yield fold.finish()
        except e.StreamBroken as broken:
            assert broken.partial == "".join(shown)
            yield broken


def test_a_stream_cut_after_any_byte_is_broken_with_what_had_come_or_whole(traffic: list[Any]) -> None:
    # One vendor's stream has no end mark; there the end of the HTTP answer tells, which a cut does not reach.
    lines = [x for x in traffic if x.kind == "completion" and x.provider in PROVIDERS and streamed(x)]
    lines = sorted((x for x in lines if x.provider != "writer"), key=lambda x: len(x.body))[:6]
    assert len(lines) == 6
    for line in lines:
        whole = read(line)
        told = list(outcomes(line))
        assert sum(isinstance(t, e.StreamBroken) for t in told) > len(told) * 3 // 4
        assert all(t.text == whole.text for t in told if not isinstance(t, e.StreamBroken)), line.id


def test_a_row_names_a_provider_that_is_there_or_may_be_added() -> None:
    from chainkit.models.registry import find, names

    assert {row.vendor for row in ROWS} <= set(names())
    for row in ROWS:
        assert "complete" in find(row.vendor).tasks  # type: ignore[attr-defined]


@pytest.mark.parametrize("vendor", [row.vendor for row in ROWS])
def test_what_a_row_offers_stands_in_the_body(vendor: str) -> None:
    wire, row = COMPLETIONS[vendor], next(r for r in ROWS if r.vendor == vendor)
    given = {"temperature": 0.5, "stop": ("a", "b"), "max_tokens": 3} | {
        k: 1 for k in row.options if k not in ("temperature", "stop", "max_tokens", "logit_bias", "grammar")
    }
    options = dict(given)
    body = wire.encode(CompletionRequest("starcoder2", Messages(), given, prefix="Once"), options)
    assert options == {}
    assert body == {"model": "starcoder2", "prompt": "Once"} | {
        row.options[k]: list(v) if isinstance(v, tuple) else v for k, v in given.items()
    }


@pytest.mark.parametrize("vendor", [row.vendor for row in ROWS if row.vendor not in ("openai", "azure")])
def test_a_completion_goes_where_the_vendors_chats_go(vendor: str) -> None:
    chat = model(f"{vendor}:m", api_key="none").render("hi")[0].url
    (rendered,) = completion(f"{vendor}:m", api_key="none").render("hi")
    own = {"deepseek": "beta/completions", "mistral": "fim/completions", "writer": "completions"}
    base = chat.removesuffix("/chat/completions").removesuffix("/chat")
    assert rendered.url == f"{base}/{own.get(vendor, 'completions')}"


@pytest.mark.parametrize("vendor", ["openai", "mistral", "deepseek"])
def test_a_gap_is_a_suffix_where_the_vendor_takes_one(vendor: str) -> None:
    request = CompletionRequest("m", Messages(), prefix="a", suffix="b", stream=True)
    body = COMPLETIONS[vendor].encode(request, {})
    assert (body["prompt"], body["suffix"], body["stream"]) == ("a", "b", True)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("Qwen/Qwen2.5-Coder-7B", "<|fim_prefix|>f({<|fim_suffix|>})<|fim_middle|>"),
        ("bigcode/starcoder2-3b", "<fim_prefix>f({<fim_suffix>})<fim_middle>"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "<｜fim▁begin｜>f({<｜fim▁hole｜>})<｜fim▁end｜>"),
        ("codellama/CodeLlama-7b-hf", "<PRE> f({ <SUF>}) <MID>"),
        ("mistralai/Codestral-22B-v0.1", "[SUFFIX]})[PREFIX]f({"),
        ("JetBrains/Mellum-4b-base", "<fim_suffix>})<fim_prefix>f({<fim_middle>"),
        ("google/codegemma-2b", "<|fim_prefix|>f({<|fim_suffix|>})<|fim_middle|>"),
    ],
)
def test_a_gap_is_marked_as_its_model_was_trained(model: str, text: str) -> None:
    assert marked(f"vllm:{model}", "f({", "})") == text
    assert sum(bool(f.names.search(model)) for f in FAMILIES) == 1


def test_a_gap_is_refused_for_a_model_whose_marks_nobody_knows() -> None:
    with pytest.raises(e.BadRequest, match="vllm:llama-3 is not known to fill a gap.*nothing was sent"):
        completion("vllm:llama-3").render(Fill("a", "b"))


def test_an_echoed_prompt_is_no_part_of_the_text_and_its_tokens_stand_apart() -> None:
    request = CompletionRequest("m", Messages(), {"prompt_logprobs": 1, "logprobs": 1}, prefix="Hello wor")
    told = {
        "tokens": ["Hello", " wor", "ld", "!"],
        "token_logprobs": [None, -2.0, -0.1, -0.3],
        "top_logprobs": [None, {" wor": -2.0}, {"ld": -0.1}, {"!": -0.3}],
        "text_offset": [0, 5, 9, 11],
    }
    body = {"choices": [{"text": "Hello world!", "index": 0, "logprobs": told, "finish_reason": "stop"}]}
    reply = COMPLETIONS["openai"].decode(body, request)
    assert reply.text == "ld!"
    assert [t["token"] for t in reply.prompt_logprobs] == ["Hello", " wor"]
    assert reply.logprobs[0] == {
        "token": "ld",
        "logprob": -0.1,
        "top_logprobs": [{"token": "ld", "logprob": -0.1}],
    }


def test_a_server_that_echoes_nothing_keeps_its_text_whole_and_is_named_in_a_warning() -> None:
    request = CompletionRequest("m", Messages(), {"prompt_logprobs": 0}, prefix="Hello")
    told = {"tokens": [" world"], "token_logprobs": [-0.1], "top_logprobs": None}
    body = {"choices": [{"text": " world", "index": 0, "logprobs": told, "finish_reason": "stop"}]}
    reply = COMPLETIONS["sglang"].decode(body, request)
    assert (reply.text, len(reply.logprobs), reply.prompt_logprobs) == (" world", 1, ())
    assert "sglang told no logprobs of the prompt" in reply.warnings


def test_an_error_inside_a_stream_is_the_error_that_it_says() -> None:
    fold = COMPLETIONS["vllm"].fold(CompletionRequest("m", Messages()))
    with pytest.raises(e.ContextTooLong):
        fold.feed("", b'{"error": {"message": "maximum context length is 5", "code": "context_length_exceeded"}}')


def test_several_streamed_answers_are_whole_only_when_all_have_ended() -> None:
    fold = COMPLETIONS["llamacpp"].fold(CompletionRequest("m", Messages(), {"n": 2}))
    fold.feed("", b'{"choices": [{"index": 0, "text": "a", "finish_reason": "stop"}]}')
    with pytest.raises(e.StreamBroken):
        fold.finish()
    fold.feed("", b'{"choices": [{"index": 1, "text": "b", "finish_reason": "length"}]}')
    assert [r.text for r in fold.finish().choices] == ["b"]


def test_an_answer_of_another_shape_is_malformed() -> None:
    for body in ([], {"choices": []}, {"choices": [{"text": 3}]}):
        with pytest.raises(e.ReplyMalformed):
            COMPLETIONS["openai"].decode(body, CompletionRequest("m", Messages()))


SPECS = {
    "openai": ("openai:davinci-002", "/v1"),
    "together": ("together:m", ""),
    "writer": ("writer:m", ""),
    "local_openai_compat": ("vllm:m", "/v1"),
    "ollama": ("ollama:m", ""),
}


def asking(server: FaultServer, line: Any, carrier: Any) -> Any:
    """A model whose answer is that line: a chat where the line is one."""
    spec, under = SPECS[line.provider]
    options: Any = {
        "base_url": f"{server.url}/id/{line.id}{under}",
        "api_key": "none",
        "attempts": 1,
        "carrier": carrier,
    }
    if line.kind != "completion":
        return model(spec, **options)
    n = request_of(line).options["n"]
    return completion(spec, **options, **({"n": n} if n > 1 else {}))


@pytest.mark.parametrize("carrier", ["httpx", "aiohttp"])
@pytest.mark.parametrize("provider", SPECS)
def test_a_recorded_answer_is_the_same_over_loopback(traffic: list[Any], provider: str, carrier: str) -> None:
    native = ("ollama", "ollama_stream")
    lines = [x for x in traffic if x.provider == provider and (x.kind == "completion" or x.wire in native)]

    async def read(line: Any) -> Reply:
        chain = asking(server, line, carrier)
        if not streamed(line):
            return await chain.ainvoke("hi")
        async with chain.astream("hi") as stream:
            assert "".join([piece async for piece in stream]) == stream.value.text, line.id
            return stream.value

    async def all_of_them() -> list[Reply]:
        return [await read(line) for line in lines]

    streams = {line.id: streamed(line) for line in lines}
    with FaultServer(lambda seen: _streamed_as(Corpus(lines)(seen), streams[seen.path.split("/")[2]])) as server:
        replies = asyncio.run(all_of_them())
    wrong = [said for line, reply in zip(lines, replies, strict=True) if (said := differs(line, reply))]
    assert lines
    assert not wrong, "\n".join(wrong)


def _streamed_as(told: Told, streamed: bool) -> Told:
    return replace(told, streamed=streamed)


# One vendor's own form.


def aleph(*lines: Any) -> Any:
    def behave(seen: Seen) -> Told:
        if seen.json.get("stream"):
            told = b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines[1:])
            return Told(200, {"content-type": "text/event-stream"}, (told,), streamed=True)
        return Told(200, {"content-type": "application/json"}, (json.dumps(lines[0]).encode(),))

    return behave


def test_aleph_alphas_own_completion_is_the_same_whole_and_streamed() -> None:
    counts = {"num_tokens_prompt_total": 4, "num_tokens_generated": 2}
    whole = {
        "model_version": "luminous-2022-06",
        "completions": [{"completion": " an apple", "finish_reason": "maximum_tokens"}],
        **counts,
    }
    chunks = [{"type": "stream_chunk", "index": 0, "completion": t} for t in (" an", " apple")]
    end = {"type": "stream_summary", "index": 0, "model_version": "luminous-2022-06", "finish_reason": "maximum_tokens"}
    summary = {"type": "completion_summary", **counts}
    with FaultServer(aleph(whole, *chunks, end, summary), seed=2) as server:
        chain = completion("alephalpha:luminous-base", base_url=server.url, api_key="none", max_tokens=2, stop="\n")
        reply = chain.invoke("I ate")
        with chain.stream("I ate") as stream:
            assert list(stream) == [" an", " apple"]
    assert (reply.text, reply.finish_reason, reply.usage.input, reply.usage.output) == (" an apple", "length", 4, 2)
    assert (stream.value, stream.value.usage, stream.value.model) == (reply, reply.usage, "luminous-2022-06")
    assert server.requests[0].json == {
        "model": "luminous-base",
        "prompt": "I ate",
        "maximum_tokens": 2,
        "stop_sequences": ["\n"],
    }
    assert server.requests[0].path == "/complete"
