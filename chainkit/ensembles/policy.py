"""What becomes of members that fail: the one place where an ensemble decides to go on or to give up.

A member that fails, refuses, gives what cannot be read, or is late is a ballot with that reason. The policy
counts them; the combiner says whether the outcome is certain.
"""

from __future__ import annotations

from dataclasses import dataclass

from chainkit.errors import CompositionError


@dataclass(frozen=True)
class Policy:
    """How many usable ballots are needed (`quorum`), how many are enough (`at_most`), and how many members may
    fail (`tolerate`; None: as many as the quorum allows)."""

    quorum: int = 1
    at_most: int | None = None
    tolerate: int | None = None

    def checked(self, members: int) -> Policy:
        """Itself. Raises CompositionError for numbers that cannot be met by so many members."""
        if not 1 <= self.quorum <= members:
            msg = f"quorum={self.quorum} with {members} members: it must be from 1 to {members}"
            raise CompositionError(msg)
        if self.at_most is not None and not self.quorum <= self.at_most <= members:
            msg = f"at_most={self.at_most}: it must be from the quorum ({self.quorum}) to {members}"
            raise CompositionError(msg)
        if self.tolerate is not None and not 0 <= self.tolerate < members:
            msg = f"tolerate={self.tolerate} with {members} members: it must be from 0 to {members - 1}"
            raise CompositionError(msg, cure="leave it out to tolerate as many as the quorum allows")
        return self

    def hopeless(self, counted: int, failed: int, left: int) -> str | None:
        """Why no verdict can come of it any more, or None: by how many count, failed, and are still to come."""
        if counted + left < self.quorum:
            return f"{counted} of {counted + failed + left} members gave a usable answer, and {self.quorum} are needed"
        if self.tolerate is not None and failed > self.tolerate:
            return f"{failed} of {counted + failed + left} members failed, and {self.tolerate} are tolerated"
        return None

    def enough(self, counted: int) -> bool:
        """Whether no further ballot is wanted, whatever the outcome."""
        return self.at_most is not None and counted >= self.at_most


ANY = Policy()
"""One usable ballot is enough."""
