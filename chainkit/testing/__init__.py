"""For tests: scripted models, a clock of their own, the laws, a server that fails on demand, cassettes."""

from chainkit.testing import conformance, faults
from chainkit.testing.cassettes import Cassette, cassette
from chainkit.testing.clock import ScriptedIo, VirtualLoop, virtual_run
from chainkit.testing.laws import check_laws
from chainkit.testing.scripted import ScriptedModel
from chainkit.testing.server import FaultServer

__all__ = [
    "Cassette",
    "FaultServer",
    "ScriptedIo",
    "ScriptedModel",
    "VirtualLoop",
    "cassette",
    "check_laws",
    "conformance",
    "faults",
    "virtual_run",
]
