"""How a core waits: blocking in the caller's thread, on an event loop, or on a scripted clock.

`io` is an argument of every call and never closed over. Core code uses these primitives and no other:
asyncio objects are forbidden outside this folder (they fail without a loop, and inside a notebook's loop
they would bind to the notebook's own task).
"""

from chainkit.run.io.blocking import Blocking
from chainkit.run.io.loop import Loop
from chainkit.run.io.protocol import Io, Job, Landed, Ticket

__all__ = ["Blocking", "Io", "Job", "Landed", "Loop", "Ticket"]
