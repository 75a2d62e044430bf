"""An account with such an engine: how a search leaves, and what its answer means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chainkit.errors import ConnectionFailed, DeadlineExceeded, ReplyMalformed, ServerError
from chainkit.models.access import Access, access, no_key
from chainkit.models.http_answer import refused
from chainkit.models.json_bytes import parsed, written
from chainkit.models.provider import Rendered
from chainkit.run.carriers.clients import CLIENTS
from chainkit.run.carriers.wire import HttpRequest
from chainkit.search.engine import Found
from chainkit.usage import Usage, exact
from chainkit_providers.faults import http_fault
from chainkit_providers.search.reading import results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chainkit.errors import ProviderError
    from chainkit.models.http import HttpProvider
    from chainkit.models.provider import Account
    from chainkit.run.call import Call
    from chainkit.run.carriers.wire import HttpResponse
    from chainkit_providers.search.json_engine import JsonEngine

MOST_BYTES = 16 * 1024 * 1024
SECONDS = 30.0
"""How long one attempt may take, where the run ends no sooner."""
_HEADERS = {"accept": "application/json, */*;q=0.1", "user-agent": "chainkit (a Python library)"}


class _Keyed(HttpRequest):
    """A request whose URL may hold the key: its repr shows another."""

    __slots__ = ("shown",)

    shown: str

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.shown}, headers: {', '.join(self.headers)})"


class JsonBackend:
    """Encodes, sends, decodes."""

    def __init__(self, engine: JsonEngine, row: HttpProvider, account: Account, options: Mapping[str, Any]) -> None:
        self._engine = engine
        self._row = row
        self._account = account
        self._options = options
        self._found: Access | None = None

    def _access(self) -> Access:
        if self._found is None:
            found = access(self._row, self._account)
            found.secrets = (*found.secrets, *(quote(s, safe="") for s in found.secrets))
            self._found = found
        return self._found

    def check(self, model: str | None = None) -> None:
        """Raise AuthenticationError where there is no key or no address. No network."""
        if self._access().missing:
            raise no_key(self._row)

    def _parts(self, query: str, opening: Mapping[str, str], base: str) -> tuple[str, dict[str, str], Any]:
        """(url, headers, body); `opening` are the headers, and fields of the URL, that hold the key."""
        from chainkit_providers.search.json_engine import in_url

        fields = self._engine.spelt(query, self._options)
        in_address = {name[1:]: value for name, value in opening.items() if name.startswith("?")}
        headers = _HEADERS | {n: v for n, v in opening.items() if not n.startswith("?")}
        url = base + self._engine.path
        if self._engine.method == "GET":
            return f"{url}?{in_url({**fields, **in_address})}", headers, None
        headers["content-type"] = "application/json"
        return (f"{url}?{in_url(in_address)}" if in_address else url), headers, fields

    def render(self, request: Any) -> Rendered:
        """The request as it would leave. The key is masked; nothing is sent."""
        found = self._access()
        url, headers, body = self._parts(request.query, found.masked, found.shown)
        return Rendered("", self._engine.name, request.model, self._engine.method, url, headers, body)

    def _request(self, query: str) -> HttpRequest:
        found = self._access()
        if found.missing:
            raise no_key(self._row)
        url, headers, body = self._parts(query, found.headers, found.base_url)
        asked = _Keyed(self._engine.method, url, headers, None if body is None else written(body))
        asked.shown = self._parts(query, found.masked, found.shown)[0]
        return asked

    async def send(self, call: Call) -> Found:
        """Answer a call of kind "search"."""
        asked = self._request(call.request.query)
        until = call.io.now() + SECONDS
        if call.until is not None and call.until <= until:
            return await self._answered(call, asked, call.until)
        try:
            return await call.io.within(until, self._answered(call, asked, until))
        except DeadlineExceeded:
            msg = f"{self._engine.name} gave no answer within {SECONDS:g} s"
            raise ConnectionFailed(msg, code="timeout") from None

    async def _answered(self, call: Call, asked: HttpRequest, until: float) -> Found:
        carrier = CLIENTS.carrier(self._account, call.io, self._access().base_url)
        response = await carrier.open(asked, until=until)
        done = False
        try:
            if not 200 <= response.status < 300:
                raise await self._refused(response)
            body = self._read(await _bounded(response, self._engine.name))
            done = True
        finally:
            await response.close(done)
        found = self._decoded(body)
        found.headers = response.headers
        return found

    async def _refused(self, response: HttpResponse) -> ProviderError:
        error = await refused(self._row, self._access(), self, response)
        error.message = self._access().scrub(error.message)
        error.args = (error.message,)
        error.cure = self._engine.cures.get(response.status, error.cure)
        return error

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """An answer that is none, as an error of ours."""
        return http_fault(self._engine.name, status, headers, body, keys=self._row.key_env)

    def _read(self, data: bytes) -> Any:
        try:
            return (self._engine.body or parsed)(data)
        except ValueError:
            shown = self._access().scrub(data[:800].decode("utf-8", "replace"))[:200]
            msg = f"{self._engine.name} answered something that cannot be read: {shown!r}"
            raise ReplyMalformed(msg, cure="check base_url: this may not be the engine's API") from None

    def _decoded(self, body: Any) -> Found:
        engine = self._engine
        rows = engine.read(body, self._options, self._access().base_url)
        found = Found(results=results(rows, engine.name), model=engine.name, raw=body, usage=Usage(units=_ONE))
        trouble = None if engine.trouble is None else engine.trouble(body)
        if trouble is not None and not found.results:
            raise ServerError(f"{engine.name} found nothing, as it had trouble: {self._access().scrub(trouble)[:300]}")
        if trouble is not None:
            found.warnings = (trouble[:300],)
        paid = None if engine.cost is None else engine.cost(body)
        if paid is not None:
            found.price = _Paid(paid)
        return found


_ONE = (("searches", 1.0),)


class _Paid:
    """What the engine says that a search cost."""

    def __init__(self, usd: float) -> None:
        self._cost = exact(usd)

    def __call__(self, usage: Usage) -> Any:
        return self._cost


async def _bounded(response: HttpResponse, name: str) -> bytes:
    held: list[bytes] = []
    size = 0
    while data := await response.chunk():
        size += len(data)
        if size > MOST_BYTES:
            raise ReplyMalformed(f"{name} answered more than {MOST_BYTES >> 20} MB")
        held.append(data)
    return b"".join(held)
