"""The door to torch, transformers and llguidance: imported when a model is first used, and not before.

They tell type checkers nothing that can be relied on from one release to the next, so they are `Any` here.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from chainkit.errors import MissingExtra

NEEDED = ("torch", "transformers", "llguidance")


def check_installed() -> None:
    """Raise MissingExtra where one of them is not there."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        msg = f"transformers: needs {' and '.join(missing)} (models in this process, by PyTorch)"
        raise MissingExtra(msg, cure="pip install 'chainkit[transformers]'")


def door(name: str) -> Any:
    """The module of that name. Raises MissingExtra."""
    try:
        return import_module(name)
    except ImportError as error:
        if find_spec(name.partition(".")[0]) is not None:
            raise
        msg = f"transformers: needs {name.partition('.')[0]}, which is not installed"
        raise MissingExtra(msg, cure="pip install 'chainkit[transformers]'") from error
