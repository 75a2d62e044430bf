"""The openai package as a carrier: `openai.OpenAI`, `AzureOpenAI` and their async forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainkit.errors import AuthenticationError
from chainkit.run.carriers.sdk import PostCarrier, made, posting

if TYPE_CHECKING:
    from chainkit.models.provider import Account
    from chainkit.run.carriers.handed import Mode
    from chainkit.run.carriers.transport import Sockets


class OpenAISdk:
    """What the carriers need to know of the openai package."""

    def mode(self, client: object) -> Mode | None:
        """Whether that is one of its clients, and which kind."""
        return posting(client, "openai")

    def client(self, account: Account, sockets: Sockets) -> Any:
        """A client for an account; what the account leaves open, it reads from its own environment."""
        import openai

        make = openai.OpenAI if sockets.blocking else openai.AsyncOpenAI
        try:
            return made(make, openai, account, sockets)
        except openai.OpenAIError as error:
            msg = f"{account.provider}: the openai client has no key"
            raise AuthenticationError(msg, cure="set OPENAI_API_KEY, or pass api_key=") from error

    def carrier(self, client: Any, sockets: Sockets | None = None) -> PostCarrier:
        """A carrier through a client."""
        import openai

        return PostCarrier(openai, client, sockets)


SDK = OpenAISdk()
