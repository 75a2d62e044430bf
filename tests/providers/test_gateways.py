"""The providers as rows: where they send, what opens them, what they say of their models."""

from __future__ import annotations

from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field

from chainkit import model
from chainkit.errors import AuthenticationError, BadRequest, CompositionError, UnknownModel
from chainkit.messages import Messages, message
from chainkit.models.http import HttpProvider
from chainkit.models.provider import PROTOCOL, Account, Provider, Rendered
from chainkit.models.registry import find, names, register, unregister
from chainkit.models.request import ChatRequest
from chainkit.output.schema import shape_of
from chainkit.output.strategy import choose
from chainkit_providers import anthropic, azure, cohere, gateways, openai
from chainkit_providers.gateways import Ended, Gateway, Quirks, gateway
from chainkit_providers.openai.dialect import Dialect, fields

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = {
    "alephalpha": ("https://api.aleph-alpha.com/chat/completions", "AA_TOKEN"),
    "anthropic": ("https://api.anthropic.com/v1/messages", "ANTHROPIC_API_KEY"),
    "azure": ("https://here.openai.azure.com/openai/v1/chat/completions", "AZURE_OPENAI_API_KEY"),
    "bedrock_mantle": ("https://bedrock-mantle.here.api.aws/openai/v1/responses", "AWS_BEARER_TOKEN_BEDROCK"),
    "cerebras": ("https://api.cerebras.ai/v1/chat/completions", "CEREBRAS_API_KEY"),
    "cloudflare": ("https://api.cloudflare.com/client/v4/accounts/here/ai/v1/chat/completions", "CLOUDFLARE_API_TOKEN"),
    "cohere": ("https://api.cohere.com/v2/chat", "CO_API_KEY"),
    "dashscope": ("https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions", "DASHSCOPE_API_KEY"),
    "databricks": ("https://here/serving-endpoints/chat/completions", "DATABRICKS_TOKEN"),
    "deepinfra": ("https://api.deepinfra.com/v1/openai/chat/completions", "DEEPINFRA_API_KEY"),
    "deepseek": ("https://api.deepseek.com/chat/completions", "DEEPSEEK_API_KEY"),
    "fireworks": ("https://api.fireworks.ai/inference/v1/chat/completions", "FIREWORKS_API_KEY"),
    "github": (None, "GITHUB_TOKEN"),
    "gpustack": ("http://localhost/v1/chat/completions", "GPUSTACK_API_KEY"),
    "groq": ("https://api.groq.com/openai/v1/chat/completions", "GROQ_API_KEY"),
    "heroku": ("https://us.inference.heroku.com/v1/chat/completions", "INFERENCE_KEY"),
    "hyperbolic": ("https://api.hyperbolic.xyz/v1/chat/completions", "HYPERBOLIC_API_KEY"),
    "litellm": ("http://localhost:4000/v1/chat/completions", "LITELLM_PROXY_API_KEY"),
    "llamacpp": ("http://localhost:8080/v1/chat/completions", "LLAMA_API_KEY"),
    "llamafile": ("http://localhost:8080/v1/chat/completions", "LLAMAFILE_API_KEY"),
    "lmstudio": ("http://localhost:1234/v1/chat/completions", "LM_STUDIO_API_KEY"),
    "minimax": ("https://api.minimax.io/v1/chat/completions", "MINIMAX_API_KEY"),
    "mistral": ("https://api.mistral.ai/v1/chat/completions", "MISTRAL_API_KEY"),
    "moonshot": ("https://api.moonshot.ai/v1/chat/completions", "MOONSHOT_API_KEY"),
    "nebius": ("https://api.tokenfactory.nebius.com/v1/chat/completions", "NEBIUS_API_KEY"),
    "novita": ("https://api.novita.ai/openai/v1/chat/completions", "NOVITA_API_KEY"),
    "nvidia": ("https://integrate.api.nvidia.com/v1/chat/completions", "NVIDIA_API_KEY"),
    "openai": ("https://api.openai.com/v1/chat/completions", "OPENAI_API_KEY"),
    "openrouter": ("https://openrouter.ai/api/v1/chat/completions", "OPENROUTER_API_KEY"),
    "perplexity": ("https://api.perplexity.ai/chat/completions", "PERPLEXITY_API_KEY"),
    "sambanova": ("https://api.sambanova.ai/v1/chat/completions", "SAMBANOVA_API_KEY"),
    "sglang": ("http://localhost:30000/v1/chat/completions", None),
    "siliconflow": ("https://api.siliconflow.com/v1/chat/completions", "SILICONFLOW_API_KEY"),
    "snowflake": ("https://here.snowflakecomputing.com/api/v2/cortex/v1/chat/completions", "SNOWFLAKE_TOKEN"),
    "together": ("https://api.together.ai/v1/chat/completions", "TOGETHER_API_KEY"),
    "vercel": ("https://ai-gateway.vercel.sh/v1/chat/completions", "AI_GATEWAY_API_KEY"),
    "vllm": ("http://localhost:8000/v1/chat/completions", "VLLM_API_KEY"),
    "writer": ("https://api.writer.com/v1/chat", "WRITER_API_KEY"),
    "xai": ("https://api.x.ai/v1/responses", "XAI_API_KEY"),
    "zai": ("https://api.z.ai/api/paas/v4/chat/completions", "ZAI_API_KEY"),
}
"""Where each provider sends an unadorned chat, and the variable of its key: as the vendors' pages and SDKs say."""

