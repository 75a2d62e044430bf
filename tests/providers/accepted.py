"""What each wire sends in the conformance scenarios, held to its vendor's own description of what it takes.

python tests/providers/accepted.py --write    -> puts the table into docs/adapters.md, between its marks

`requests(wire)` are the distinct requests by scenario, `problems(wire, seen)` what the vendor's types say against one.
A wire is one row of `WIRES`: its adapter, and a function that reads a request by the vendor's published types.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pydantic
import typing_extensions
from chainkit.testing import conformance
from chainkit.testing.suite import PARTS
from chainkit.testing.talking import SCENARIOS, Talk

# Tests are imported by their paths: what lies beside them is found here.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "shapes")]
from converse import Converse  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.testing.faults import Seen
    from chainkit.testing.suite import Subject
    from chainkit.testing.talking import Scenario


# What the vendors say.


def _strict(package: str) -> None:
    """Let the TypedDicts of a package refuse what they do not name."""
    for module in [m for name, m in sys.modules.items() if name.startswith(package)]:
        for held in vars(module).values():
            if typing_extensions.is_typeddict(held):
                held.__pydantic_config__ = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@lru_cache(maxsize=6)
def _of_openai(api: str, stream: bool) -> Any:
    from openai.types.chat import completion_create_params as chat
    from openai.types.responses import response_create_params as responses

    _strict("openai.types")
    kinds = {
        ("chat", False): chat.CompletionCreateParamsNonStreaming,
        ("chat", True): chat.CompletionCreateParamsStreaming,
        ("responses", False): responses.ResponseCreateParamsNonStreaming,
        ("responses", True): responses.ResponseCreateParamsStreaming,
    }
    return jsonschema.Draft202012Validator(pydantic.TypeAdapter(kinds[api, stream]).json_schema())


def _by_openai(api: str) -> Callable[[Seen], list[str]]:
    def check(seen: Seen) -> list[str]:
        errors = _of_openai(api, seen.streamed).iter_errors(seen.json)
        return [f"{e.json_path}: {e.message[:200]}" for e in errors]

    return check


@lru_cache(maxsize=2)
def _of_anthropic(stream: bool) -> Any:
    from anthropic.types import message_create_params as params

    _strict("anthropic.types")
    kind = params.MessageCreateParamsStreaming if stream else params.MessageCreateParamsNonStreaming
    return pydantic.TypeAdapter(kind)


def _by_anthropic(seen: Seen) -> list[str]:
    return _told(lambda: _of_anthropic(seen.streamed).validate_python(seen.json))


def _by_cohere(seen: Seen) -> list[str]:
    import cohere.types as t

    kinds = {"system": t.SystemChatMessageV2, "user": t.UserChatMessageV2, "tool": t.ToolChatMessageV2}
    found = [
        told
        for turn in seen.json["messages"]
        for told in _told(lambda turn=turn: kinds.get(turn["role"], t.AssistantChatMessageV2).model_validate(turn))
    ]
    found += [w for tool in seen.json.get("tools", ()) for w in _told(lambda tool=tool: t.ToolV2.model_validate(tool))]
    return found + [f"{n}: no parameter of the client" for n in set(seen.json) - _parameters_of_cohere()]


@lru_cache(maxsize=1)
def _parameters_of_cohere() -> frozenset[str]:
    import inspect

    from cohere.v2.client import V2Client

    return frozenset(inspect.signature(V2Client.chat).parameters) | {"stream"}


def _by_google(seen: Seen) -> list[str]:
    from google.genai import types

    beside = ("systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent")
    config = {**seen.json.get("generationConfig", {}), **{n: seen.json[n] for n in beside if n in seen.json}}
    found = [w for c in seen.json["contents"] for w in _told(lambda c=c: types.Content.model_validate(c))]
    return found + _told(lambda: types.GenerateContentConfig.model_validate(config))


def _by_ollama(seen: Seen) -> list[str]:
    import ollama

    strange = set(seen.json) - set(ollama._types.ChatRequest.model_fields)
    found = _told(lambda: ollama._types.ChatRequest.model_validate(seen.json))
    return found + [f"{n}: no field of the request" for n in strange]


def _by_amazon(seen: Seen) -> list[str]:
    from botocore.session import Session
    from botocore.validate import ParamValidator

    shape = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    report = ParamValidator().validate({"modelId": "m", **_with_bytes(seen.json)}, shape)
    unknown = set(seen.json) - set(shape.members)
    return [report.generate_report()] * report.has_errors() + [f"{n}: no member" for n in unknown]


def _with_bytes(value: Any) -> Any:
    # The JSON form of bytes is base64; the validator wants bytes.
    if isinstance(value, dict):
        return {k: b"x" if k in ("bytes", "redactedContent") else _with_bytes(v) for k, v in value.items()}
    return [_with_bytes(v) for v in value] if isinstance(value, list) else value


def _told(check: Callable[[], Any]) -> list[str]:
    try:
        check()
    except pydantic.ValidationError as error:
        return [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()][:3]
    return []


# The wires.


@dataclass(frozen=True)
class Wire:
    """One wire: its adapter, the package that describes it, and what reads a request by that."""

    subject: Subject
    package: str
    check: Callable[[Seen], list[str]]


_CLAUDE = "bedrock:us.anthropic.claude-sonnet-4-5-20250929-v1:0"
WIRES: dict[str, Wire] = {
    "openai chat": Wire(
        conformance.provider("openai:gpt-x", shape="chat-completions", under="/v1", api="chat"),
        "openai",
        _by_openai("chat"),
    ),
    "openai responses": Wire(
        conformance.provider("openai:gpt-x", shape="responses", under="/v1", api="responses"),
        "openai",
        _by_openai("responses"),
    ),
    "anthropic": Wire(
        conformance.provider("anthropic:claude-x", shape="messages", max_tokens=100), "anthropic", _by_anthropic
    ),
    "cohere": Wire(conformance.provider("cohere:command-x", shape="chat-v2"), "cohere", _by_cohere),
    "google": Wire(conformance.provider("google:gemini-x", shape="generate-content"), "google.genai", _by_google),
    "ollama": Wire(conformance.provider("ollama:some-model", shape="chat-lines"), "ollama", _by_ollama),
    "bedrock": Wire(conformance.provider(_CLAUDE, shape=Converse()), "botocore", _by_amazon),
}


@lru_cache(maxsize=None)
def requests(wire: str) -> dict[str, list[Seen]]:
    """What the wire sends, by scenario: only what no scenario before it sent, whole and streamed."""
    subject, told = WIRES[wire].subject, set[str]()
    found: dict[str, list[Seen]] = {}
    for case in sorted(SCENARIOS, key=_place):
        if case.name in subject.excused:
            continue
        fresh: list[Seen] = []
        for mode in ("invoke", "stream"):
            if mode in case.modes:
                talk = Talk(subject.make, subject.shape, mode)
                case.check(talk)
                fresh += [seen for seen in talk.seen if _new(seen, told)]
        if fresh:
            found[case.name] = fresh
    return found


def _place(case: Scenario) -> int:
    return next(i for i, part in enumerate(PARTS) if case.check.__module__ == part.__name__)


def _new(seen: Seen, told: set[str]) -> bool:
    key = json.dumps([seen.path, seen.json])
    if key in told:
        return False
    told.add(key)
    return True


def problems(wire: str) -> dict[str, list[str]]:
    """What the vendor's types say against what the wire sends, by scenario."""
    check = WIRES[wire].check
    told = {name: [p for one in seen for p in check(one)] for name, seen in requests(wire).items()}
    return {name: found for name, found in told.items() if found}


