"""Requests that gateways took, said in our words: each row writes them again, or the difference is explained."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainkit.messages import Messages, Thinking

sys.path.insert(0, str(Path(__file__).parent))
from test_traffic import GATEWAYS, row_of
from test_traffic_requests import NoWord, chat, responses, whole

if TYPE_CHECKING:
    from chainkit.models.request import ChatRequest

UNSAID = {
    "stream_options": "usage in streams is asked for where a row says that it has to be",
    "usage": "OpenRouter tells usage unasked now",
}
"""Fields that the recorder's client adds and ours does not, or the other way round."""
THOUGHTS = ("reasoning", "reasoning_content", "reasoning_details", "prefix", "annotations", "refusal", "function_call")
"""Fields of a recorded assistant's turn that say nothing of what was asked; thinking has tests of its own."""
EXPLAINED = {
    ("deepseek", "seed"): "taken, and named nowhere in its documentation: no effect is promised",
    ("huggingface", "tool_choice"): "the client leaves out `type`, which has one value only",
    ("mistral", "tools"): "the client leaves out `type`, which has one value only",
    ("openrouter", "tools"): "a field of one tool for which there is no word",
    ("zai", "thinking"): "an option of the vendor alone: zai_thinking",
}
"""What a row refuses or writes otherwise, by vendor and field, and why."""


def asked(line: Any, api: str) -> ChatRequest:
    """A recorded request in our words. Raises NoWord for what has none."""
    try:
        return (responses if api == "responses" else chat)(line.request)
    except (KeyError, TypeError) as error:
        raise NoWord(f"another form: {error!r}") from error


def plainly(body: dict[str, Any]) -> dict[str, Any]:
    """A body, compared: without thinking, which goes back to its own vendor only."""
    told = {k: v for k, v in whole(body).items() if k not in UNSAID}
    for turn in told.get("messages") or ():
        for name in THOUGHTS:
            turn.pop(name, None)
        if isinstance(turn.get("content"), list):
            turn["content"] = [p for p in turn["content"] if p.get("type") != "thinking"]
    told["input"] = [i for i in told.get("input") or () if i.get("type") != "reasoning"]
    if told.get("tool_choice") in ("auto", "any"):
        told["tool_choice"] = {"auto": None, "any": "required"}[told["tool_choice"]]
    return {k: v for k, v in told.items() if v is not None and (k, v) != ("n", 1)}


def test_each_row_takes_what_its_vendor_took(traffic: list[Any]) -> None:
    agreed: Counter[str] = Counter()
    wordless: Counter[str] = Counter()
    wrong: list[str] = []
    explained: set[tuple[str, str]] = set()
    for line in traffic:
        if (
            line.provider not in GATEWAYS
            or not line.wire.startswith(("openai_chat", "openai_resp"))
            or not line.request
        ):
            continue
        api = "responses" if "responses" in line.wire else "chat"
        try:
            request = asked(line, api)
        except NoWord:
            wordless[line.provider] += 1
            continue
        options = {k: "required" if v == "any" else v for k, v in request.options.items()}
        turns = [replace(t, parts=tuple(p for p in t.parts if not isinstance(p, Thinking))) for t in request.messages]
        request = request.with_messages(Messages(turns))
        ours, theirs = plainly(row_of(line.provider, api).encode(request, options)), plainly(line.request)
        fields = {k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k)} | set(options)
        odd = {field for field in fields if (line.provider, field) not in EXPLAINED}
        explained |= {(line.provider, field) for field in fields - odd}
        wrong += [f"{line.id} {k}:\n  {ours.get(k)!r:.400}\n  {theirs.get(k)!r:.400} {options}" for k in odd]
        agreed[line.provider] += not fields
    assert not wrong, "\n".join(wrong)
    assert explained == set(EXPLAINED)
    assert set(agreed) == set(GATEWAYS)
    assert agreed.total() > 200, agreed
    assert wordless.total() < 45, wordless
