"""Where a URL may lead: public addresses, and hosts that the user named."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from chainkit.errors import ConnectionFailed, EgressBlocked
from chainkit.run.carriers import guarded
from chainkit.run.carriers.guarded import carrier_to, checked, named, public
from chainkit.run.carriers.pool import PooledCarrier
from chainkit.run.carriers.target import target
from chainkit.run.carriers.threads import driven
from chainkit.run.io import Blocking

BLOCKED = """
    127.0.0.1 127.8.8.8 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2
    100.64.0.1 100.100.100.200 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1
    255.255.255.255 168.63.129.16 192.88.99.1
    :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 fec0::1 2001:db8::1 2001::1 100::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe
    64:ff9b:1::1 2002:7f00:1:: 2002:a9fe:a9fe::
""".split()
OPEN = "8.8.8.8 1.1.1.1 151.101.1.69 2606:4700::1111 2a00:1450::8 ::ffff:8.8.8.8 64:ff9b::808:808".split()


@pytest.mark.parametrize("address", BLOCKED)
def test_an_address_inside_somebodys_network_is_not_public(address: str) -> None:
    assert not public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert public(ipaddress.ip_address(address))


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Names are looked up here: each time the next answer."""
    asked: list[str] = []
    left = list(answers)

    def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    return asked


def check(url: str, *own: str) -> list[str]:
    return driven(checked(target(url), Blocking(), own))


def test_a_name_with_one_private_address_among_public_ones_is_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(EgressBlocked, match=r"host\.example \(10\.0\.0\.1\) is no public address") as blocked:
        check("http://host.example/a.png")
    assert blocked.value.cure == "where you trust it: Run(private_hosts=['host.example:80'])"


def test_a_public_name_gives_all_its_addresses_once(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "1.1.1.1", "8.8.8.8"])
    assert check("https://host.example/a.png") == ["8.8.8.8", "1.1.1.1"]


def test_a_name_that_nobody_knows_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, [])
    with pytest.raises(ConnectionFailed, match="could not connect to nowhere"):
        check("https://nowhere.example/a.png")


@pytest.mark.parametrize("url", ["http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://localhost/"])
def test_odd_ways_to_write_this_machine_are_this_machine(url: str) -> None:
    with pytest.raises(EgressBlocked):
        check(url)


@pytest.mark.parametrize(
    ("url", "own", "allowed"),
    [
        ("http://127.0.0.1:8080/", "127.0.0.1:8080", True),
        ("http://127.0.0.1:8080/", "127.0.0.1", True),
        ("http://127.0.0.1:8081/", "127.0.0.1:8080", False),
        ("http://FILES.corp/", "files.corp", True),
        ("http://evil.files.corp/", "files.corp", False),
        ("http://[::1]:9/", "[::1]:9", True),
        ("http://[::1]:9/", "::1", True),
    ],
)
def test_a_host_is_named_with_its_port_or_without(url: str, own: str, *, allowed: bool) -> None:
    assert named(target(url), [own]) is allowed


def test_the_connection_goes_to_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolving(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    dialled: list[str] = []

    async def dial(host: str, port: int, until: float | None) -> Any:
        dialled.append(host)
        raise ConnectionFailed("no network in tests")

    monkeypatch.setattr(guarded.blocking_socket, "dial", dial)
    aim = target("http://rebinding.example/a.png")
    [address] = driven(checked(aim, Blocking(), ()))
    carrier = carrier_to(address, aim, Blocking())
    with pytest.raises(ConnectionFailed):
        driven(carrier.open(guarded_request(), until=None))
    assert dialled == ["93.184.216.34"]
    assert asked == ["rebinding.example"], "the name is looked up once"


def guarded_request() -> Any:
    from chainkit.run.carriers.wire import HttpRequest

    return HttpRequest("GET", "http://rebinding.example/a.png", {})


def test_behind_a_proxy_the_proxy_makes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    resolving(monkeypatch, [])
    aim = target("http://host.example/a.png")
    assert driven(checked(aim, Blocking(), ())) == ["host.example"]
    assert isinstance(carrier_to("host.example", aim, Blocking()), PooledCarrier)
    resolving(monkeypatch, ["10.0.0.1"])
    with pytest.raises(EgressBlocked):
        driven(checked(aim, Blocking(), ()))