# What is otherwise, and the table.

BY_TYPES = {
    ("openai responses", "an answer goes back as it came"): "the types want an id beside sealed thinking, which the "
    "service refuses where it keeps nothing: it is left out",
}
"""What the vendor's types refuse, and why it is sent all the same."""
_PICTURE, _SEEN = "a picture is sent or refused before sending", "its small model sees no pictures, and says so"
BY_SERVER = {
    ("openai chat", _PICTURE): _SEEN,
    ("openai responses", _PICTURE): _SEEN,
    ("anthropic", _PICTURE): _SEEN,
    ("openai responses", "an answer goes back as it came"): "it wants thinking with its text, and this one is sealed",
}
"""What the real server on this machine refuses, and why."""
SERVED = ("openai chat", "openai responses", "anthropic")
"""The wires that llama.cpp's server speaks."""
PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
BEGIN, END = "<!-- accepted: written by tests/providers/accepted.py -->", "<!-- accepted: end -->"


def cell(wire: str, scenario: str) -> str:
    """How many requests were looked at, and who took them: the types (t), the real server (s)."""
    seen = requests(wire).get(scenario)
    if not seen:
        return ""
    types = "" if (wire, scenario) in BY_TYPES else "t"
    server = "s" if wire in SERVED and (wire, scenario) not in BY_SERVER else ""
    return f"{len(seen)} {types}{server}".strip()


def table() -> str:
    """Wire by scenario, and the reasons of what is refused."""
    names = list(dict.fromkeys(name for wire in WIRES for name in requests(wire)))
    rows = [["scenario", *WIRES], ["---"] * (len(WIRES) + 1)]
    rows += [[name, *(cell(wire, name) for wire in WIRES)] for name in names]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    told = [("types", BY_TYPES), ("real server", BY_SERVER)]
    notes = [f"- {wire}, {name}: {why} (the {who})." for who, found in told for (wire, name), why in found.items()]
    return "\n".join([*lines, "", *notes])


def main() -> None:
    """Print the table, or write it into the page."""
    if "--write" not in sys.argv[1:]:
        sys.stdout.write(table() + "\n")
        return
    held = PAGE.read_text(encoding="utf-8")
    before, after = held.partition(BEGIN)[0], held.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
