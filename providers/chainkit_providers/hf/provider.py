"""The `hf:` provider: one name, three kinds of place behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit.models.profile import Profile
from chainkit_providers.hf import generate, tasks
from chainkit_providers.hf.faults import KEYS, VENDOR, refusal
from chainkit_providers.hf.options import HfOptions
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect, fields
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.provider import Account

_KINDS = frozenset({"chat", "complete", "embed", "classify"})


class HfChat(ChatCompletions):
    """Chat Completions, with the refusals of these servers."""

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is no reply, as an error of ours."""
        return refusal(status, headers, body)


class HuggingFace(HttpProvider):
    """`hf:openai/gpt-oss-120b`, `hf:openai/gpt-oss-120b:groq`; with `base_url=`, a server of one's own.

    Behind the router, a name after the model's chooses who serves it. `base_url=` is the address of a
    text-generation or text-embeddings server, or of an endpoint that runs either; `api="pipeline"` asks an endpoint
    that runs a plain pipeline, at its own address.
    """

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        if account.base_url is None:
            return super().open(account)
        if account.api == "pipeline":
            return _PIPELINE.backend(replace(account, api=None))
        base_url = account.base_url.strip().rstrip("/").removesuffix("/v1")
        return _SERVER.backend(replace(account, base_url=base_url))

    def backend(self, account: Account) -> HttpBackend:
        """A backend of this row itself."""
        return super().open(account)

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What the services have in common; each model's own page says more."""
        own = account is not None and account.base_url is not None
        return Profile(
            VENDOR,
            model,
            output=("native", "tool", "json", "prompt"),
            vision=True,
            options=_DIALECT.takes("chat"),
            kinds=_KINDS | {"rerank"} if own else _KINDS,
            media=frozenset({"image"}),
            most=32,
            priced_as="huggingface",
        )


_DIALECT = Dialect(VENDOR, fields(reasoning="reasoning_effort"), strict=True, media=("image",), keys=KEYS)


def _row(base_url: str, **more: object) -> HuggingFace:
    return HuggingFace(
        name=VENDOR,
        base_url=base_url,
        wires={
            "chat": HfChat(_DIALECT, "v1/chat/completions"),
            "responses": Responses(_DIALECT, "v1/responses"),
        },
        vendor=HfOptions,
        key_env=KEYS,
        keys_at="https://huggingface.co/settings/tokens",
        **more,  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    )


_ROUTER = "https://router.huggingface.co"
_SERVER = _row(
    _ROUTER,
    key_needed=False,
    tasks={
        "complete": generate.Generate(generate.on_server, details=True),
        "embed": tasks.Embed("embed"),
        "rerank": tasks.Rerank("rerank"),
        "classify": tasks.Classify("predict"),
    },
)
_PIPELINE = _row(
    _ROUTER,
    key_needed=False,
    tasks={
        "complete": generate.Generate(lambda _: "", details=False),
        "embed": tasks.Embed(""),
        "classify": tasks.Classify(""),
    },
)
provider = _row(
    _ROUTER,
    tasks={
        "complete": generate.Generate(generate.on_router, details=False),
        "embed": tasks.Embed(tasks.on_router("feature-extraction")),
        "classify": tasks.Classify(tasks.on_router()),
    },
)