WHERE = {
    "AWS_REGION": "here",
    "AZURE_OPENAI_ENDPOINT": "https://here.openai.azure.com/",
    "CLOUDFLARE_ACCOUNT_ID": "here",
    "DATABRICKS_HOST": "https://here",
    "SNOWFLAKE_ACCOUNT": "here",
}
"""Variables that stand in base URLs."""

GATEWAYS: Mapping[str, Gateway] = {n: v for n, v in vars(gateways).items() if isinstance(v, Gateway)}
ROWS: Mapping[str, HttpProvider] = {
    "openai": openai.provider,
    "anthropic": anthropic.provider,
    "cohere": cohere.provider,
    "azure": azure.provider,
    **GATEWAYS,
}
OPEN = [name for name, row in ROWS.items() if not isinstance(row, Ended)]
OWN = [name for name in OPEN if not ROWS[name].key_needed]
MODEL = {"openai": "gpt-4o", "anthropic": "claude-haiku-4-5", "cohere": "command-a-03-2025"}
HELLO = Messages((message("user", "hi"),))


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in ROWS.values():
        for name in (*row.key_env, *row.base_url_env, *row.header_env.values()):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)
    for name, value in WHERE.items():
        monkeypatch.setenv(name, value)


def rendered(name: str, model: str | None = None, **account: str) -> Rendered:
    row = ROWS[name]
    return row.open(Account(name, **account)).render(ChatRequest(model or MODEL.get(name, "m"), HELLO))


@pytest.mark.parametrize("name", OPEN)
def test_each_row_sends_to_its_vendors_address(name: str) -> None:
    assert rendered(name).url == TABLE[name][0]


@pytest.mark.parametrize("name", ROWS)
def test_each_row_has_its_line_in_the_table_and_its_vendors_first_key_variable(name: str) -> None:
    assert next(iter(ROWS[name].key_env), None) == TABLE[name][1]


def test_there_are_more_than_thirty_gateways_each_found_under_its_name() -> None:
    assert len(GATEWAYS) > 30
    assert set(GATEWAYS) <= set(names())
    for name in GATEWAYS:
        assert find(name).name == name


def test_every_row_is_a_provider_of_the_protocol_under_its_own_name() -> None:
    for name, row in ROWS.items():
        assert isinstance(row, Provider)
        assert (row.name, row.protocol) == (name, PROTOCOL)
        assert row.profile("m").provider == name


@pytest.mark.parametrize("name", [n for n in OPEN if n not in OWN])
def test_a_vendor_without_a_key_says_which_variable_to_set(name: str) -> None:
    with pytest.raises(AuthenticationError) as missing:
        ROWS[name].open(Account(name)).check()
    assert ROWS[name].key_env[0] in str(missing.value)
    ROWS[name].open(Account(name, api_key="k")).check()


@pytest.mark.parametrize("name", OWN)
def test_a_server_of_ones_own_needs_no_key_and_costs_nothing_but_a_proxy_to_paid_ones(name: str) -> None:
    ROWS[name].open(Account(name)).check()
    assert "authorization" not in rendered(name).headers
    assert ROWS[name].profile("m").local is (name != "litellm")


@pytest.mark.parametrize("name", OPEN)
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
    assert ROWS["deepseek"].profile("deepseek-chat").output[0] == "json"
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


# A row of one's own, and what rows say


