"""How a run behaves towards the servers it reads from: one request at a time, a pause between two, robots.txt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary

from chainkit.errors import BadRequest, PermissionDenied, ProviderError, RateLimited, ServerError
from chainkit.retrieval.loading.unread import shown
from chainkit.run.io.blocking import too_late
from chainkit.run.limits import Limit
from chainkit.search.asking import PageRequest, asked
from chainkit.search.robots import EVERYTHING, MOST_BYTES, Rules, rules_in

if TYPE_CHECKING:
    from chainkit.run.frame import Frame
    from chainkit.run.run import Run

_HOPS = 5


@dataclass(slots=True)
class Host:
    """A server as one run knows it: its queue, when it may be asked next, and what it asks of a program."""

    queue: Limit = field(default_factory=lambda: Limit(concurrency=1))
    free_at: float = 0.0
    rules: dict[str, Rules] = field(default_factory=dict[str, Rules])


_HOSTS: WeakKeyDictionary[Run, dict[tuple[str, str, int], Host]] = WeakKeyDictionary()


def host_of(run: Run, origin: tuple[str, str, int]) -> Host:
    """The server as the outermost run knows it, so that all items of a batch share the pause."""
    while run.parent is not None:
        run = run.parent
    return _HOSTS.setdefault(run, {}).setdefault(origin, Host())


async def paused(host: Host, frame: Frame, pause: float, most: float) -> None:
    """Wait until the server may be asked again. Raises RateLimited where that is too long a wait."""
    wait = host.free_at - frame.io.now()
    if wait > most:
        msg = f"its robots.txt asks for a pause between two requests, and the next is due in {wait:.0f} s"
        error = RateLimited(msg, cure="fetch(timeout=...) waits longer; where the site is yours: fetch(robots=False)")
        error.retry_after = wait
        raise error
    if wait > 0:
        if frame.until is not None and host.free_at >= frame.until:
            raise too_late()
        await frame.io.sleep(wait)
    host.free_at = frame.io.now() + pause


async def allowed(url: str, host: Host, request: PageRequest, frame: Frame, path: str) -> Rules:
    """The rules that a server has for this program. Raises PermissionDenied where they shut the page out."""
    agent = request.user_agent
    if agent not in host.rules:
        host.rules[agent] = await _read(url, request, frame, path)
    rules = host.rules[agent]
    if not rules.allows(url):
        msg = f"the robots.txt of {urlsplit(url).hostname} asks programs like this one not to read {shown(url)}"
        raise PermissionDenied(msg, cure="leave it out; where the site is yours: fetch(robots=False)")
    return rules


async def _read(url: str, request: PageRequest, frame: Frame, path: str) -> Rules:
    where = urljoin(url, "/robots.txt")
    for _ in range(_HOPS + 1):
        wanted = PageRequest(
            "",
            url=where,
            most=MOST_BYTES,
            user_agent=request.user_agent,
            ports=request.ports,
            whole=False,
            lenient_status=True,
        )
        try:
            found = await asked(wanted, frame, f"{path} > robots", 1)
        except (ServerError, RateLimited) as error:
            raise _unsaid(url, error) from error
        except BadRequest:
            return EVERYTHING
        if found.moved is None:
            return (
                rules_in(found.data.decode("utf-8", "replace"), request.user_agent)
                if found.status < 300
                else EVERYTHING
            )
        where = urljoin(where, found.moved)
    return EVERYTHING


def _unsaid(url: str, error: ProviderError) -> ProviderError:
    """A server that cannot say what it allows is not read, as the RFC has it."""
    msg = f"the robots.txt of {urlsplit(url).hostname} could not be read ({error.message}), so its pages are not"
    found = type(error)(msg, cure="try again later; where the site is yours: fetch(robots=False)", status=error.status)
    found.retry_after = error.retry_after
    return found
