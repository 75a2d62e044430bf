"""Answers written in the form of Gemini's wire: whole, and as a stream's events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def gemini(a: dict[str, Any]) -> tuple[Any, Iterator[tuple[str, Any]]]:
    """`generateContent`. A call's arguments are an object and come whole; some parts are signed."""
    signed = {"thoughtSignature": "c2lnbmVk"}
    thoughts = [{"text": t, "thought": True} for t in a["thinking"]]
    texts = [{"text": t} for t in a["text"]]
    calls = [_call(c) for c in a["calls"]]
    if calls and a["seed"] % 2:
        calls[0] |= signed
    last = [{"text": "", **signed}] if a["seed"] % 3 == 0 else []
    usage = {
        "promptTokenCount": a["input"],
        "candidatesTokenCount": a["output"],
        "cachedContentTokenCount": a["cached"],
    }
    end = {"finishReason": "MAX_TOKENS" if a["length"] else "STOP", "index": 0}
    head = {"modelVersion": "own", "responseId": "1"}
    joined = [*_joined(thoughts), *_joined(texts), *calls, *last]
    body = head | {"candidates": [{"content": {"role": "model", "parts": joined}, **end}], "usageMetadata": usage}

    def stream() -> Iterator[tuple[str, Any]]:
        for part in (*thoughts, *texts, *calls):
            yield "", head | {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]}
        content = {"content": {"role": "model", "parts": last or [{"text": ""}]}}
        yield "", head | {"candidates": [content | end], "usageMetadata": usage}

    return body, stream()


def _call(call: dict[str, Any]) -> dict[str, Any]:
    told = call["arguments"] if call["arguments"] not in ("", '{"cut off": ') else "{}"
    return {"functionCall": {"id": call["id"], "name": call["name"], "args": json.loads(told)}}


def _joined(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [parts[0] | {"text": "".join(p["text"] for p in parts)}] if parts else []
