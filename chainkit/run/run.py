"""A run: one doing of a chain, with its deadline, budget and ledger."""

from __future__ import annotations

import itertools
import os
from contextvars import ContextVar, Token
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Self

from chainkit.errors import ChainkitError
from chainkit.run.budget import Budget, Purse
from chainkit.run.io import Blocking
from chainkit.run.ledger import Row, Totals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from chainkit.run.io.protocol import Io
    from chainkit.run.limits import Limit
    from chainkit.run.watch import Watcher
    from chainkit.usage import Cost, Usage

CURRENT: ContextVar[Run | None] = ContextVar("chainkit_run", default=None)
"""The run that user code stands in: read at the outermost door, set around user functions."""

_BLOCKING = Blocking()


class Run:
    """One doing, or several under one roof: `with Run(budget=Budget(usd=1), deadline=30) as run: ...`.

    `deadline` is seconds from now for everything inside. `models` puts stand-ins for model specs
    ("openai:*" patterns allowed). `limits` are queues by such patterns. `keep` keeps the rows of a
    batch's items, which otherwise fold into totals. `private_hosts` are hosts of one's own network
    ("files.example", "127.0.0.1:8080") from which a URL in a message may be fetched: of all others only
    those at public addresses. `watch` is told of steps and rows. A run made while
    another is current is its child: its rows show in, and charge, every ancestor.
    """

    def __init__(
        self,
        *,
        budget: Budget | None = None,
        deadline: float | None = None,
        models: Mapping[str, Any] | None = None,
        limits: Mapping[str, Limit] | None = None,
        keep: bool = False,
        watch: Watcher | None = None,
        private_hosts: Collection[str] = (),
        parent: Run | None = None,
        io: Io | None = None,
    ) -> None:
        parent = parent if parent is not None else CURRENT.get()
        self.parent = parent
        self.budget = budget
        self.keep: bool = keep or (parent is not None and parent.keep)
        self.io: Io = io or (parent.io if parent is not None else _BLOCKING)
        self.models: Mapping[str, Any] | None = _merged(models, parent.models if parent is not None else None)
        self.limits: Mapping[str, Limit] | None = _merged(limits, parent.limits if parent is not None else None)
        self.watch: Watcher | None = watch or (parent.watch if parent is not None else None)
        outer = parent.private_hosts if parent is not None else frozenset[str]()
        self.private_hosts: frozenset[str] = outer.union(
            (private_hosts,) if isinstance(private_hosts, str) else private_hosts
        )
        self.until: float | None = self._until(deadline, parent)
        self.purses: tuple[Purse, ...] = () if parent is None else parent.purses
        if budget is not None:
            self.purses = (*self.purses, Purse(budget))
        self._ids: Iterator[int] = itertools.count(1) if parent is None else parent._ids
        self._rows: list[Row] = []
        self._folded: Totals | None = None
        self._folds = False
        self._id: str | None = None
        self._token: Token[Run | None] | None = None

    def _until(self, deadline: float | None, parent: Run | None) -> float | None:
        outer = None if parent is None else parent.until
        if deadline is None:
            return outer
        mine = self.io.now() + deadline
        return mine if outer is None else min(mine, outer)

    def __enter__(self) -> Self:
        self._token = CURRENT.set(self)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._token is not None:
            CURRENT.reset(self._token)
            self._token = None

    def child(self, *, folds: bool = False) -> Run:
        """A run inside this one; one that `folds` hands its rows on only when it ends."""
        # Written out: an ensemble makes one for each member, and `__init__` merges what is only handed on here.
        run = Run.__new__(Run)
        run.parent, run.budget, run.keep, run.io = self, None, self.keep, self.io
        run.models, run.limits, run.watch = self.models, self.limits, self.watch
        run.private_hosts, run.until, run.purses = self.private_hosts, self.until, self.purses
        run._ids, run._rows, run._folded = self._ids, [], None
        run._folds, run._id, run._token = folds and not self.keep, None, None
        return run

    # The ledger.

    @property
    def id(self) -> str:
        """128 bits in hex, drawn when first asked for."""
        if self._id is None:
            self._id = os.urandom(16).hex()
        return self._id

    @property
    def rows(self) -> Sequence[Row]:
        """The rows, in the order in which they opened; a batch's items fold away unless `keep`."""
        return tuple(self._rows)

    @property
    def calls(self) -> int:
        """How many attempts were made."""
        return len(self._rows) + (self._folded.rows if self._folded is not None else 0)

    @property
    def usage(self) -> Usage:
        """The sum of all rows' usage."""
        return self._totals().usage

    @property
    def cost(self) -> Cost:
        """The sum of all rows' cost."""
        return self._totals().cost

    def _totals(self) -> Totals:
        totals = Totals()
        if self._folded is not None:
            totals.rows, totals.usage, totals.cost = self._folded.rows, self._folded.usage, self._folded.cost
        for row in self._rows:
            totals.add(row)
        return totals

    def open(self, **fields: Any) -> Row:
        """Open a row; it shows in every ancestor up to one whose item folds."""
        row = Row(next(self._ids), **fields)
        run: Run | None = self
        while run is not None:
            run._rows.append(row)
            run = None if run._folds else run.parent
        if self.watch is not None:
            self.watch.row_opened(row)
        return row

    def closed(self, row: Row) -> None:
        """Tell whoever watches."""
        if self.watch is not None:
            self.watch.row_closed(row)

    def end(self) -> None:
        """An item has ended: fold its rows into the totals of the runs around it."""
        if not self._folds:
            return
        run = self.parent
        while run is not None:
            if run._folded is None:
                run._folded = Totals()
            for row in self._rows:
                run._folded.add(row)
            run = run.parent

    # Stand-ins and queues.

    def stand_in(self, spec: str) -> Any:
        """What stands in for a model spec in this run, or None."""
        return _matching(self.models, spec)

    def limit(self, spec: str) -> Limit | None:
        """The queue that attempts of a spec stand in, or None."""
        return _matching(self.limits, spec)

    def __repr__(self) -> str:
        return f"Run({self.calls} calls, {self.usage.total or 0} tokens, {self.cost})"

    def __reduce__(self) -> tuple[Any, ...]:
        msg = "a Run cannot be copied to another process"
        raise ChainkitError(msg, cure="make a Run there, and add up the costs here")


def current() -> Run | None:
    """The run that the calling code stands in, or None."""
    return CURRENT.get()


def _merged(mine: Mapping[str, Any] | None, outer: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not mine:
        return outer
    return {**mine, **{k: v for k, v in (outer or {}).items() if k not in mine}}


def _matching(table: Mapping[str, Any] | None, spec: str) -> Any:
    if table is None:
        return None
    if spec in table:
        return table[spec]
    return next((v for pattern, v in table.items() if fnmatchcase(spec, pattern)), None)
