"""How recorded answers are read and judged: one table, for the tests and for the page that reports it.

A new wire is one row of `READERS`, and where its answers are embedded vectors or rankings, none: those are read by the
tasks of the provider's own row. What we read otherwise than the corpus on purpose stands in `DIFFERS` and `RAISES`,
what we leave out in `OTHER_WIRES`, each with its reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.errors import ProviderError, ServerError, StreamBroken
from chainkit.messages import Messages, ServerItem
from chainkit.models.completion import CompletionRequest
from chainkit.models.http_answer import last
from chainkit.models.pieces import TextPiece, ThinkingPiece, ToolPiece
from chainkit.models.registry import find
from chainkit.models.request import ChatRequest
from chainkit.models.sse import SseParser
from chainkit_providers import azure, gateways
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.bedrock.converse import Converse
from chainkit_providers.bedrock.invoke import InvokeMessages
from chainkit_providers.cohere.chat import ChatV2
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.ollama.chat import Chat as OllamaChat
from chainkit_providers.ollama.generate import Generate as OllamaGenerate
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.completing import COMPLETIONS
from chainkit_providers.openai.dialect import Dialect
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.reply import Reply

REQUEST = ChatRequest("m", Messages())


@dataclass(frozen=True)
class Reader:
    """How the lines of one format are read: the wire of a line, and the request that it answers."""

    wire: Callable[[Any], Any]
    request: Callable[[Any], Any] = lambda _: REQUEST


GATEWAYS = {
    "azure": azure.provider,
    "bedrock_mantle": gateways.bedrock_mantle,
    "cerebras": gateways.cerebras,
    "cloudflare": gateways.cloudflare,
    "databricks": gateways.databricks,
    "deepseek": gateways.deepseek,
    "gateway": gateways.litellm,
    "groq": gateways.groq,
    "huggingface": find("hf"),
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


def row_of(vendor: str, api: str) -> Any:
    """The wire of a group's row; plain Chat Completions or Responses where it has none."""
    row = GATEWAYS.get(vendor)
    plain: Any = ChatCompletions(Dialect(vendor)) if api == "chat" else Responses(Dialect(vendor))
    wire = row.wires[api] if row is not None and api in row.wires else plain
    assert not isinstance(wire, str)
    return wire


def _completed(line: Any) -> Any:
    return CompletionRequest("m", Messages(), {"n": (line.request or {}).get("n") or 1})


def _completing(line: Any) -> Any:
    return COMPLETIONS.get(line.provider, COMPLETIONS["vllm"])


READERS: dict[str, Reader] = {
    "openai_chat": Reader(lambda line: row_of(line.provider, "chat")),
    "openai_responses": Reader(lambda line: row_of(line.provider, "responses")),
    "anthropic": Reader(lambda _: MessagesWire()),
    "cohere_v2": Reader(lambda _: ChatV2()),
    "bedrock_converse": Reader(lambda _: Converse()),
    "bedrock_invoke": Reader(lambda _: InvokeMessages()),
    "gemini": Reader(lambda _: Gemini()),
    "ollama": Reader(
        lambda line: OllamaGenerate() if line.kind == "completion" else OllamaChat(),
        lambda line: _completed(line) if line.kind == "completion" else REQUEST,
    ),
    "openai_completion": Reader(_completing, _completed),
    "writer_completion": Reader(_completing, _completed),
}
"""The formats that we read, by their names in the corpus, without "_stream"."""

