"""Anthropic: Messages."""

from __future__ import annotations

from chainkit.models.http import HttpProvider
from chainkit_providers.anthropic.messages import MessagesWire
from chainkit_providers.anthropic.options import AnthropicOptions
from chainkit_providers.anthropic.reply import KEYS

__all__ = ["AnthropicOptions", "provider"]

provider = HttpProvider(
    name="anthropic",
    base_url="https://api.anthropic.com",
    wires={"messages": MessagesWire()},
    default_api="messages",
    tasks={"count": "chainkit_providers.anthropic.count:COUNT"},
    batches="chainkit_providers.anthropic.batches:BATCHES",
    key_env=KEYS,
    base_url_env=("ANTHROPIC_BASE_URL",),
    auth="x-api-key: {key}",
    auth_for={"ANTHROPIC_AUTH_TOKEN": "authorization: Bearer {key}"},
    headers={"anthropic-version": "2023-06-01"},
    keys_at="https://platform.claude.com/settings/keys",
    sdk="chainkit_providers.anthropic.sdk:SDK",
    extra="anthropic",
    vendor=AnthropicOptions,
    profiles="chainkit_providers.anthropic.models:profile",
)
