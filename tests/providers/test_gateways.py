"""The providers as rows: where they send, what opens them, what they say of their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field

from chainkit.errors import AuthenticationError, BadRequest, CompositionError
from chainkit.messages import Messages, message
from chainkit.models.http import HttpProvider
from chainkit.models.provider import PROTOCOL, Account, Provider, Rendered
from chainkit.models.request import ChatRequest
from chainkit.output.schema import shape_of
from chainkit.output.strategy import choose
from chainkit_providers import anthropic, cohere, gateways, openai

if TYPE_CHECKING:
    from collections.abc import Mapping

ROWS: Mapping[str, HttpProvider] = {
    "openai": openai.provider,
    "anthropic": anthropic.provider,
    "cohere": cohere.provider,
    **{name: value for name, value in vars(gateways).items() if isinstance(value, HttpProvider)},
}
OWN = ("ollama", "lmstudio", "vllm", "llamacpp")
MODEL = {"openai": "gpt-4o", "anthropic": "claude-haiku-4-5", "cohere": "command-a-03-2025"}
HELLO = Messages((message("user", "hi"),))


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in ROWS.values():
        for name in (*row.key_env, *row.base_url_env, *row.header_env.values()):
            monkeypatch.delenv(name, raising=False)


def rendered(name: str, model: str | None = None, **account: str) -> Rendered:
    row = ROWS[name]
    return row.open(Account(name, **account)).render(ChatRequest(model or MODEL.get(name, "m"), HELLO))


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai", "https://api.openai.com/v1/chat/completions"),
        ("anthropic", "https://api.anthropic.com/v1/messages"),
        ("cohere", "https://api.cohere.com/v2/chat"),
        ("groq", "https://api.groq.com/openai/v1/chat/completions"),
        ("deepseek", "https://api.deepseek.com/chat/completions"),
        ("mistral", "https://api.mistral.ai/v1/chat/completions"),
        ("together", "https://api.together.xyz/v1/chat/completions"),
        ("openrouter", "https://openrouter.ai/api/v1/chat/completions"),
        ("xai", "https://api.x.ai/v1/chat/completions"),
        ("ollama", "http://localhost:11434/v1/chat/completions"),
        ("lmstudio", "http://localhost:1234/v1/chat/completions"),
        ("vllm", "http://localhost:8000/v1/chat/completions"),
        ("llamacpp", "http://localhost:8080/v1/chat/completions"),
    ],
)
def test_each_row_sends_to_its_vendors_address(name: str, url: str) -> None:
    assert rendered(name).url == url


def test_every_row_is_a_provider_of_the_protocol_under_its_own_name() -> None:
    for name, row in ROWS.items():
        assert isinstance(row, Provider)
        assert (row.name, row.protocol) == (name, PROTOCOL)
        assert row.profile("m").provider == name


@pytest.mark.parametrize("name", [n for n in ROWS if n not in OWN])
def test_a_vendor_without_a_key_says_which_variable_to_set(name: str) -> None:
    with pytest.raises(AuthenticationError) as missing:
        ROWS[name].open(Account(name)).check()
    assert ROWS[name].key_env[0] in str(missing.value)
    ROWS[name].open(Account(name, api_key="k")).check()


@pytest.mark.parametrize("name", OWN)
def test_a_server_of_ones_own_needs_no_key_and_costs_nothing(name: str) -> None:
    ROWS[name].open(Account(name)).check()
    assert "authorization" not in rendered(name).headers
    assert ROWS[name].profile("m").local


@pytest.mark.parametrize("name", ROWS)
def test_the_vendors_own_variable_holds_the_key_and_no_rendering_shows_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ROWS[name].key_env:
        monkeypatch.setenv(variable, "hush-hush")
        shown = rendered(name)
        assert "***" in "".join(shown.headers.values())
        assert "hush" not in repr(shown)
        monkeypatch.delenv(variable)


def test_the_variables_of_the_vendors_clients_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://eu.api.openai.com/v1/")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://proxy.example")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token")
    monkeypatch.setenv("CO_API_URL", "https://stg.api.cohere.com")
    shown = rendered("openai")
    assert shown.url == "https://eu.api.openai.com/v1/chat/completions"
    assert (shown.headers["openai-organization"], shown.headers["openai-project"]) == ("org-1", "proj-1")
    shown = rendered("anthropic")
    assert (shown.url, shown.headers["authorization"]) == ("https://proxy.example/v1/messages", "Bearer ***")
    assert rendered("cohere").url == "https://stg.api.cohere.com/v2/chat"


def test_anthropics_key_goes_in_its_own_header_beside_the_version() -> None:
    headers = rendered("anthropic", api_key="k").headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("***", "2023-06-01")


def test_an_interface_is_chosen_by_name_where_a_row_has_several() -> None:
    assert rendered("openai", api="responses").url.endswith("/v1/responses")
    assert rendered("groq", api="responses").url == "https://api.groq.com/openai/v1/responses"
    with pytest.raises(CompositionError, match="no api="):
        rendered("mistral", api="responses")


def test_an_openai_model_goes_where_all_it_can_do_is_taken() -> None:
    assert rendered("openai", "gpt-5.6-sol").url.endswith("/responses")
    assert rendered("openai", "gpt-5-pro").url.endswith("/responses")
    assert rendered("openai", "gpt-5").url.endswith("/chat/completions")
    assert rendered("openai", "gpt-5.6-sol", api="chat").url.endswith("/chat/completions")
    assert rendered("openai", "gpt-5.6-sol", base_url="http://127.0.0.1:1/v1").url.endswith("/chat/completions")


def test_an_option_that_a_row_does_not_name_is_refused_with_those_that_it_does() -> None:
    with pytest.raises(BadRequest, match="'top_k'") as refused:
        ROWS["openai"].open(Account("openai")).render(ChatRequest("gpt-4o", HELLO, {"top_k": 5}))
    assert "temperature" in str(refused.value.cure)
    with pytest.raises(BadRequest, match="'temperature'"):
        ROWS["anthropic"].open(Account("anthropic")).render(ChatRequest("claude-opus-5", HELLO, {"temperature": 0.5}))
    with pytest.raises(BadRequest, match="'n'"):
        ROWS["groq"].open(Account("groq")).render(ChatRequest("m", HELLO, {"n": 2}))


@pytest.mark.parametrize(
    ("name", "model", "context", "most"),
    [
        ("openai", "gpt-4o-mini-2024-07-18", 128_000, 16_384),
        ("openai", "gpt-4o-2024-05-13", 128_000, 4_096),
        ("openai", "gpt-4.1-nano", 1_047_576, 32_768),
        ("openai", "gpt-4", 8_192, 8_192),
        ("openai", "o4-mini", 200_000, 100_000),
        ("openai", "gpt-5.1-chat-latest", 128_000, 16_384),
        ("openai", "gpt-5.4-nano", 400_000, 128_000),
        ("openai", "gpt-6-sol", 1_050_000, 128_000),
        ("openai", "ft:gpt-4o-mini-2024-07-18:me::1", 128_000, 16_384),
        ("openai", "something-new", None, None),
        ("anthropic", "claude-sonnet-5", 1_000_000, 128_000),
        ("anthropic", "claude-opus-5-5", 1_000_000, 128_000),
        ("anthropic", "claude-opus-4-6", 1_000_000, 128_000),
        ("anthropic", "claude-haiku-4-5-20251001", 200_000, 64_000),
        ("anthropic", "claude-opus-4-20250514", 200_000, 32_000),
        ("anthropic", "claude-sonnet-4-0", 200_000, 64_000),
        ("anthropic", "claude-3-5-sonnet-20241022", 200_000, 8_192),
        ("anthropic", "claude-3-haiku-20240307", 200_000, 4_096),
        ("anthropic", "claude-next", None, None),
        ("cohere", "command-a-03-2025", 256_000, 8_000),
        ("cohere", "command-r-plus-08-2024", 128_000, 4_000),
        ("cohere", "command-new", None, None),
        ("groq", "llama-3.3-70b-versatile", None, None),
    ],
)
def test_limits_are_those_that_vendors_publish_and_none_where_nobody_says(
    name: str, model: str, context: int | None, most: int | None
) -> None:
    profile = ROWS[name].profile(model)
    assert (profile.context, profile.max_output) == (context, most)


def test_the_ways_to_structured_output_are_those_that_a_model_knows() -> None:
    assert ROWS["openai"].profile("gpt-4o").output[0] == "native"
    assert ROWS["openai"].profile("gpt-3.5-turbo").output[0] == "tool"
    assert ROWS["openai"].profile("o1-mini").output == ("prompt",)
    assert ROWS["anthropic"].profile("claude-sonnet-5").output[0] == "native"
    assert ROWS["anthropic"].profile("claude-3-haiku-20240307").output[0] == "tool"
    assert ROWS["deepseek"].profile("deepseek-chat").output[0] == "tool"
    assert ROWS["llamacpp"].profile("any").output[0] == "grammar"


class Kite(BaseModel):
    """A kite."""

    metres: int = Field(ge=1, le=9)
    colour: str | None = None


@pytest.mark.parametrize(
    ("name", "bounds", "required"), [("openai", True, 2), ("anthropic", False, 1), ("cohere", False, 2)]
)
def test_a_schema_is_brought_into_what_the_vendor_enforces(name: str, bounds: bool, required: int) -> None:
    profile = ROWS[name].profile({**MODEL, "anthropic": "claude-sonnet-5"}[name])
    way = choose(shape_of(Kite), profile.output, dialect=profile.schema)
    assert way.mode == "native"
    assert ("minimum" in way.schema["properties"]["metres"]) is bounds
    assert len(way.schema["required"]) == required
    assert way.schema["additionalProperties"] is False
