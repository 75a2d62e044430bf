"""What the tests of local models share: a cache of their own, and the real model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chainkit_providers.local import Engine, Settings
from chainkit_providers.local.catalog import find
from chainkit_providers.local.files import place

# Tests are imported by their paths: what they share as functions is found here.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("CHAINKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def real_model() -> Path:
    """The real model's file, which `chainkit pull smollm2-135m` has put into the user's cache."""
    path = place(find("smollm2-135m"))
    if path.is_file():
        return path
    missing = "the tests of local models need: chainkit pull smollm2-135m"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@pytest.fixture(scope="session")
def engine(real_model: Path) -> Iterator[Engine]:
    """The real model, on one thread, as the whole session's one engine."""
    from chainkit_providers.local.engines import engine_for

    engine = engine_for(real_model)
    engine.settings = Settings()
    yield engine
    engine.close()
