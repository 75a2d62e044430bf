"""Recorded answers of real providers are read as an independent parser reads them, line by line."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    ChainkitError,
    ContextTooLong,
    ProviderError,
    ServerError,
    StreamBroken,
)
from chainkit.messages import Messages, ServerItem
from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit.models.request import ChatRequest
from chainkit.models.sse import SseParser
from chainkit_providers import azure, gateways
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.provider import ChatWire
    from chainkit.models.reply import Reply

VENDORS = ("openai", "anthropic", "cohere", "google", "google_vertex")
KINDS = (
    ("openai", "chat"),
    ("openai", "chat_stream"),
    ("openai", "responses"),
    ("openai", "responses_stream"),
    ("anthropic", "messages"),
    ("anthropic", "messages_stream"),
    ("cohere", "chat"),
    ("cohere", "chat_stream"),
    ("google", "chat"),
    ("google", "chat_stream"),
    ("google_vertex", "chat"),
    ("google_vertex", "chat_stream"),
)
GATEWAYS = {
    "azure": azure.provider,
    "bedrock_mantle": gateways.bedrock_mantle,
    "cerebras": gateways.cerebras,
    "cloudflare": gateways.cloudflare,
    "databricks": gateways.databricks,
    "deepseek": gateways.deepseek,
    "gateway": gateways.litellm,
    "groq": gateways.groq,
    "local_openai_compat": gateways.litellm,
    "mistral": gateways.mistral,
    "openrouter": gateways.openrouter,
    "perplexity": gateways.perplexity,
    "snowflake": gateways.snowflake,
    "together": gateways.together,
    "writer": gateways.writer,
    "xai": gateways.xai,
    "zai": gateways.zai,
}
"""The row that reads a group's answers; proxies are read as the one proxy that has a row."""


def _row_of(vendor: str, api: str) -> ChatWire:
    row = GATEWAYS.get(vendor)
    plain: ChatWire = ChatCompletions(Dialect(vendor)) if api == "chat" else Responses(Dialect(vendor))
    wire = row.wires[api] if row is not None and api in row.wires else plain
    assert not isinstance(wire, str)
    return wire


WIRES: dict[str, Callable[[str], ChatWire]] = {
    "openai_chat": lambda vendor: _row_of(vendor, "chat"),
    "openai_responses": lambda vendor: _row_of(vendor, "responses"),
    "anthropic": lambda _: MessagesWire(),
    "cohere_v2": lambda _: ChatV2(),
    "gemini": lambda _: Gemini(),
}

OTHER_WIRES = {
    "cohere_v1": "Cohere's first chat interface, which its vendor has replaced; the adapter speaks v2",
    "cohere_v1_stream": "Cohere's first chat interface, which its vendor has replaced; the adapter speaks v2",
}
"""Lines of these vendors in a format that no wire of ours speaks, and why."""

RAISES: dict[str, tuple[type[ProviderError], str]] = {
    "cohere-chat_stream-dee1ecb4ad8ea8": (ServerError, "the stream ends by saying that the generation failed"),
    "groq-chat_stream-4eab04e1c5028e": (ServerError, "an error object inside a 200 stream"),
    "local_openai_compat-chat_stream-41c9acc87f1cbb": (
        StreamBroken,
        "the server broke off, with its error in no field of the standard",
    ),
}
"""Answers that are no replies: the error that must be raised, and why."""

_NUMBER = "finish_reason: 'STOP', not 1", "a client that asked for enums as numbers: 1 is STOP"
DIFFERS: dict[str, tuple[str | tuple[str, ...], str]] = {
    "google_vertex-chat-abaaf388ceff31": _NUMBER,
    "google_vertex-chat_stream-dd65a16c3e4f7c": _NUMBER,
    "groq-chat_stream-a63e927b67fb0f": (
        ("text", "reasoning"),
        "the thinking stands in the text between tags, where the independent reading leaves it",
    ),
    "snowflake-chat_stream-f7042b0bee2508": (
        "reasoning: '15 * 27 = 405', not None",
        "the thinking stands in `reasoning_details` alone, which the independent reading leaves out",
    ),
}
"""Lines that we read otherwise than the corpus, on purpose: the difference, or the fields that differ, and why."""

REQUEST = ChatRequest("m", Messages())


def wire_of(line: Any) -> ChatWire | None:
    """The wire that reads this line."""
    make = WIRES.get(line.wire.removesuffix("_stream"))
    return None if make is None else make(line.provider)


def folded(line: Any, wire: ChatWire) -> Reply:
    """A stream read in random pieces of bytes; what was shown must be what the reply says."""
    fold, parser = wire.fold(REQUEST), SseParser()
    shown: list[Any] = []
    for cut in line.cuts():
        for name, data in parser.feed(cut):
            shown.extend(fold.feed(name, data))
    reply = fold.finish()
    assert "".join(p.text for p in shown if isinstance(p, TextPiece)) == reply.text
    assert "".join(p.text for p in shown if isinstance(p, ThinkingPiece)) == (reply.thinking or "")
    assert [p.name for p in shown if isinstance(p, ToolPiece) and p.name] == [c.name for c in reply.tool_calls]
    return reply


