"""Addresses that a URL from anywhere may lead to: the public ones, and those that the user has named.

A URL in a message may come from a stranger, who would have this process look into its own network for him. So a
host is looked up once, each of its addresses is judged, and the connection goes to the very address that was judged:
a name that changes its mind between the two (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

from chainkit.errors import ConnectionFailed, EgressBlocked
from chainkit.run.carriers import blocking_socket
from chainkit.run.carriers.clients import own_carrier
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.proxies import proxy_for
from chainkit.run.carriers.wire import unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from chainkit.run.carriers.target import Target
    from chainkit.run.carriers.wire import Carrier, HttpRequest, HttpResponse
    from chainkit.run.io.protocol import Io

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_NEVER = tuple(
    map(
        ipaddress.ip_network,
        # Shared and special networks, and clouds' metadata servers that stand at public-looking addresses.
        ("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "168.63.129.16/32", "fec0::/10"),
    )
)


def public(address: Address) -> bool:
    """Whether an address is in the open internet. An IPv4 address inside an IPv6 one is judged as itself."""
    inner = _inner(address) if isinstance(address, ipaddress.IPv6Address) else None
    if inner is not None:
        return public(inner)
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address in _LOCAL_NAT64):
        return False
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not odd and all(address not in net for net in _NEVER)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for."""
    if address.ipv4_mapped is not None or address.sixtofour is not None:
        return address.ipv4_mapped or address.sixtofour
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


async def checked(aim: Target, io: Io, own: Collection[str]) -> list[str]:
    """The addresses of a server, each of which may be asked.

    `own` are hosts ("files.example" or "127.0.0.1:8080") that may be anywhere. Raises EgressBlocked where one of the
    addresses is not public, ConnectionFailed where there are none.
    """
    try:
        found: Any = await io.call(_looked_up, aim.host, aim.port)
    except (OSError, UnicodeError) as error:
        if proxied(aim):
            return [aim.host]  # only the proxy knows the name
        raise unreachable(aim.where, error) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not named(aim, own):
        for text in addresses:
            if not public(ipaddress.ip_address(text)):
                raise _blocked(aim, text)
    return addresses


def _looked_up(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def named(aim: Target, own: Collection[str]) -> bool:
    """Whether the user named that host, with its port or without."""
    shown = f"[{aim.host}]" if ":" in aim.host else aim.host
    return not {aim.host.lower(), shown.lower(), f"{shown}:{aim.port}".lower()}.isdisjoint(h.lower() for h in own)


def _blocked(aim: Target, address: str) -> EgressBlocked:
    where = aim.host if aim.host == address else f"{aim.host} ({address})"
    msg = f"{where} is no public address, and a URL may not lead there; nothing was sent"
    return EgressBlocked(msg, cure=f"where you trust it: Run(private_hosts=[{aim.where!r}])")


def proxied(aim: Target) -> bool:
    """Whether the environment wants a proxy for that server, which then makes the connection."""
    return proxy_for(*aim.origin) is not None


def carrier_to(address: str, aim: Target, io: Io) -> Carrier:
    """A carrier for one request whose connection goes to that address, whatever the host's name says by then.

    Behind a proxy that is the proxy's: it looks the name up itself, and has rules of its own.
    """
    if proxied(aim):
        return own_carrier(io, f"{aim.scheme}://{aim.name.decode('ascii')}")
    if io.blocking:
        return PooledCarrier(lambda _, port, until: blocking_socket.dial(address, port, until))
    from chainkit.run.carriers import loop_socket

    return PooledCarrier(lambda _, port, until: loop_socket.dial(address, port, until))


async def reached(
    request: HttpRequest, aim: Target, io: Io, private_hosts: Collection[str], until: float | None
) -> tuple[HttpResponse, Callable[[], None]]:
    """The answer of the first of the host's addresses that takes the request, and what closes the connection.

    Raises EgressBlocked where the host may not be asked, ConnectionFailed where nobody answers.
    """
    last: ConnectionFailed | None = None
    for address in await checked(aim, io, private_hosts):
        carrier = carrier_to(address, aim, io)
        try:
            return await carrier.open(request, until=until), carrier.close
        except ConnectionFailed as error:
            carrier.close()
            last = error
        except BaseException:
            carrier.close()
            raise
    raise last or ConnectionFailed(f"{aim.where} has no address", code="unreachable")
