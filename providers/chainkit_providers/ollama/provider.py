"""The `ollama:` provider."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainkit.models.http import HttpProvider
from chainkit.models.http_backend import HttpBackend
from chainkit.models.profile import Profile
from chainkit_providers.ollama.chat import Chat
from chainkit_providers.ollama.embed import Embed
from chainkit_providers.ollama.generate import Generate
from chainkit_providers.ollama.host import address
from chainkit_providers.ollama.options import OllamaOptions
from chainkit_providers.ollama.wire import KEYS, TAKES
from chainkit_providers.openai.chat import ChatCompletions
from chainkit_providers.openai.dialect import Dialect, fields
from chainkit_providers.openai.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.models.provider import Account

_OPENAI = Dialect(
    "ollama",
    fields("logit_bias", "n", "parallel_tools", "user", reasoning="reasoning_effort"),
    strict=False,
    media=("image",),
    fetches=(),
    keys=KEYS,
)


class Ollama(HttpProvider):
    """`ollama:llama3.2`, `ollama:gpt-oss:120b-cloud`: what `ollama list` names, on the server that OLLAMA_HOST names."""

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. A base URL that ends in /v1 asks for OpenAI's protocol, which stands there."""
        if account.api is None and (account.base_url or "").rstrip("/").endswith("/v1"):
            account = replace(account, api="chat")
        return super().open(account)

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What the server can do; of its models it tells only when asked (`ollama show`)."""
        api = account.api if account is not None else None
        native = api in (None, "native")
        return Profile(
            "ollama",
            model,
            output=("native", "json", "prompt") if native else ("native", "json", "tool", "prompt"),
            schema="grammar",
            vision=True,
            options=TAKES | {"reasoning", "tool_choice"} if native else _OPENAI.takes(api or "chat"),
            local=not model.endswith("cloud"),
            kinds=frozenset({"chat", "complete", "embed"}),
            media=frozenset({"image"}),
            fetches=frozenset(),
        )

    def pull(self, model: str, *, progress: Callable[[int, int], object] | None = None, force: bool = False) -> str:
        """Have the server fetch a model, and give its name. `progress(done, total)` is told its bytes.

        Raises ConnectionFailed where no server answers, ProviderError for what it refuses.
        """
        from chainkit_providers.ollama.pulling import pull

        return pull(self, model, progress)

    def models(self) -> list[dict[str, Any]]:
        """The models that the server has: `name`, `bytes`, `parameters`, `quantization`."""
        from chainkit_providers.ollama.pulling import models

        return models(self)


provider = Ollama(
    name="ollama",
    base_url="http://127.0.0.1:11434",
    address=address,
    wires={
        "native": Chat(),
        "chat": ChatCompletions(_OPENAI, "v1/chat/completions"),
        "responses": Responses(_OPENAI, "v1/responses"),
    },
    default_api="native",
    tasks={"complete": Generate(), "embed": Embed()},
    vendor=OllamaOptions,
    key_env=KEYS,
    base_url_env=("OLLAMA_HOST",),
    hosts=("ollama.com",),
    key_needed=False,
    keys_at="https://ollama.com/settings/keys",
)
