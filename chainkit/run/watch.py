"""Who watches a run: told of steps and rows, never asked, and free when nobody does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainkit.run.ledger import Row


class Watcher:
    """Override what you want to hear. Called in the thread where it happens; keep it quick."""

    def step_started(self, path: str, value: Any) -> None:
        """A step is about to work on `value`."""

    def step_finished(self, path: str, value: Any, error: BaseException | None) -> None:
        """A step has given `value` or failed with `error`."""

    def row_opened(self, row: Row) -> None:
        """An attempt is about to be sent."""

    def row_closed(self, row: Row) -> None:
        """An attempt has ended."""