OTHER_WIRES = {
    "cohere_v1": "Cohere's first chat interface, which its vendor has replaced; the adapter speaks v2",
    "cohere_generate": "Cohere's first interface, which its vendor has replaced; base models it has none",
    "anthropic_completion": "Anthropic's first interface, which its vendor has replaced; base models it has none",
    "bedrock_invoke": "each maker's own form behind one door; the adapter speaks Converse, and Messages for Claude",
}
"""Lines in a format that no wire of ours speaks, and why."""

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
_CITED = (
    ("text", "server items"),
    "text with citations stands in `citationsContent`, which the independent reading skips",
)
_SERVER = (
    ("tool_calls", "server items"),
    "a tool that the vendor ran itself (`server_tool_use`) is no call for us to do",
)
_OBJECTS = ("length", "head"), "the reading takes a list of objects, each with its vector, for a list of vectors"
DIFFERS: dict[str, tuple[str | tuple[str, ...], str]] = {
    "bedrock-chat-1b243a682e940e": _CITED,
    "bedrock-chat-e2c83483aa43cd": _CITED,
    "bedrock-chat-8cc98f4b425b8e": _SERVER,
    "bedrock-chat-f1cd60a799ac85": _SERVER,
    "bedrock-embed-7bf64f07ee5dff": _OBJECTS,
    "bedrock-embed-e0bca0a4ebf338": _OBJECTS,
    "google_vertex-chat-abaaf388ceff31": _NUMBER,
    "google_vertex-chat_stream-dd65a16c3e4f7c": _NUMBER,
    "groq-chat_stream-a63e927b67fb0f": (
        ("text", "reasoning"),
        "the thinking stands in the text between tags, where the independent reading leaves it",
    ),
    "perplexity-embed-904ba47c2d7b8b": (
        ("length", "head"),
        "the reading takes bytes for floats of 32 bits, up to 1e31; the request asks for 256 numbers, and there are 256",
    ),
    "snowflake-chat_stream-f7042b0bee2508": (
        "reasoning: '15 * 27 = 405', not None",
        "the thinking stands in `reasoning_details` alone, which the independent reading leaves out",
    ),
}
"""Lines that we read otherwise than the corpus, on purpose: the difference, or the fields that differ, and why."""


# How a line is read.


def reader_of(line: Any) -> Reader | None:
    """How this line is read; None where no wire of ours reads it."""
    if line.wire.startswith("bedrock_invoke") and not (".claude" in line.endpoint and line.kind.startswith("messages")):
        return None
    return READERS.get(line.wire.removesuffix("_stream"))


def wire_of(line: Any) -> Any:
    """The wire that reads this line; None where there is none."""
    reader = reader_of(line)
    return None if reader is None else reader.wire(line)


def streamed(line: Any) -> bool:
    """Whether the body is a stream, and not one JSON value that somebody recorded under a stream's name."""
    if line.wire.startswith("ollama"):
        return b'"done":false' in line.body
    # A stream of Gemini's that nobody asked to be server-sent events is one JSON array of them.
    return line.wire.endswith("_stream") and not line.body.startswith(b"[")


class Reading:
    """A stream as it is read, and the text that was shown on the way."""

    def __init__(self, line: Any) -> None:
        reader = reader_of(line)
        assert reader is not None
        wire = reader.wire(line)
        self.fold = wire.fold(reader.request(line))
        self.parser = getattr(wire, "framing", SseParser)()
        self.shown: list[Any] = []

    def show(self, name: str, data: bytes) -> list[Any]:
        """One event."""
        pieces = list(self.fold.feed(name, data))
        self.shown += pieces
        return pieces

    def feed(self, data: bytes) -> bool:
        """Some bytes; whether an event ended in them."""
        events = self.parser.feed(data)
        for name, told in events:
            self.show(name, told)
        return bool(events)

    def finish(self) -> Reply:
        """The reply, as `HttpBackend` makes it at the end of the bytes."""
        last(self.parser, self.show)
        reply: Reply = self.fold.finish()
        return reply

    @property
    def text(self) -> str:
        """What was shown."""
        return "".join(p.text for p in self.shown if isinstance(p, TextPiece))


def folded(line: Any) -> Reply:
    """A stream read in random pieces of bytes; what was shown must be what the reply says."""
    reading = Reading(line)
    for cut in line.cuts():
        reading.feed(cut)
    reply, shown = reading.finish(), reading.shown
    assert reading.text == reply.text
    if hasattr(reply, "thinking"):
        assert "".join(p.text for p in shown if isinstance(p, ThinkingPiece)) == (reply.thinking or "")
        assert [p.name for p in shown if isinstance(p, ToolPiece) and p.name] == [c.name for c in reply.tool_calls]
    return reply


def read(line: Any) -> Reply:
    """The reply that a line holds."""
    if streamed(line):
        return folded(line)
    reader = reader_of(line)
    assert reader is not None
    request, body = reader.request(line), json.loads(line.body)
    wire = reader.wire(line)
    reply: Reply = wire.decode(body) if request.kind == "chat" else wire.decode(body, request)
    return reply


# How it is compared.


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
    if line.wire.startswith(("anthropic", "bedrock")) and fresh is not None:
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
