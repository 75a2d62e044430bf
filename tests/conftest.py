"""What all tests share: no network, and the local model where it is."""

from __future__ import annotations

import os
import socket

import pytest

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
SPEC = "local:smollm2-135m"


@pytest.fixture(autouse=True)
def no_provider_left_behind():
    """A provider registered in a test, or by a page of the docs, is gone after it."""
    from chainkit.models import registry

    before = dict(registry._REGISTERED)
    yield
    registry._REGISTERED.clear()
    registry._REGISTERED.update(before)


@pytest.fixture(autouse=True, scope="session")
def no_network():
    """A test that tries to leave this machine fails at once."""
    real = socket.socket.connect

    def connect(self, address, *rest):
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise OSError(f"a test tried to reach {address!r}: tests stay on this machine")
        return real(self, address, *rest)

    socket.socket.connect = connect
    yield
    socket.socket.connect = real


@pytest.fixture(scope="session")
def local_model() -> str:
    """The embedded model, pulled before the tests (`chainkit pull smollm2-135m`)."""
    pytest.importorskip("xllamacpp", reason="the extra [local] is not installed")
    from chainkit.models.registry import find

    if not find("local").pulled():
        if os.environ.get("CI"):
            pytest.fail("the local model is missing: run `chainkit pull smollm2-135m` first")
        pytest.skip("the local model is not pulled: chainkit pull smollm2-135m")
    return SPEC
