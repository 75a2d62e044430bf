"""A provider that speaks HTTP: a row of data over wires (encode, decode, fold, error) and a carrier."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chainkit.errors import (
    AuthenticationError,
    BadRequest,
    CompositionError,
    ConnectionFailed,
    MissingExtra,
    ProviderError,
    ReplyMalformed,
    StreamBroken,
    did_you_mean,
)
from chainkit.models.access import Access, access, no_key
from chainkit.models.multipart import Multipart
from chainkit.models.pieces import TextPiece
from chainkit.models.profile import Profile
from chainkit.models.provider import PROTOCOL, Rendered
from chainkit.models.settled import settle
from chainkit.models.sse import SseParser
from chainkit.models.vendor import put
from chainkit.run.carriers.clients import CLIENTS, kind_of
from chainkit.run.carriers.handed import http_client, made_in
from chainkit.run.carriers.wire import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from chainkit.models.batches import BatchWire
    from chainkit.models.exchange import Exchanged
    from chainkit.models.provider import Account, ChatWire, Fold, Signer, TaskWire
    from chainkit.models.reply import Reply
    from chainkit.run.call import Call
    from chainkit.run.carriers.sdk import Sdk
    from chainkit.run.carriers.wire import HttpResponse

_SHOWN = 200
"""Characters that are shown of an answer nobody can read."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HttpProvider:
    """One vendor or gateway, as data.

    `wires` maps an `api` to its wire, or to an import string "package.module:name" of one; `tasks` maps what is
    asked besides chat (`embed`, `rerank`, ...) to its wire. `base_url` may hold `{VARIABLE}` or
    `{VARIABLE:default}`, filled from the environment. `vendor` is the TypedDict of options that only this vendor
    has; a wire that takes others than its neighbours has a `vendor` of its own. `signer` opens the door where there is no
    key, `batches` is how it takes batches. `auth` is the header that carries the key, with `{key}` in it; `auth_for` gives another form for the key of one
    variable. `header_env` maps further headers to the variables that hold their values. `hosts` are the
    vendor's own hosts besides that of `base_url`; one that begins with a dot stands for all below it. A
    server that needs no key says `key_needed=False`. `keys_at` is where a key can be got. `sdk` is the import
    string of an `Sdk`, `extra` the extra of this package that installs it. `profiles` says what a model
    can do. `address` makes a base URL of what people write for one, where that is more than a URL.
    """

    name: str
    base_url: str
    wires: Mapping[str, ChatWire | str]
    default_api: str = "chat"
    key_env: tuple[str, ...] = ()
    base_url_env: tuple[str, ...] = ()
    auth: str = "authorization: Bearer {key}"
    auth_for: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    header_env: Mapping[str, str] = field(default_factory=dict[str, str])
    hosts: tuple[str, ...] = ()
    key_needed: bool = True
    keys_at: str | None = None
    sdk: str | None = None
    extra: str | None = None
    profiles: Callable[[str], Profile] | str | None = None
    tasks: Mapping[str, TaskWire | str | Late] = field(default_factory=dict[str, "TaskWire | str | Late"])
    vendor: Any = None
    signer: Signer | str | None = None
    batches: BatchWire | str | None = None
    address: Callable[[str], str] | None = None
    protocol: int = PROTOCOL

    def open(self, account: Account) -> HttpBackend:
        """A backend for an account. Raises CompositionError for an `api` that there is not."""
        api = account.api or self.default_api
        wire = self.wires.get(api)
        if wire is None and (self.wires or account.api):
            msg = f"{self.name} has no api={api!r}"
            raise CompositionError(msg, cure=did_you_mean(api, sorted(self.wires)))
        return HttpBackend(self, account, imported(wire) if wire is not None else None)

    def profile(self, model: str, account: Account | None = None) -> Profile:
        """What that model can do."""
        if self.profiles is None:
            return Profile(self.name, model)
        told: Profile = imported(self.profiles)(model)
        return told


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
        if found.missing and self._row.signer is None:
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
        elif found.missing:
            self._with_credentials()
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

    def _with_credentials(self) -> None:
        if self._row.signer is None:
            raise no_key(self._row)
        imported(self._row.signer).check(self._account)

    # How it goes out, and what comes back.

    async def send(self, call: Call) -> Any:
        """Answer `call.request`; pieces leave through `call.emit` where that is not None."""
        if call.request.kind == "exchange":
            return await self._exchange(call)
        request, wire = call.request, self.wire_of(call.request)
        if request.stream != (call.emit is not None):
            request = replace(request, stream=call.emit is not None)
        carrier = self._carrier(call)
        leaving = self._request(wire, request, relative=carrier.relative)
        if self._row.signer is not None and not carrier.relative and self._access().missing:
            leaving = await imported(self._row.signer).sign(self._account, leaving, call)
        response = await carrier.open(leaving, until=call.until)
        whole = False
        try:
            if not 200 <= response.status < 300:
                raise await self._refused(wire, response)
            if call.emit is None or _is_json(response):
                reply = await self._whole(wire, response, request, call)
            else:
                reply = await self._streamed(wire, response, request, call)
            whole = True
        finally:
            await response.close(whole)
        reply.headers = response.headers
        if hasattr(wire, "heard"):
            wire.heard(reply)
        if request.warnings:
            reply.warnings = (*reply.warnings, *request.warnings)
        return reply

    async def _exchange(self, call: Call) -> Exchanged:
        from chainkit.models.http_exchange import answered, leaving

        carrier, found = self._carrier(call), self._access()
        asked = leaving(call.request, found, self._row.name, relative=carrier.relative)
        if self._row.signer is not None and found.missing:
            asked = await imported(self._row.signer).sign(self._account, asked, call)
        response = await carrier.open(asked, until=call.until)
        whole = False
        try:
            if not 200 <= response.status < 300:
                raise await self._refused(self._wire, response)
            reply, whole = await answered(response), True
        finally:
            await response.close(whole)
        reply.headers = response.headers
        return reply

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

    async def _whole(self, wire: Any, response: HttpResponse, request: Any, call: Call) -> Any:
        body = await response.read()
        if call.emit is not None and body[:5] == b"data:":
            return await self._streamed(wire, _Read(body), request, call)
        if request.kind == "chat":
            reply: Any = wire.decode(self._read(body))
        else:
            reply = wire.decode(body if wire.answer == "bytes" else self._read(body), request)
        if call.emit is not None and reply.text:
            # Asked for a stream, and given all at once.
            await call.emit(TextPiece(reply.text))
        return reply

    async def _streamed(self, wire: Any, response: HttpResponse | _Read, request: Any, call: Call) -> Any:
        fold, parser, emit = wire.fold(request), getattr(wire, "framing", SseParser)(), call.emit
        assert emit is not None
        feed, chunk, show = parser.feed, response.chunk, fold.feed
        while data := await self._next(chunk, fold):
            for event, payload in feed(data):
                for piece in show(event, payload):
                    await emit(piece)
        for piece in _last(parser, show):
            await emit(piece)
        return fold.finish()

    async def _next(self, chunk: Callable[[], Awaitable[bytes]], fold: Fold) -> bytes:
        try:
            return await chunk()
        except ConnectionFailed as error:
            broken = StreamBroken(error.message, code=error.code)
            broken.partial = _arrived(fold)
            raise broken from error

    def _read(self, body: bytes) -> Any:
        try:
            return parsed(body)
        except ValueError:
            shown = self._access().scrub(body[: _SHOWN * 4].decode("utf-8", "replace"))[:_SHOWN]
            msg = f"{self._row.name} answered something that is no JSON: {shown!r}"
            raise ReplyMalformed(msg, cure="check base_url: this may not be the provider's API") from None

    async def _refused(self, wire: Any, response: HttpResponse) -> ProviderError:
        found, status = self._access(), response.status
        if 300 <= status < 400:
            to = response.headers.get("location", "nowhere")
            msg = f"{self._row.name} at {found.shown} answered {status}: a redirect to {to}, which is not followed"
            return BadRequest(msg, cure="set base_url to where the API is", status=status)
        error: ProviderError = wire.error(status, response.headers, await response.read())
        _rewrite(error, found.scrub(error.message))
        if found.withheld is not None and isinstance(error, AuthenticationError):
            error.cure = (
                f"pass api_key=: the key in {found.withheld} is sent to {self._row.name}'s own hosts only, "
                f"and base_url leads to {found.shown}"
            )
        return error


