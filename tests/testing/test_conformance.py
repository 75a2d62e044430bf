"""Every provider of ours conforms: each wire, each way to carry a request, each mode."""

from __future__ import annotations

import pytest

from chainkit.run.carriers.clients import CLIENTS
from chainkit.testing import conformance

pytestmark = pytest.mark.slow

WIRES = {
    "openai-chat": ("openai:gpt-x", "chat-completions", "/v1", {"api": "chat"}),
    "openai-responses": ("openai:gpt-x", "responses", "/v1", {"api": "responses"}),
    "anthropic": ("anthropic:claude-x", "messages", "", {"max_tokens": 100}),
    "cohere": ("cohere:command-x", "chat-v2", "", {}),
    "groq": ("groq:some-model", "chat-completions", "/v1", {}),
    "google": ("google:gemini-3-flash", "generate-content", "", {}),
    "vertex-claude": ("vertex:claude-sonnet-4-5", "messages", "", {}),
    "hf": ("hf:some/model", "chat-completions", "/v1", {}),
    "azure": ("azure:some-deployment", "chat-completions", "", {"api": "chat"}),
    "ollama": ("ollama:some-model", "chat-lines", "", {}),
}


def subject(name, carrier):
    spec, shape, under, options = WIRES[name]
    return conformance.provider(spec, shape=shape, under=under, carrier=carrier, **options)


HTTPX = {name: subject(name, "httpx") for name in WIRES}
SDK = {name: subject(name, "sdk") for name in ("openai-chat", "openai-responses", "anthropic", "cohere")}
SAME_WIRE = ("groq", "vertex-claude", "hf", "azure")
"""Rows of their own over a wire that is held to every mode and carrier elsewhere: these are asked in two modes."""
AIOHTTP = {name: subject(name, "aiohttp") for name in WIRES if name not in SAME_WIRE}
OWN = [name for name in WIRES if name not in SAME_WIRE]


@pytest.fixture(autouse=True)
def _fresh_clients():
    yield
    CLIENTS.close_all()


@pytest.mark.parametrize("case", conformance.cases(), ids=str)
@pytest.mark.parametrize("provider", OWN)
def test_a_provider_conforms_over_our_own_client(provider, case):
    case.check(HTTPX[provider])


@pytest.mark.parametrize("case", conformance.cases(modes=("invoke", "astream")), ids=str)
@pytest.mark.parametrize("provider", SAME_WIRE)
def test_so_does_a_row_of_its_own_over_a_wire_of_others(provider, case):
    case.check(HTTPX[provider])


@pytest.mark.parametrize("case", conformance.cases(modes=("ainvoke", "astream")), ids=str)
@pytest.mark.parametrize("provider", AIOHTTP)
def test_a_provider_conforms_over_aiohttp(provider, case):
    case.check(AIOHTTP[provider])


@pytest.mark.parametrize("case", conformance.cases(modes=("invoke", "astream")), ids=str)
@pytest.mark.parametrize("provider", SDK)
def test_a_provider_conforms_through_its_vendors_client(provider, case):
    case.check(SDK[provider])
