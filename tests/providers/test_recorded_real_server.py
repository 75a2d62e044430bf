"""The suite's live scenarios, asked of a real model behind a real server, then played from what was recorded."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from chainkit.testing import conformance

# Tests are imported by their paths: what lies beside them is found here.
sys.path.insert(0, str(Path(__file__).parent))
from real_server import RealServer

pytestmark = [pytest.mark.local, pytest.mark.slow, pytest.mark.xdist_group("real-server")]

WITHOUT = {
    "a wrong key is refused": "the server takes any key",
    "a model that there is not is refused": "it answers to any name",
    "a picture": "its small model sees none",
}


def test_what_a_real_server_answered_once_is_played_without_it(tmp_path: Path) -> None:
    from chainkit_providers.local.catalog import find
    from chainkit_providers.local.files import place

    path = place(find("smollm2-135m"))
    if find_spec("xllamacpp") is None or not path.is_file():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "the local model is not here: chainkit pull smollm2-135m"
        )
    asked: dict[str, Any] = {
        "modes": ("stream",),
        "without": WITHOUT,
        "api": "chat",
        "temperature": 0,
        "api_key": "none",
    }
    with RealServer(path) as server:
        live = conformance.recorded("openai:gpt-4o", tmp_path, live=True, base_url=server.url_v1, **asked)
        for case in live:
            case.check()
        url = server.url_v1
    played = conformance.recorded("openai:gpt-4o", tmp_path, live=False, base_url=url, **asked)
    assert [str(case) for case in played] == [str(case) for case in live]
    for case in played:
        case.check()
