"""What every store must do, as cases that anyone can run against a store of their own.

    from chainkit.testing import store_conformance

    @pytest.mark.parametrize("case", store_conformance(lambda folder: MyStore(folder / "it")), ids=str)
    def test_my_store_conforms(case, tmp_path):
        case.check(tmp_path)

`opened(folder)` opens the store that lives in a folder; called again it opens the same one. A store that nothing is
left of says `persists=False`; a server's store takes the folder's name as that of its collection.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainkit.errors import CompositionError
from chainkit.testing import store_scenarios
from chainkit.testing.store_talk import ALL, DIMENSIONS, LONG, OFFICE, SCENARIOS, SHOP, Talk, entry, ids, vector

if TYPE_CHECKING:
    from pathlib import Path

    from chainkit.retrieval.store import Store

__all__ = [
    "ALL", "DIMENSIONS", "LONG", "OFFICE", "PARTS", "SHOP", "StoreCase", "Talk", "entry", "ids", "store_conformance", "vector",
]  # fmt: skip
PARTS = (store_scenarios,)
"""The modules that put their scenarios into the suite."""


@dataclass(frozen=True, slots=True)
class StoreCase:
    """One thing that a store must do. `str(case)` is its name."""

    name: str
    scenario: Callable[[Talk], None]
    opened: Callable[[Path], Store]

    def __str__(self) -> str:
        return self.name

    def check(self, folder: Path) -> None:
        """Try it with the store in that folder, which is empty. Raises AssertionError, or what the store raised."""
        self.scenario(Talk(self.opened, folder))


def store_conformance(
    opened: Callable[[Path], Store],
    *,
    searches: Collection[str] = ("text", "vectors"),
    persists: bool = True,
    many: int = 10_000,
    without: Mapping[str, str] | None = None,
) -> list[StoreCase]:
    """The cases for a store that is opened so. `without` names those it cannot meet, each with the reason.

    `many` is how many documents the case of that name puts. Raises CompositionError for an unknown name in `without`.
    """
    unknown = set(without or {}) - {name for name, _, _ in SCENARIOS}
    if unknown:
        raise CompositionError(f"there is no case {min(unknown)!r}")
    wanted = {*searches, *(["disk"] if persists else [])}
    return [
        StoreCase(name, _of_many(scenario, many) if needs == {"many"} else scenario, opened)
        for name, needs, scenario in SCENARIOS
        if needs - {"many"} <= wanted and name not in (without or {})
    ]


def _of_many(scenario: Callable[..., None], many: int) -> Callable[[Talk], None]:
    return lambda talk: scenario(talk, many)
