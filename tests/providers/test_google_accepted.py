"""What we encode for Gemini is what Google's own SDK sends of the same: its types take it, unknown fields refused,
and it writes it again to the last field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chainkit.messages import Media, Message, Messages, ServerItem, Text, Thinking, ToolCall, ToolResult, message
from chainkit.models.request import ChatRequest, OutputSpec, ToolSpec
from chainkit.models.vendor import put
from chainkit.testing.server import FaultServer
from chainkit_providers.google.gemini import Gemini
from chainkit_providers.google.models import FAMILIES
from chainkit_providers.google.options import GoogleOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

genai: Any = pytest.importorskip("google.genai")
types: Any = pytest.importorskip("google.genai.types")

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
COUNT, NOW = ToolSpec("count", "Counts.", SCHEMA), ToolSpec("now", "", {"type": "object", "properties": {}})
HI = message("user", "hi")
CALLS = Message("assistant", (Text("So:"), ToolCall("count", {"n": 1}, "a"), ToolCall("now", {}, "b")))
RESULTS = Message("tool", (ToolResult("a", "one"), ToolResult("b", "no clock", failed=True)))
PNG = Media("image", "image/png", b"abc")
CODE = {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "YWJj"}
RAN = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}

TURNS: dict[str, tuple[Message, ...]] = {
    "a question": (HI,),
    "a system turn": (message("system", "Be brief."), HI),
    "several turns": (HI, message("assistant", "Hello."), HI),
    "bytes and URLs": (
        Message(
            "user",
            (
                Text("what?"),
                PNG,
                Media("image", "image/png", url="https://x.example/a.png"),
                Media("document", "application/pdf", b"%PDF"),
                Media("video", "video/mp4", url="gs://bucket/v.mp4"),
                Media("audio", "audio/mpeg", b"ID3"),
            ),
        ),
    ),
    "calls and results": (HI, CALLS, RESULTS),
    "calls without ids": (
        HI,
        Message("assistant", (ToolCall("now", {}),)),
        Message("tool", (ToolResult(None, "noon", "now"),)),
    ),
    "thoughts and signatures": (
        HI,
        Message(
            "assistant", (Thinking("hm", None, "google"), Thinking("", "YWJj", "google"), ToolCall("now", {}, "b"))
        ),
        Message("tool", (ToolResult("b", "noon", "now"),)),
        Message("assistant", (Text("At noon."), Thinking("", "YWJj", "google"))),
        HI,
    ),
    "what the vendor ran": (
        HI,
        Message("assistant", (ServerItem("google", "executableCode", CODE), ServerItem("google", "r", RAN), Text("1"))),
        HI,
    ),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "sampling": {"temperature": 0.5, "top_p": 0.5, "top_k": 3, "seed": 1, "n": 2, "stop": ["a", "b"], "max_tokens": 9},
    "penalties": {"frequency_penalty": 0.1, "presence_penalty": 0.2},
    "logprobs": {"logprobs": 3},
    "a tier": {"service_tier": "flex"},
    "a level": {"reasoning": "low"},
    "tokens for thinking": {"reasoning_tokens": 99},
}
VENDOR: dict[str, Any] = {
    "google_safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "google_cached_content": "cachedContents/x",
    "google_media_resolution": "MEDIA_RESOLUTION_LOW",
    "google_server_tools": [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}],
    "google_server_tool_calls": True,
    "google_retrieval_config": {"languageCode": "de"},
    "google_include_thoughts": False,
    "google_response_modalities": ["TEXT", "IMAGE"],
    "google_image_config": {"aspectRatio": "16:9"},
    "google_speech_config": {"languageCode": "de-DE"},
    "google_labels": {"team": "a"},
    "google_store": False,
}
"""Each option, but for the one that Vertex AI alone has."""


BESIDE = (
    "systemInstruction", "tools", "toolConfig", "safetySettings", "cachedContent", "serviceTier", "labels", "store",
)  # fmt: skip
"""What stands beside `generationConfig`, and within it in the SDK."""


def encoded(turns: tuple[Message, ...], options: dict[str, Any], model: str, **fields: Any) -> dict[str, Any]:
    given = dict(options)
    body = Gemini().encode(ChatRequest(model, Messages(turns), options, **fields), given)
    assert not given
    return json.loads(json.dumps(body))


class Sdk:
    """Google's own client, before a server on this machine."""

    def __init__(self, server: FaultServer) -> None:
        options = types.HttpOptions(base_url=server.url, api_version="v1beta")
        self._client = genai.Client(api_key="none-at-all", vertexai=False, http_options=options)
        self._server = server

    def again(self, body: dict[str, Any], model: str) -> dict[str, Any]:
        """The same question as the SDK sends it: our body read by its types, and what its client then posts."""
        config = dict(body.get("generationConfig", {})) | {name: body[name] for name in BESIDE if name in body}
        contents = [types.Content.model_validate(c) for c in body["contents"]]
        self._client.models.generate_content(
            model=model, contents=contents, config=types.GenerateContentConfig.model_validate(config)
        )
        seen = self._server.requests[-1]
        assert seen.path.endswith(f"v1beta/models/{model}:generateContent")
        return seen.json

    def differs(self, body: dict[str, Any], model: str) -> str | None:
        """Where the two are not the same."""
        ours, theirs = plain(body), plain(self.again(body, model))
        # The SDK gives the system turn the role of a user, which the vendor takes no notice of.
        theirs.get("systemInstruction", {}).pop("role", None)
        if theirs.get("generationConfig") == {}:
            del theirs["generationConfig"]
        return None if ours == theirs else f"{ours}\n{theirs}"

    def close(self) -> None:
        """Leave."""
        self._client.close()


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    with FaultServer("ok", shape="generate-content") as server:
        made = Sdk(server)
        yield made
        made.close()