def read(line: Any, wire: ChatWire) -> Reply:
    """The reply that a line holds."""
    # A stream of Gemini's that nobody asked to be server-sent events is one JSON array of them.
    if line.wire.endswith("_stream") and not line.body.startswith(b"["):
        return folded(line, wire)
    return wire.decode(json.loads(line.body))


def choice(reply: Reply) -> dict[str, Any]:
    """One answer in the words of the corpus."""
    calls = [
        {"name": c.name, "arguments": c.raw if c.raw is not None else dict(c.arguments), "id": c.id}
        for c in reply.tool_calls
    ]
    return {
        "text": reply.text,
        "tool_calls": calls,
        "finish_reason": reply.finish_word,
        "reasoning": reply.thinking or None,
        "refusal": reply.refusal or None,
    }


def counted(reply: Reply, line: Any) -> dict[str, Any]:
    """The usage in the words of the corpus, which keeps a vendor's own way of counting."""
    usage, fresh = reply.usage, reply.usage.input
    if line.wire.startswith("anthropic") and fresh is not None:
        fresh -= (usage.cached or 0) + (usage.cache_write or 0)
    if line.wire.startswith("gemini") and fresh is not None:
        # What the vendor's own tools read is counted and charged as input, which the corpus leaves out.
        fresh -= int((re.findall(rb'"toolUsePromptTokenCount": ?(\d+)', line.body) or [0])[-1])
    return {
        "input_tokens": fresh,
        "output_tokens": usage.output,
        "cached_input_tokens": usage.cached,
        "cache_write_tokens": usage.cache_write,
        "reasoning_tokens": usage.reasoning,
    }


def expected_choice(told: dict[str, Any], says: dict[str, Any]) -> dict[str, Any]:
    """What the corpus says of one answer, with Cohere's plan counted as reasoning, as we do."""
    calls = [{"name": c["name"], "arguments": _arguments(c["arguments"]), "id": c["id"]} for c in told["tool_calls"]]
    reasoning = (says.get("tool_plan") or "") + (told["reasoning"] or "")
    return told | {"tool_calls": calls, "reasoning": reasoning or None, "refusal": told.get("refusal") or None}


def _arguments(told: Any) -> Any:
    return told["__unparsed__"] if isinstance(told, dict) and "__unparsed__" in told else told


def differences(line: Any, reply: Reply) -> list[str]:
    """Where we and the corpus read a line differently."""
    found: list[str] = []
    replies = [reply, *reply.choices]
    wanted = [expected_choice(told, line.says) for told in line.says["choices"]]
    if len(replies) != len(wanted):
        found.append(f"{len(replies)} answers, not {len(wanted)}")
    for ours, theirs in zip(map(choice, replies), wanted, strict=False):
        found += [f"{k}: {ours[k]!r}, not {theirs[k]!r}" for k in ours if ours[k] != theirs[k]]
    ours = counted(reply, line)
    found += [f"{k}: {ours[k]!r}, not {line.says[k]!r}" for k in ours if k in line.says and ours[k] != line.says[k]]
    if "server_items" in line.says and not any(c.get("custom") for c in line.says["tool_calls"]):
        items = [p.type for p in reply.parts if isinstance(p, ServerItem)]
        found += [f"server items: {items}"] if items != line.says["server_items"] else []
    if reply.model != line.says.get("model") and not line.wire.startswith("cohere"):
        found.append(f"model: {reply.model!r}")
    return found


def raised(line: Any, wire: ChatWire) -> str | None:
    """What is wrong where a line must raise; None where it does."""
    kind, _ = RAISES[line.id]
    try:
        read(line, wire)
    except ChainkitError as error:
        return None if type(error) is kind else f"{line.id}: raised {error!r}"
    return f"{line.id}: raised nothing"


def compare(lines: list[Any]) -> tuple[Counter[str], list[str]]:
    """How many lines of each kind agree, and what is wrong with the others."""
    agreed: Counter[str] = Counter()
    wrong: list[str] = []
    for line in lines:
        wire = wire_of(line)
        assert wire is not None
        if line.id in RAISES:
            wrong += [said for said in [raised(line, wire)] if said]
            continue
        found = differences(line, read(line, wire))
        if line.id in DIFFERS:
            told = DIFFERS[line.id][0]
            assert (found[0] if isinstance(told, str) else tuple(d.partition(":")[0] for d in found)) == told
            assert len(found) == 1 or not isinstance(told, str)
            found = []
        wrong += [f"{line.id}: {difference}" for difference in found]
        agreed[f"{line.provider} {line.kind}"] += not found
    return agreed, wrong