class _Read:
    """A stream that was read already: some services send one under the name of JSON."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def chunk(self) -> bytes:
        body, self._body = self._body, b""
        return body


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


def _arrived(fold: Fold) -> str:
    """The text that a stream had when its connection went."""
    try:
        return fold.finish().text
    except StreamBroken as told:
        return told.partial
    except ProviderError:
        return ""


def _sdks(client: object) -> bool:
    """Whether a client that was handed over needs the vendor's own carrier."""
    return http_client(client) is None and made_in(client, "aiohttp") is None


def _last(parser: SseParser, show: Callable[[str, bytes], Any]) -> list[Any]:
    """The pieces of an event without its blank line: some servers end so. Half an event shows nothing."""
    try:
        return [piece for event, payload in parser.rest() for piece in show(event, payload)]
    except ReplyMalformed:
        return []


def _is_json(response: HttpResponse) -> bool:
    return response.headers.get("content-type", "")[:16].lower() == "application/json"


def _rewrite(error: ProviderError, message: str) -> None:
    if message != error.message:
        error.message = message
        error.args = (message,)


def written(body: Any) -> bytes:
    """JSON as bytes. Raises BadRequest for what JSON cannot hold."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate, from a text cut inside a character: only its escape can travel.
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError) as error:
        msg = f"the request cannot be written as JSON: {error}"
        raise BadRequest(msg, cure="look at what would be sent with .render(x)") from error


def parsed(body: bytes) -> Any:
    """JSON from bytes. Raises ValueError."""
    from pydantic_core import from_json

    try:
        return from_json(body)
    except ValueError:
        # It refuses lone surrogates, which models do write.
        return json.loads(body)


@dataclass(frozen=True, slots=True)
class Late:
    """A wire that is made when it is first asked for: `make` is the import string of a function, `given` its arguments."""

    make: str
    given: tuple[Any, ...] = ()


def imported(what: Any) -> Any:
    """What an import string "package.module:name" names, or a `Late` makes; anything else is itself."""
    if isinstance(what, Late):
        return _made(what)
    return _imported(what) if isinstance(what, str) else what


@lru_cache(maxsize=512)
def _made(what: Late) -> Any:
    return _imported(what.make)(*what.given)


@lru_cache(maxsize=256)
def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