def plain(value: Any) -> Any:
    """A body without what makes no difference: names in either form, words in either case, bytes in either alphabet."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {_camel(k): plain(v) for k, v in value.items()}
    if isinstance(value, str) and value.isupper():
        return value.lower()
    return value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(w.capitalize() for w in rest)


MODELS = ("gemini-2.5-flash", "gemini-3-flash-preview")


@pytest.mark.parametrize("turns", TURNS)
def test_turns_are_written_as_the_sdk_writes_them(sdk: Sdk, turns: str) -> None:
    for model in MODELS:
        body = encoded(TURNS[turns], {}, model, tools=(COUNT, NOW))
        assert sdk.differs(body, model) is None


@pytest.mark.parametrize("options", OPTIONS)
def test_options_are_written_as_the_sdk_writes_them(sdk: Sdk, options: str) -> None:
    for model in MODELS:
        body = encoded((HI,), OPTIONS[options], model)
        assert sdk.differs(body, model) is None


@pytest.mark.parametrize("mode", ["native", "json", "tool", "prompt"])
def test_structured_answers_are_asked_for_as_the_sdk_asks(sdk: Sdk, mode: Any) -> None:
    for tools in ((), (COUNT,)):
        body = encoded((HI,), {}, "gemini-3-flash-preview", tools=tools, output=OutputSpec("Count", SCHEMA, mode))
        assert sdk.differs(body, "gemini-3-flash-preview") is None


@pytest.mark.parametrize("choice", ["auto", "none", "required", "now"])
def test_a_choice_of_tools_is_written_as_the_sdk_writes_it(sdk: Sdk, choice: str) -> None:
    body = encoded((HI,), {"tool_choice": choice}, MODELS[0], tools=(COUNT, NOW))
    assert sdk.differs(body, MODELS[0]) is None


@pytest.mark.parametrize("option", VENDOR)
def test_every_option_of_the_vendor_is_one_that_its_sdk_has(sdk: Sdk, option: str) -> None:
    body = encoded((HI,), {}, MODELS[1])
    put(body, "google", GoogleOptions, {option: VENDOR[option]})
    assert sdk.differs(body, MODELS[1]) is None


def test_all_options_of_the_vendor_are_tried() -> None:
    assert set(GoogleOptions.__annotations__) == {*VENDOR, "google_stream_arguments"}


def test_the_levels_of_thinking_are_the_sdks() -> None:
    known = {level.value.lower() for level in types.ThinkingLevel}
    assert all(set(f.levels) <= known for f in FAMILIES)
