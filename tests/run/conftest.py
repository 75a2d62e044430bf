"""The run is tested against a server on this machine, through a real adapter."""

from __future__ import annotations

import pytest

from chainkit import model
from chainkit.run.carriers.clients import CLIENTS


@pytest.fixture
def asking():
    """A model that asks a server: `asking(server, attempts=1)`."""

    def make(server, spec="openai:gpt-4o-mini", **options):
        return model(spec, api="chat", base_url=server.url_v1, api_key="none", **options)

    yield make
    CLIENTS.close_all()
