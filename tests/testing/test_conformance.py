"""Every provider of ours conforms: each wire, each way to carry a request, each mode."""

from __future__ import annotations

import pytest

from chainkit.run.carriers.clients import CLIENTS
from chainkit.testing import conformance

WIRES = {
    "openai-chat": ("openai:gpt-x", "chat-completions", "/v1", {"api": "chat"}),
    "openai-responses": ("openai:gpt-x", "responses", "/v1", {"api": "responses"}),
    "anthropic": ("anthropic:claude-x", "messages", "", {"max_tokens": 100}),
    "cohere": ("cohere:command-x", "chat-v2", "", {}),
    "groq": ("groq:some-model", "chat-completions", "/v1", {}),
    "google": ("google:gemini-3-flash", "generate-content", "", {}),
    "vertex-claude": ("vertex:claude-sonnet-4-5", "messages", "", {}),
    "ollama": ("ollama:some-model", "chat-lines", "", {}),
}


def subject(name, carrier):
    spec, shape, under, options = WIRES[name]
    return conformance.provider(spec, shape=shape, under=under, carrier=carrier, **options)


HTTPX = {name: subject(name, "httpx") for name in WIRES}
SDK = {name: subject(name, "sdk") for name in WIRES if name not in ("groq", "google", "vertex-claude", "ollama")}
AIOHTTP = {name: subject(name, "aiohttp") for name in WIRES}


@pytest.fixture(autouse=True)
def _fresh_clients():
    yield
    CLIENTS.close_all()


@pytest.mark.parametrize("case", conformance.cases(), ids=str)
@pytest.mark.parametrize("provider", HTTPX)
def test_a_provider_conforms_over_our_own_client(provider, case):
    case.check(HTTPX[provider])


@pytest.mark.parametrize("case", conformance.cases(modes=("ainvoke", "astream")), ids=str)
@pytest.mark.parametrize("provider", AIOHTTP)
def test_a_provider_conforms_over_aiohttp(provider, case):
    case.check(AIOHTTP[provider])


@pytest.mark.parametrize("case", conformance.cases(modes=("invoke", "astream")), ids=str)
@pytest.mark.parametrize("provider", SDK)
def test_a_provider_conforms_through_its_vendors_client(provider, case):
    case.check(SDK[provider])
