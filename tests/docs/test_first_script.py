"""What a reader types first works in a fresh interpreter, whatever they typed before it."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEFORE = [
    "from chainkit import race",
    "from chainkit import model; model('openai:gpt-5-mini').text",
    "import chainkit.ensembles.combine",
]


@pytest.mark.parametrize("before", BEFORE)
def test_ensemble_is_the_function_also_where_its_package_was_loaded_before(before: str) -> None:
    script = f"{before}\nfrom chainkit import ensemble\nassert callable(ensemble), ensemble"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
