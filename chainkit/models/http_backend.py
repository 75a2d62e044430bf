"""An account of an HTTP provider: how a request leaves for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chainkit.errors import BadRequest, CompositionError, MissingExtra
from chainkit.models.access import Access, access, no_key
from chainkit.models.http_answer import is_json, refused, streamed, whole
from chainkit.models.json_bytes import written
from chainkit.models.late import imported
from chainkit.models.multipart import Multipart
from chainkit.models.provider import Rendered
from chainkit.models.settled import settle
from chainkit.models.vendor import put
from chainkit.run.carriers.clients import CLIENTS, kind_of
from chainkit.run.carriers.handed import http_client, made_in
from chainkit.run.carriers.wire import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from chainkit.models.batches import BatchWire
    from chainkit.models.http import HttpProvider
    from chainkit.models.provider import Account, ChatWire
    from chainkit.models.reply import Reply
    from chainkit.run.call import Call
    from chainkit.run.carriers.sdk import Sdk
    from chainkit.run.carriers.wire import HttpResponse


class HttpBackend:
    """An account of a provider: encodes, sends, decodes."""

    def __init__(self, row: HttpProvider, account: Account, wire: ChatWire | None) -> None:
        self._row = row
        self._account = account
        self._wire = wire
        self._found: Access | None = None

    # What leaves.

    def _access(self) -> Access:
        if self._found is None:
            self._found = access(self._row, self._account)
        return self._found

    def wire_of(self, request: Any) -> Any:
        """The wire for a request's kind. Raises BadRequest where the provider offers none."""
        if request.kind == "chat" and self._wire is not None:
            return self._wire
        wire = self._row.tasks.get(request.kind)
        if wire is None:
            raise self._offers_none(request.kind)
        return imported(wire)

    def _offers_none(self, kind: str) -> BadRequest:
        offered = sorted({*self._row.tasks, *(("chat",) if self._wire is not None else ())})
        return BadRequest(f"{self._row.name} has no models for {kind!r}", cure=f"it offers: {', '.join(offered)}")

    def _encoded(self, wire: Any, request: Any) -> Any:
        options = dict(request.options)
        vendor = options.pop("vendor", None)
        body = wire.encode(request, options)
        if vendor:
            typed = getattr(wire, "vendor", None) or (imported(self._row.vendor) if self._row.vendor else None)
            put(body.fields if isinstance(body, Multipart) else body, self._row.name, typed, vendor)
        if options:
            known = self._row.profile(request.model).options if request.kind == "chat" else getattr(wire, "options", ())
            settle(request, options, f"{self._row.name}:{request.model}", sorted(known or ()))
        return body

    def _path(self, wire: Any, request: Any) -> str:
        path = wire.path if isinstance(wire.path, str) else wire.path(request)
        path = path.format(model=quote(request.model, safe="")) if "{" in path else path
        return f"/{path.lstrip('/')}"

    def _request(self, wire: Any, request: Any, *, relative: bool) -> HttpRequest:
        body, path = self._encoded(wire, request), self._path(wire, request)
        if relative:
            return _relative(path, body, request)
        found = self._access()
        if found.missing and not self._signs():
            raise no_key(self._row)
        headers = found.headers | _accepted(wire, request)
        if isinstance(body, Multipart):
            content, headers["content-type"] = body.encoded()
        else:
            content = written(body)
        return HttpRequest("POST", found.base_url + path, headers, content, stream=request.stream)

    def render(self, request: Any) -> Rendered:
        """The request as it would leave. The key is masked; nothing is sent."""
        found, wire = self._access(), self.wire_of(request)
        body = self._encoded(wire, request)
        form = isinstance(body, Multipart)
        return Rendered(
            path="",
            provider=self._row.name,
            model=request.model,
            method="POST",
            url=found.shown + self._path(wire, request),
            headers=found.masked | _accepted(wire, request) | ({"content-type": "multipart/form-data"} if form else {}),
            body=body.shown() if form else body,
        )

    def check(self, model: str | None = None) -> None:
        """Raise AuthenticationError or MissingExtra where a call could not even start. No network."""
        account, found = self._account, self._access()
        kind = kind_of(account)
        if kind == "sdk":
            from chainkit.run.carriers.transport import Sockets

            self._with_extra(lambda sdk: sdk.client(self._sdk_account(), Sockets(blocking=True)))
        elif kind == "client" and _sdks(account.client):
            self._with_extra(lambda sdk: sdk.mode(account.client))
        elif self._signs():
            imported(self._row.signer).check(account)
        elif found.missing:
            raise no_key(self._row)
        if kind == "aiohttp":
            from chainkit.run.carriers.loop_aiohttp import library

            library()

    # A provider's own batches.

    @property
    def batches(self) -> BatchWire | None:
        """How the provider takes batches; None where it takes none."""
        return imported(self._row.batches) if self._row.batches is not None else None

    @property
    def counts(self) -> bool:
        """Whether the provider counts tokens."""
        return "count" in self._row.tasks

    def batch_item(self, request: Any) -> tuple[str, dict[str, Any]]:
        """Where a request would go alone, and its body."""
        wire = self.wire_of(request)
        return self._path(wire, request), self._encoded(wire, request)

    def batched(self, request: Any, status: int, body: Any) -> Reply:
        """The reply in the answer of one item of a batch. Raises the item's error."""
        from chainkit.models.http_exchange import batched

        return batched(self.wire_of(request), request, status, body)

    # How it goes out, and what comes back.

    async def send(self, call: Call) -> Any:
        """Answer `call.request`; pieces leave through `call.emit` where that is not None."""
        if call.request.kind == "exchange":
            return await self._exchange(call)
        request, wire = call.request, self.wire_of(call.request)
        if request.stream != (call.emit is not None):
            request = replace(request, stream=call.emit is not None)
        carrier = self._carrier(call)
        asked = self._request(wire, request, relative=carrier.relative)

        async def heard(response: HttpResponse) -> Any:
            if call.emit is None or is_json(response):
                return await whole(self._row, self._access(), wire, response, request, call)
            return await streamed(wire, response, request, call)

        reply = await self._answered(call, carrier, asked, wire, heard)
        if hasattr(wire, "heard"):
            wire.heard(reply)
        if request.warnings:
            reply.warnings = (*reply.warnings, *request.warnings)
        return reply

    async def _exchange(self, call: Call) -> Any:
        from chainkit.models.http_exchange import answered, leaving

        carrier = self._carrier(call)
        asked = leaving(call.request, self._access(), self._row.name, relative=carrier.relative)
        return await self._answered(call, carrier, asked, self._wire, answered)

    async def _answered(
        self, call: Call, carrier: Any, asked: HttpRequest, wire: Any, heard: Callable[[HttpResponse], Awaitable[Any]]
    ) -> Any:
        """What `heard` makes of the answer; the connection goes back, or is closed where it was left early."""
        if not carrier.relative and self._signs():
            asked = await imported(self._row.signer).sign(self._account, asked, call)
        response = await carrier.open(asked, until=call.until)
        done = False
        try:
            if not 200 <= response.status < 300:
                raise await refused(self._row, self._access(), wire, response)
            reply = await heard(response)
            done = True
        finally:
            await response.close(done)
        reply.headers = response.headers
        return reply

    def _signs(self) -> bool:
        """Whether it is the signer that opens the door: no key does, and what it gives may go there."""
        row, found = self._row, self._access()
        if row.signer is None or found.secrets:
            return False
        return found.missing or bool(getattr(imported(row.signer), "anywhere", False))

    def _carrier(self, call: Call) -> Any:
        account = self._account
        kind = kind_of(account)
        base_url = self._access().base_url
        if kind in ("httpx", "aiohttp") or (kind == "client" and not _sdks(account.client)):
            return CLIENTS.carrier(account, call.io, base_url)
        account = self._sdk_account()
        return self._with_extra(lambda sdk: CLIENTS.carrier(account, call.io, base_url, sdk))

    def _sdk_account(self) -> Account:
        # A vendor's client would send the environment's key anywhere: where it must not go, another is given.
        account, found = self._account, self._access()
        withheld = account.client is None and account.api_key is None and not found.own
        return replace(account, api_key="none") if withheld else account

    def _with_extra(self, use: Callable[[Any], Any]) -> Any:
        row = self._row
        if row.sdk is None:
            msg = f"{row.name} is asked by plain HTTP, and knows no client of a vendor's"
            raise CompositionError(msg, cure="hand over an httpx or aiohttp client, or none")
        sdk: Sdk = imported(row.sdk)
        try:
            return use(sdk)
        except ImportError as error:
            if isinstance(error, MissingExtra):
                raise
            msg = f"{row.name}: the vendor's own client is not installed ({error.name or error})"
            raise MissingExtra(msg, cure=f"pip install 'chainkit[{row.extra or row.name}]'") from error


_ACCEPT: dict[bool, dict[str, str]] = {
    False: {"content-type": "application/json", "accept": "application/json", "user-agent": "chainkit"},
    True: {"content-type": "application/json", "accept": "text/event-stream", "user-agent": "chainkit"},
}


def _accepted(wire: Any, request: Any) -> dict[str, str]:
    accepted = _ACCEPT[request.stream]
    return accepted | {"accept": "*/*"} if getattr(wire, "answer", "json") == "bytes" else accepted


def _relative(path: str, body: Any, request: Any) -> HttpRequest:
    """A request that a vendor's own client completes."""
    headers = {"content-type": "multipart/form-data"} if isinstance(body, Multipart) else {}
    return HttpRequest("POST", path, headers, stream=request.stream, json=body)


def _sdks(client: object) -> bool:
    """Whether a client that was handed over needs the vendor's own carrier."""
    return http_client(client) is None and made_in(client, "aiohttp") is None
