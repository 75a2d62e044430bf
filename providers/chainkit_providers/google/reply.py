"""A whole `generateContent` answer as a reply of ours."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from chainkit.messages import ServerItem, Text, Thinking, ToolCall
from chainkit.models.reply import Reply
from chainkit.usage import NO_USAGE, Usage
from chainkit_providers.folding import shaped
from chainkit_providers.google.errors import VENDOR, fault_in
from chainkit_providers.google.grounding import citations
from chainkit_providers.payload import Json, inner, listed, malformed, text_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chainkit.models.reply import FinishReason

_FILTERED = (
    "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "ESCALATION", "PUP_LIMITED_DISABLED", "MODEL_ARMOR",
    "JAILBREAK", "BLOCKED_REASON_UNSPECIFIED",
)  # fmt: skip
_FAILED = (
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE", "NO_IMAGE", "IMAGE_OTHER",
)  # fmt: skip
_FINISH: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "paused",
    **dict.fromkeys(_FILTERED, "content_filter"),
    **dict.fromkeys(_FAILED, "error"),
}
_NUMBERED = (
    "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST",
    "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL",
)  # fmt: skip
"""The reasons by the numbers that Vertex AI sends where a client asked for numbers."""
_AUDIO, _IMAGE = ("AUDIO", 4), ("IMAGE", 2)
Units: TypeAlias = tuple[tuple[str, float], ...]
_BY_SEARCH = re.compile(r"gemini-(?:[3-9]|\d\d)")
_KNOWN = ("candidates", "promptFeedback", "usageMetadata")
_CITES = frozenset({"groundingMetadata", "citationMetadata"})
_ABOUT = frozenset({"thought", "thoughtSignature", "partMetadata", "mediaResolution", "videoMetadata"})


@shaped("generateContent")
def decode(body: Any) -> Reply:
    """A whole answer. Raises the fault that a body with status 200 may hold, or ReplyMalformed."""
    if not isinstance(body, dict):
        raise malformed("generateContent", body, "candidates")
    answer: Json = body  # pyright: ignore[reportUnknownVariableType]
    if "error" in answer:
        raise fault_in(VENDOR, answer)
    if not any(name in answer for name in _KNOWN):
        raise malformed("generateContent", answer, "candidates")
    candidates = sorted(answer.get("candidates") or (), key=_index)
    replies = [_reply(c, answer) for c in candidates] or [_blocked(answer)]
    first = replies[0]
    first.choices = tuple(replies[1:])
    first.usage = usage(answer.get("usageMetadata"), units(answer))
    first.raw = answer
    return first


def _index(candidate: Json) -> int:
    return candidate.get("index") or 0


def _reply(candidate: Json, answer: Json) -> Reply:
    written: list[Json] = inner(candidate, "content").get("parts") or []
    parts = tuple(p for part in written for p in _parts(part))
    word = reason(candidate.get("finishReason"))
    ended = _finish(word, parts)
    return Reply(
        parts,
        ended,
        word,
        model=answer.get("modelVersion"),
        id=answer.get("responseId"),
        citations=citations(candidate, [_shown(p) for p in written]) if _CITES & candidate.keys() else (),
        logprobs=tuple(_logprobs(inner(candidate, "logprobsResult"))),
        warnings=_warnings(word, candidate) if ended in ("error", "content_filter") else (),
    )


def _warnings(word: str | None, candidate: Json) -> tuple[str, ...]:
    """What its vendor says of an answer that did not end well."""
    message = text_of(candidate, "finishMessage")
    return (f"the answer ended with {word}{': ' if message else ''}{message}",)


def _blocked(answer: Json) -> Reply:
    """No answer at all: the prompt was held back, which its vendor says in a field of its own."""
    feedback = inner(answer, "promptFeedback")
    word: str | None = feedback.get("blockReason")
    said = feedback.get("blockReasonMessage") or (f"the prompt was blocked: {word}" if word else None)
    kind: FinishReason = "content_filter" if word else "unknown"
    return Reply((), kind, word, model=answer.get("modelVersion"), id=answer.get("responseId"), refusal=said)


def reason(told: Any) -> str | None:
    """The vendor's word for why an answer ended, also where it sent the word's number."""
    if isinstance(told, int):
        return _NUMBERED[told] if told < len(_NUMBERED) else str(told)
    return told


def _finish(word: str | None, parts: tuple[Any, ...]) -> FinishReason:
    if word == "STOP" and any(type(p) is ToolCall for p in parts):
        return "tool_calls"
    return _FINISH.get(word or "", "unknown")


def _shown(part: Json) -> str:
    return "" if part.get("thought") else text_of(part, "text")


def _parts(part: Json) -> Iterator[Text | Thinking | ToolCall | ServerItem]:
    """The parts of ours that one of theirs is: a signature without thoughts stands before what it belongs to."""
    signature: str | None = part.get("thoughtSignature")
    if part.get("thought"):
        if part.get("text") or signature is not None:
            yield Thinking(text_of(part, "text"), signature, VENDOR)
        return
    kind = next((k for k in part if k not in _ABOUT), "text")
    if kind not in ("text", "functionCall"):
        yield ServerItem(VENDOR, kind, part)
        return
    if signature is not None:
        yield Thinking("", signature, VENDOR)
    if kind == "functionCall":
        yield call(part["functionCall"])
    elif part.get("text"):
        yield Text(text_of(part, "text"))


def call(made: Json) -> ToolCall:
    """A function call; one that the model wrote wrong comes with its text."""
    arguments: Any = made.get("args") or {}
    if not isinstance(arguments, dict):
        return ToolCall(text_of(made, "name"), {}, made.get("id"), json.dumps(arguments, ensure_ascii=False))
    return ToolCall(text_of(made, "name"), arguments, made.get("id"))  # pyright: ignore[reportUnknownArgumentType]


def _logprobs(result: Json) -> Iterator[Json]:
    others = listed(result, "topCandidates")
    for at, chosen in enumerate(listed(result, "chosenCandidates")):
        beside = listed(others[at], "candidates") if at < len(others) else []
        yield _token(chosen) | {"top_logprobs": [_token(c) for c in beside]}


def _token(told: Json) -> Json:
    return {"token": told.get("token"), "logprob": told.get("logProbability")}


def usage(told: Json | None, units: Units = ()) -> Usage:
    """The tokens of an answer. What its own tools read is input beside the prompt, and thoughts are output beside the answer."""
    if not told:
        return NO_USAGE
    thought = whole(told.get("thoughtsTokenCount"))
    return Usage(
        _sum(whole(told.get("promptTokenCount")), whole(told.get("toolUsePromptTokenCount"))),
        _sum(whole(told.get("candidatesTokenCount")), thought),
        whole(told.get("cachedContentTokenCount")),
        None,
        thought,
        _of(told, "promptTokensDetails", _AUDIO),
        _of(told, "candidatesTokensDetails", _AUDIO),
        units,
    )


def units(answer: Json) -> Units:
    """What is priced by itself: tokens of pictures, and searches. Older models charge for a prompt, however many it took."""
    pictures = _of(inner(answer, "usageMetadata"), "candidatesTokensDetails", _IMAGE)
    grounding = [inner(c, "groundingMetadata") for c in listed(answer, "candidates") if "groundingMetadata" in c]
    queries = sum(1 for g in grounding for q in g.get("webSearchQueries") or () if q)
    if queries and not _BY_SEARCH.search(answer.get("modelVersion") or ""):
        queries = 1
    found = (("output_image_tokens", pictures), ("web_searches", queries))
    return tuple((name, amount) for name, amount in found if amount)


def _sum(a: int | None, b: int | None) -> int | None:
    return b if a is None else a + (b or 0)


def _of(told: Json, name: str, modality: tuple[str, int]) -> int | None:
    counts = [whole(d.get("tokenCount")) or 0 for d in listed(told, name) if d.get("modality") in modality]
    return sum(counts) if counts else None
