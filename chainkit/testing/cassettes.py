"""Recorded HTTP exchanges, replayed: real answers in tests that reach no network.

    with cassette("tests/data/hello.json", mode="record"):   # once, with a key
        chain.invoke("Hello")
    with cassette("tests/data/hello.json"):                  # ever after, with neither key nor network
        chain.invoke("Hello")

Every request of an HTTP provider inside the `with` is served, whatever carries it: our own client, aiohttp,
a vendor's SDK, in any thread and on any loop. A tape is a JSON file to be read and reviewed; secrets are
taken out before anything is written (`chainkit.testing.scrubbing`).
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast
from urllib.parse import urlsplit

from chainkit.errors import ChainkitError
from chainkit.models.http_backend import HttpBackend
from chainkit.run.carriers.clients import CLIENTS
from chainkit.run.carriers.wire import lost
from chainkit.testing.scrubbing import masked_headers, masked_json, masked_path, masked_text, without

if TYPE_CHECKING:
    from chainkit.run.carriers.wire import Carrier, HttpRequest, HttpResponse

VERSION = 1
_UNTOLD = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "date", "set-cookie"})
_EVENT = re.compile(rb".*?(?:\r?\n\r?\n|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, without secrets. `body` is parsed JSON, `content` the answer's bytes.

    `cut` says that the answer was not read to its end.
    """

    method: str
    path: str
    body: Any
    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""
    cut: bool = False

    def facts(self) -> dict[str, Any]:
        """As plain JSON: a JSON answer parsed, a stream as a list of its events."""
        request = {"method": self.method, "path": self.path, "body": self.body}
        answer = {"status": self.status, "headers": dict(self.headers)} | _written(self.content, self.headers)
        return {"request": request, "response": answer | ({"cut": True} if self.cut else {})}

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """What `facts` gave. Raises KeyError where something is missing."""
        asked, told = facts["request"], facts["response"]
        content = _read(told)
        return cls(
            asked["method"], asked["path"], asked["body"], told["status"], told["headers"], content, "cut" in told
        )


def _written(content: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}
    if "event-stream" in headers.get("content-type", ""):
        return {"events": [masked_text(e.decode()) for e in _EVENT.findall(content) if e]}
    try:
        return {"json": masked_json(json.loads(text))}
    except ValueError:
        return {"text": masked_text(text)}


