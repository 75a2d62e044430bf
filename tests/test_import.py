"""The face: light to import, its names pinned, each documented."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import chainkit

HEAVY = ("pydantic", "jinja2", "httpx", "tenacity", "asyncio", "openai", "anthropic", "cohere", "httpx2", "aiohttp",
         "yaml", "typer", "rich", "genai_prices", "xllamacpp", "snowballstemmer")  # fmt: skip


def test_importing_chainkit_loads_no_package_but_itself() -> None:
    script = f"import sys, chainkit; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_making_a_model_and_a_vote_loads_no_vendor() -> None:
    script = (
        "import sys\nfrom chainkit import ensemble, model, vote\n"
        "ensemble('openai:a', model('anthropic:b'), 'cohere:c', combine=vote())\n"
        "print(*[m for m in ('openai', 'anthropic', 'cohere', 'httpx', 'httpx2', 'chainkit_providers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", chainkit.__all__)
def test_every_public_name_can_be_imported_alone_in_any_order(name: str) -> None:
    found = getattr(chainkit, name)
    assert not inspect.ismodule(found), f"chainkit.{name} is a module, not what the face promises"


def test_every_public_name_is_the_thing_also_where_modules_below_were_loaded_before() -> None:
    script = (
        "import pkgutil, importlib, types, chainkit\n"
        "for found in pkgutil.walk_packages(chainkit.__path__, 'chainkit.'):\n"
        "    if '__main__' not in found.name and '.loop_' not in found.name and '.cli' not in found.name\\\n"
        "            and found.name not in ('chainkit.run.carriers.sdk',):\n"
        "        importlib.import_module(found.name)\n"
        "print(*[n for n in chainkit.__all__ if isinstance(getattr(chainkit, n), types.ModuleType)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
