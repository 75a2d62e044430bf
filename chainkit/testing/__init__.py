"""For tests: scripted models, a clock of their own, the laws, a server that fails on demand, cassettes, conformance.

Names are imported when they are first used: a test of a scripted model loads no server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_WHERE = {
    "Cassette": "cassettes",
    "FaultServer": "server",
    "MemoryCase": "memories",
    "ScriptedClassifier": "scripted_tasks",
    "ScriptedEmbedder": "scripted_tasks",
    "ScriptedImageModel": "scripted_tasks",
    "ScriptedIo": "clock",
    "ScriptedModel": "scripted",
    "ScriptedPages": "scripted_search",
    "ScriptedReranker": "scripted_tasks",
    "ScriptedSearch": "scripted_search",
    "ScriptedSpeaker": "scripted_tasks",
    "ScriptedTranscriber": "scripted_tasks",
    "Shape": "shapes",
    "StoreCase": "stores",
    "VirtualLoop": "clock",
    "cassette": "cassettes",
    "check_laws": "laws",
    "conformance": "suite",
    "memory_conformance": "memories",
    "store_conformance": "stores",
    "virtual_run": "clock",
}
_MODULES = ("faults", "wire_bodies")

__all__ = [
    "Cassette",
    "FaultServer",
    "MemoryCase",
    "ScriptedClassifier",
    "ScriptedEmbedder",
    "ScriptedImageModel",
    "ScriptedIo",
    "ScriptedModel",
    "ScriptedPages",
    "ScriptedReranker",
    "ScriptedSearch",
    "ScriptedSpeaker",
    "ScriptedTranscriber",
    "Shape",
    "StoreCase",
    "VirtualLoop",
    "cassette",
    "check_laws",
    "conformance",
    "faults",
    "memory_conformance",
    "store_conformance",
    "virtual_run",
    "wire_bodies",
]

if TYPE_CHECKING:
    from chainkit.testing import faults as faults
    from chainkit.testing import wire_bodies as wire_bodies
    from chainkit.testing.cassettes import Cassette as Cassette
    from chainkit.testing.cassettes import cassette as cassette
    from chainkit.testing.clock import ScriptedIo as ScriptedIo
    from chainkit.testing.clock import VirtualLoop as VirtualLoop
    from chainkit.testing.clock import virtual_run as virtual_run
    from chainkit.testing.laws import check_laws as check_laws
    from chainkit.testing.memories import MemoryCase as MemoryCase
    from chainkit.testing.memories import memory_conformance as memory_conformance
    from chainkit.testing.scripted import ScriptedModel as ScriptedModel
    from chainkit.testing.scripted_search import ScriptedPages as ScriptedPages
    from chainkit.testing.scripted_search import ScriptedSearch as ScriptedSearch
    from chainkit.testing.scripted_tasks import ScriptedClassifier as ScriptedClassifier
    from chainkit.testing.scripted_tasks import ScriptedEmbedder as ScriptedEmbedder
    from chainkit.testing.scripted_tasks import ScriptedImageModel as ScriptedImageModel
    from chainkit.testing.scripted_tasks import ScriptedReranker as ScriptedReranker
    from chainkit.testing.scripted_tasks import ScriptedSpeaker as ScriptedSpeaker
    from chainkit.testing.scripted_tasks import ScriptedTranscriber as ScriptedTranscriber
    from chainkit.testing.server import FaultServer as FaultServer
    from chainkit.testing.shapes import Shape as Shape
    from chainkit.testing.stores import StoreCase as StoreCase
    from chainkit.testing.stores import store_conformance as store_conformance
    from chainkit.testing.suite import conformance as conformance


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _WHERE:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    found = globals()[name] = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    return found


def __dir__() -> list[str]:
    return list(__all__)
