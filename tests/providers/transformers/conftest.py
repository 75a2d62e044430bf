"""What the tests of `transformers:` share. Those that need torch skip where it is not: it is no part of `test`.

`pip install 'chainkit[transformers]'` (for processors alone: with torch's own index) makes all of them run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Tests are imported by their paths: what they share as functions is found here.
sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def torch() -> Any:
    """Torch on one thread, where torch, transformers and llguidance are installed."""
    for name in ("transformers", "llguidance"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install 'chainkit[transformers]'")
    found: Any = pytest.importorskip("torch", reason="torch is not installed: pip install 'chainkit[transformers]'")
    found.set_num_threads(1)
    return found


@pytest.fixture(scope="session")
def tiny(torch: Any) -> Any:
    """A chat model that knows nothing, as a client to hand over."""
    from tiny_models import causal, tokenizer

    from chainkit_providers.transformers import Loaded

    return Loaded(causal(), tokenizer(), name="tiny")


@pytest.fixture
def no_models() -> Iterator[None]:
    """No model is loaded by its name, before and after."""
    from chainkit_providers.transformers.loaded import forget

    forget()
    yield
    forget()