@pytest.mark.parametrize(("vendor", "kind"), KINDS)
def test_every_recorded_answer_is_read_as_the_corpus_reads_it(traffic: list[Any], vendor: str, kind: str) -> None:
    lines = [line for line in traffic if line.provider == vendor and line.kind == kind]
    ours = [line for line in lines if line.wire not in OTHER_WIRES]
    agreed, wrong = compare(ours)
    assert not wrong, "\n".join(wrong)
    assert 0 < agreed.total() == len(ours) - sum(line.id in RAISES for line in ours)


@pytest.mark.parametrize("group", GATEWAYS)
def test_every_answer_of_a_gateway_is_read_by_its_own_row(traffic: list[Any], group: str) -> None:
    lines = [
        line for line in traffic if line.provider == group and line.wire.startswith(("openai_chat", "openai_resp"))
    ]
    agreed, wrong = compare(lines)
    assert not wrong, "\n".join(wrong)
    assert 0 < agreed.total() == len(lines) - sum(line.id in RAISES for line in lines)


def test_every_answer_of_others_in_one_of_these_formats_is_read_too(traffic: list[Any]) -> None:
    lines = [line for line in traffic if line.provider not in (*VENDORS, *GATEWAYS) and wire_of(line) is not None]
    agreed, wrong = compare(lines)
    assert not wrong, "\n".join(wrong)
    assert agreed.total() > 40  # noqa: PLR2004 - the corpus is large


CLASSES = {
    401: AuthenticationError,
    ("groq", 400): ServerError,
    ("openrouter", 400): ContextTooLong,
    ("perplexity", 400): ContextTooLong,
    404: BadRequest,
}
"""What a refusal is by its status, or by its vendor's words."""


def test_every_refusal_of_a_gateway_is_an_error_of_its_class_that_names_a_cure(traffic: list[Any]) -> None:
    lines = [line for line in traffic if line.provider in GATEWAYS and line.kind == "error"]
    for line in lines:
        row = GATEWAYS[line.provider]
        wire: Any = row.wires[row.default_api]
        error = wire.error(line.status, line.headers, line.body)
        assert type(error) is (CLASSES.get((line.provider, line.status)) or CLASSES[line.status]), line.id
        assert error.cure, line.id
        assert error.status == line.status
    assert len(lines) > 7  # noqa: PLR2004 - the corpus is large


def test_what_a_service_says_an_answer_cost_is_what_the_reply_costs(traffic: list[Any]) -> None:
    told: Counter[str] = Counter()
    for line in traffic:
        if line.provider not in ("openrouter", "perplexity", "xai") or wire_of(line) is None:
            continue
        reply = read(line, _own(line))
        said = re.findall(rb'"(?:total_cost|cost|cost_in_usd_ticks|upstream_inference_cost)": ?([\d.e-]+)', line.body)
        if said:
            assert reply.cost.exact, line.id
            assert any(abs(reply.cost.low * scale - float(n)) < 1e-9 * scale for n in said for scale in (1, 10**10))
            told[line.provider] += 1
    assert set(told) == {"openrouter", "perplexity", "xai"}


def _own(line: Any) -> ChatWire:
    wire = wire_of(line)
    assert wire is not None
    return wire


def test_what_is_left_out_or_raises_is_in_the_corpus(traffic: list[Any]) -> None:
    wires, ids = {line.wire for line in traffic}, {line.id for line in traffic}
    assert set(OTHER_WIRES) <= wires
    assert {*RAISES, *DIFFERS} <= ids


def test_half_a_stream_is_a_broken_one_and_keeps_the_text_it_showed(traffic: list[Any]) -> None:
    streams = [line for line in traffic if line.wire.endswith("_stream") and wire_of(line) and line.id not in RAISES]
    for line in streams:
        wire = wire_of(line)
        assert wire is not None
        fold, events = wire.fold(REQUEST), SseParser().feed(line.body)
        if len(events) < 10:  # noqa: PLR2004 - the end is in the first half
            continue
        shown = [piece for name, data in events[: len(events) // 2] for piece in fold.feed(name, data)]
        with pytest.raises(StreamBroken) as broken:
            fold.finish()
        assert broken.value.partial == "".join(p.text for p in shown if isinstance(p, TextPiece)), line.id


def test_every_citation_that_has_a_place_names_the_text_that_stands_there(traffic: list[Any]) -> None:
    placed = 0
    for line in traffic:
        wire = wire_of(line)
        if wire is None or line.id in RAISES:
            continue
        reply = read(line, wire)
        cited = [c for c in reply.citations if c.start is not None]
        assert [reply.text[c.start : c.end] for c in cited] == [c.text for c in cited], line.id
        placed += len(cited)
    assert placed > 100
