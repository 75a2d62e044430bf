"""For tests: models that answer by a script, a clock of their own, and the laws of a chain."""

from chainkit.testing import faults
from chainkit.testing.clock import ScriptedIo, VirtualLoop, virtual_run
from chainkit.testing.laws import check_laws
from chainkit.testing.scripted import ScriptedModel
from chainkit.testing.server import FaultServer

__all__ = ["FaultServer", "ScriptedIo", "ScriptedModel", "VirtualLoop", "check_laws", "faults", "virtual_run"]
