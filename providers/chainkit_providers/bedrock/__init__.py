"""Amazon Bedrock: any of its models through Converse, Claude through Messages too, embeddings of Amazon and Cohere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit_providers.bedrock.converse import Converse
from chainkit_providers.bedrock.invoke import InvokeMessages
from chainkit_providers.bedrock.options import BedrockOptions

if TYPE_CHECKING:
    from chainkit.models.provider import Account

__all__ = ["BedrockOptions", "provider"]


class Bedrock(HttpProvider):
    """The vendor's row. The region may stand in the configuration that the vendor's own tools read."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        from chainkit_providers.bedrock.credentials import placed

        return super().open(placed(account))


provider = Bedrock(
    name="bedrock",
    base_url="https://bedrock-runtime.{AWS_REGION|AWS_DEFAULT_REGION}.amazonaws.com",
    wires={"converse": Converse(), "messages": InvokeMessages()},
    default_api="converse",
    tasks={"embed": "chainkit_providers.bedrock.embed:EMBED"},
    key_env=("AWS_BEARER_TOKEN_BEDROCK",),
    base_url_env=("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
    hosts=(".amazonaws.com",),
    keys_at="https://console.aws.amazon.com/bedrock/home#/api-keys",
    extra="bedrock",
    profiles="chainkit_providers.bedrock.models:profile",
    vendor=BedrockOptions,
    signer="chainkit_providers.bedrock.credentials:SIGNER",
)
