"""Models in this process, by llama.cpp: `local:smollm2-135m`, `local:hf.co/owner/repo/file.gguf`, `local:/a/file.gguf`.

Needs `pip install 'chainkit[local]'`. What is imported from here is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainkit_providers.local.adapter import Local, provider
    from chainkit_providers.local.catalog import CATALOG, LocalModel
    from chainkit_providers.local.engine import Engine, Settings
    from chainkit_providers.local.places import Ticket
    from chainkit_providers.local.pulling import Progress, pull

__all__ = ["CATALOG", "Engine", "Local", "LocalModel", "Progress", "Settings", "Ticket", "provider", "pull"]

_HOMES = {
    "CATALOG": "catalog",
    "LocalModel": "catalog",
    "Engine": "engine",
    "Settings": "engine",
    "Ticket": "places",
    "Local": "adapter",
    "provider": "adapter",
    "Progress": "pulling",
    "pull": "pulling",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