def test_a_user_adds_a_gateway_at_run_time_in_one_line() -> None:
    register(
        gateway("acme", "https://llm.acme.example/v1", key_env="ACME_KEY", options=fields("n", top_k="k"), cost="cost")
    )
    try:
        asked = model("acme:large", api_key="k", top_k=5).render("hi")[0]
        assert (asked.url, asked.body["k"]) == ("https://llm.acme.example/v1/chat/completions", 5)
        with pytest.raises(BadRequest, match="'n'"):
            model("acme:large", n=2).render("hi")
    finally:
        unregister("acme")


def test_every_quirk_of_a_row_is_one_of_the_dialect_and_every_one_of_the_dialect_can_be_said() -> None:
    own = {"vendor", "options", "responses", "keys"}
    assert set(Quirks.__annotations__) - {"responses_options"} == {f.name for f in dataclass_fields(Dialect)} - own


@pytest.mark.parametrize("name", ["", "two words", "a:b"])
def test_a_name_that_no_model_string_can_hold_is_refused(name: str) -> None:
    with pytest.raises(CompositionError, match="no name"):
        gateway(name, "https://acme.example")


def test_an_interface_that_no_gateway_has_is_refused() -> None:
    with pytest.raises(CompositionError, match="no interface"):
        gateway("acme", "https://acme.example", apis=("chat", "talk"))


def test_a_service_that_was_closed_is_said_so_before_anything_is_sent() -> None:
    with pytest.raises(UnknownModel, match="2026-07-30") as closed:
        model("github:openai/gpt-4o", api_key="k").render("hi")
    assert "azure:" in str(closed.value.cure)
    moved = model("github:openai/gpt-4o", api_key="k", base_url="https://models.acme.example").render("hi")[0]
    assert moved.url == "https://models.acme.example/chat/completions"


@pytest.mark.parametrize("variable", WHERE)
def test_an_address_that_needs_a_variable_names_it(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variable)
    name = next(n for n, row in ROWS.items() if variable in row.base_url)
    with pytest.raises(AuthenticationError, match=variable) as missing:
        rendered(name)
    assert "base_url=" in str(missing.value.cure)


def test_a_proxy_to_paid_models_is_not_taken_to_be_free() -> None:
    assert ROWS["litellm"].profile("gpt-4o").local is False


def test_tools_and_schemas_are_offered_where_a_model_of_a_row_knows_them() -> None:
    assert ROWS["snowflake"].profile("claude-sonnet-4-6").output[0] == "native"
    assert ROWS["snowflake"].profile("llama4-maverick").output == ("prompt",)
    assert not ROWS["snowflake"].profile("llama4-maverick").tools
    assert not ROWS["perplexity"].profile("sonar").tools


def test_open_weight_models_on_mantle_have_a_path_of_their_own() -> None:
    assert rendered("bedrock_mantle", "openai.gpt-oss-120b").url.endswith(".aws/v1/responses")
    assert rendered("bedrock_mantle", "openai.gpt-oss-120b", api="chat").url.endswith(".aws/v1/chat/completions")


def test_an_option_that_only_one_vendor_has_lands_in_its_body() -> None:
    asked = {"perplexity_search_mode": "academic", "perplexity_search_domain_filter": ["arxiv.org"]}
    body = model("perplexity:sonar", api_key="k", vendor=asked).render("hi")[0].body
    assert (body["search_mode"], body["search_domain_filter"]) == ("academic", ["arxiv.org"])
    tools = [{"type": "web_search"}]
    assert model("xai:grok-4", api_key="k", vendor={"xai_server_tools": tools}).render("hi")[0].body["tools"] == tools
    for wrong in ({"perplexity_search_mode": "deep"}, {"groq_search_settings": {}}):
        with pytest.raises(BadRequest, match="vendor option"):
            model("perplexity:sonar", api_key="k", vendor=wrong).render("hi")


def test_the_page_of_models_lists_every_row_as_it_is() -> None:
    lines = ["| name | address | key |", "| --- | --- | --- |"]
    for name in sorted(GATEWAYS):
        row = GATEWAYS[name]
        where = f"closed since {row.when}" if isinstance(row, Ended) else f"`{row.base_url}`"
        lines.append(f"| `{name}` | {where} | {', '.join(f'`{key}`' for key in row.key_env) or 'none'} |")
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert "\n".join(lines) in page, "put this table into docs/models.md:\n" + "\n".join(lines)