def _read(told: Mapping[str, Any]) -> bytes:
    if "json" in told:
        return json.dumps(told["json"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    if "base64" in told:
        return base64.b64decode(told["base64"])
    return "".join(told.get("events") or [told.get("text", "")]).encode()


class Cassette:
    """Exchanges in the order in which they were recorded."""

    def __init__(self, exchanges: list[Exchange] | None = None) -> None:
        self.exchanges: list[Exchange] = exchanges or []
        self._played: set[int] = set()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, path: str | Path) -> Cassette:
        """A tape from its file. Raises ChainkitError with the cure where there is none, or no tape in it."""
        try:
            held = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls([Exchange.of(facts) for facts in held["exchanges"]])
        except FileNotFoundError:
            msg = f"there is no cassette at {path}"
            raise ChainkitError(msg, cure='record it once: cassette(path, mode="record")') from None
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{path} is no cassette: {error!r}"
            raise ChainkitError(msg, cure='record it again: cassette(path, mode="record")') from error

    def save(self, path: str | Path) -> None:
        """Write the tape, whole or not at all."""
        place = Path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        held = {"version": VERSION, "exchanges": [e.facts() for e in self.exchanges]}
        beside = place.with_name(f"{place.name}.part")
        beside.write_text(json.dumps(held, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        beside.replace(place)

    def add(self, exchange: Exchange) -> None:
        """Record one more."""
        with self._lock:
            self.exchanges.append(exchange)

    def find(self, method: str, path: str, body: Any) -> Exchange | None:
        """The first that answers this request and was not played yet; else the last that answers it.

        Requests are alike when method, path and parsed JSON body are, secrets left aside.
        """
        body = masked_json(body)
        with self._lock:
            alike = [
                i
                for i, e in enumerate(self.exchanges)
                if e.method == method and same_path(e.path, path) and e.body == body
            ]
            fresh = next((i for i in alike if i not in self._played), None)
            if fresh is not None:
                self._played.add(fresh)
                return self.exchanges[fresh]
            return self.exchanges[alike[-1]] if alike else None

    @property
    def unplayed(self) -> list[Exchange]:
        """What no request has asked for yet."""
        return [e for i, e in enumerate(self.exchanges) if i not in self._played]


def same_path(one: str, other: str) -> bool:
    """Whether two paths are one: a vendor's client adds what stands before the last names itself."""
    one, other = masked_path(one), masked_path(other)
    return one.endswith(other) or other.endswith(one)


@contextmanager
def cassette(path: str | Path, mode: Literal["replay", "record"] = "replay") -> Generator[Cassette]:
    """Replay what was recorded, or record it anew; inside the `with`, for the whole process.

    Replaying needs no key and opens no connection: a request that is not on the tape raises ChainkitError,
    which says where it differs. Recording writes the file when the `with` is left, also by an error.
    """
    if mode not in ("replay", "record"):
        msg = f"mode must be 'replay' or 'record', not {mode!r}"
        raise ValueError(msg)
    tape = Cassette.load(path) if mode == "replay" else Cassette()
    real = CLIENTS.carrier

    def carrier(*args: Any, **kwargs: Any) -> Any:
        return _Replaying(tape, path) if mode == "replay" else _Recording(tape, real(*args, **kwargs))

    with ExitStack() as stack:
        stack.enter_context(_put(CLIENTS, "carrier", carrier))
        if mode == "replay":
            # What leaves no machine needs no key.
            stack.enter_context(_put(HttpBackend, "check", _passed))
        else:
            stack.callback(lambda: tape.save(path))
        yield tape


def _passed(*_: object) -> None:
    """In place of the look for keys and packages."""


@contextmanager
def _put(owner: Any, name: str, value: Any) -> Generator[None]:
    """Let an attribute be another for a while."""
    before = cast("Mapping[str, Any]", owner.__dict__).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is None:
            delattr(owner, name)
        else:
            setattr(owner, name, before)


def _asked(request: HttpRequest) -> tuple[str, str, Any]:
    parts = urlsplit(request.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body = request.json if request.body is None else json.loads(request.body)
    return request.method, masked_path(path), masked_json(json.loads(json.dumps(body)))


class _Recording:
    """A carrier that writes down what another one carries."""

    def __init__(self, tape: Cassette, inner: Carrier) -> None:
        self._tape = tape
        self._inner = inner
        self.relative = inner.relative

    async def open(self, request: HttpRequest, *, until: float | None) -> _Taped:
        """Send, and listen to the answer."""
        return _Taped(self._tape, request, await self._inner.open(request, until=until))

    def close(self) -> None:
        """The inner one is the table's to close."""


class _Taped:
    """An answer that is written down when it is closed."""

    def __init__(self, tape: Cassette, request: HttpRequest, inner: HttpResponse) -> None:
        self._tape = tape
        self._request = request
        self._inner = inner
        self._heard = bytearray()
        self._whole = False
        self.status = inner.status
        self.headers = inner.headers

    async def read(self) -> bytes:
        data = await self._inner.read()
        self._heard += data
        self._whole = True
        return data

    async def chunk(self) -> bytes:
        data = await self._inner.chunk()
        self._heard += data
        self._whole = not data
        return data

    async def close(self, whole: bool) -> None:
        headers = {n: v for n, v in masked_headers(self.headers).items() if n not in _UNTOLD}
        content = without(bytes(self._heard), self._request.headers)
        self._tape.add(Exchange(*_asked(self._request), self.status, headers, content, not self._whole))
        await self._inner.close(whole)


class _Replaying:
    """A carrier that answers from a tape. It takes paths and no keys, as a vendor's client does."""

    relative = True

    def __init__(self, tape: Cassette, path: str | Path) -> None:
        self._tape = tape
        self._path = path

    async def open(self, request: HttpRequest, *, until: float | None) -> _Replayed:
        """The recorded answer. Raises ChainkitError where there is none."""
        method, path, body = _asked(request)
        found = self._tape.find(method, path, body)
        if found is None:
            msg = f"{self._path} holds no answer to {method} {path}: {_nearest(self._tape, path, body)}"
            raise ChainkitError(msg, cure='record it again: cassette(path, mode="record")')
        return _Replayed(found)

    def close(self) -> None:
        """Nothing is open."""


def _nearest(tape: Cassette, path: str, body: Any) -> str:
    alike = [e.body for e in tape.exchanges if same_path(e.path, path)]
    if not alike:
        return f"its paths are {', '.join(sorted({e.path for e in tape.exchanges})) or 'none'}"
    differences = [list(_differences(other, body, "")) for other in alike]
    return f"the nearest differs at {'; '.join(min(differences, key=len)[:3])}"


def _differences(one: Any, other: Any, where: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from _differences(one.get(name), other.get(name), f"{where}.{name}")  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):  # pyright: ignore[reportUnknownArgumentType]
        for i, (a, b) in enumerate(zip(one, other)):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from _differences(a, b, f"{where}[{i}]")
    elif one != other:
        yield f"{where.lstrip('.') or 'the body'}: recorded {one!r:.80}, asked {other!r:.80}"


class _Replayed:
    """A recorded answer."""

    def __init__(self, exchange: Exchange) -> None:
        self.status = exchange.status
        self.headers = exchange.headers
        self._cut = exchange.cut
        self._due = [exchange.content] if exchange.content else []

    async def read(self) -> bytes:
        data = b"".join(self._due)
        self._due.clear()
        self._end()
        return data

    async def chunk(self) -> bytes:
        if self._due:
            return self._due.pop(0)
        self._end()
        return b""

    def _end(self) -> None:
        if self._cut:
            raise lost("the recorded server")

    async def close(self, whole: bool) -> None:
        self._due.clear()
