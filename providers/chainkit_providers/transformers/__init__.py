"""Models in this process, by PyTorch: `transformers:owner/repo`, `transformers:./folder`, `transformers:./model.gguf`.

Needs `pip install 'chainkit[transformers]'`. What is imported from here is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainkit_providers.transformers.adapter import Transformers, provider
    from chainkit_providers.transformers.loaded import Loaded, forget
    from chainkit_providers.transformers.options import TransformersOptions

__all__ = ["Loaded", "Transformers", "TransformersOptions", "forget", "provider"]

_HOMES = {
    "Loaded": "loaded",
    "Transformers": "adapter",
    "TransformersOptions": "options",
    "forget": "loaded",
    "provider": "adapter",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
