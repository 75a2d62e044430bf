"""AWS's credentials, through botocore: variables, profiles, roles, single sign-on, the machine itself."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from chainkit.errors import AuthenticationError, MissingExtra
from chainkit.run.carriers.wire import HttpRequest

if TYPE_CHECKING:
    from chainkit.models.provider import Account
    from chainkit.run.call import Call

_LOGIN = "run `aws configure` or `aws sso login`, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK"
_LOCK = threading.Lock()


class Signer:
    """Signs requests with Signature Version 4: a signature holds no secret, and may go anywhere."""

    anywhere = True

    def check(self, account: Account) -> None:
        """Raise MissingExtra without botocore. Whether there are credentials is seen when one signs."""
        if find_spec("botocore") is None:
            msg = "bedrock: without a bearer token it needs botocore, which is not installed"
            raise MissingExtra(msg, cure="pip install 'chainkit[bedrock]', or set AWS_BEARER_TOKEN_BEDROCK")

    async def sign(self, account: Account, request: HttpRequest, call: Call) -> HttpRequest:
        """The request, signed. Raises AuthenticationError where there are no credentials."""
        self.check(account)
        headers = await call.io.call(_signature, request)
        return HttpRequest(
            request.method, request.url, {**request.headers, **headers}, request.body, stream=request.stream
        )


SIGNER = Signer()


def placed(account: Account) -> Account:
    """The account with the address of the region that a profile names, where no variable names one."""
    named = any(os.environ.get(v) for v in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"))
    if account.base_url is not None or named or find_spec("botocore") is None:
        return account
    region = _session(os.environ.get("AWS_PROFILE")).get_config_variable("region")
    return account if region is None else replace(account, base_url=f"https://bedrock-runtime.{region}.amazonaws.com")


@lru_cache(maxsize=8)
def _session(profile: str | None) -> Any:
    import botocore.session

    library: Any = botocore.session
    return library.Session(profile=profile)


def _signature(request: HttpRequest) -> dict[str, str]:
    """The headers that prove who asks. Blocks where credentials have to be fetched."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError

    with _LOCK:
        try:
            held = _session(os.environ.get("AWS_PROFILE")).get_credentials()
            frozen = held.get_frozen_credentials() if held is not None else None
        except BotoCoreError as error:
            raise AuthenticationError(f"bedrock: no credentials could be had: {error}", cure=_LOGIN) from error
    if frozen is None or not frozen.access_key:
        raise AuthenticationError("bedrock: there are no AWS credentials", cure=_LOGIN)
    signed: Any = AWSRequest(
        method=request.method, url=request.url, data=request.body, headers={"content-type": "application/json"}
    )
    make: Any = SigV4Auth
    make(frozen, "bedrock", _region(request.url)).add_auth(signed)
    return {str(name).lower(): str(value) for name, value in signed.headers.items()}


def _region(url: str) -> str:
    """The region in an address of the vendor's; elsewhere that of the environment."""
    parts = (urlsplit(url).hostname or "").split(".")
    if len(parts) > 2 and parts[0].startswith("bedrock-runtime"):
        return parts[1]
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    found = named or _session(os.environ.get("AWS_PROFILE")).get_config_variable("region")
    if not found:
        raise AuthenticationError("bedrock: there is no region to sign for", cure="set AWS_REGION")
    return str(found)
