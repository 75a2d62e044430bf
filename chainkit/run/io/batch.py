"""Many items through one chain: any iterable, bounded work in flight, constant memory.

Workers are tasks on a loop (the background one for blocking calls), as many as the concurrency; a task for
each item would cost more than a small chain does. The caller's own thread pulls the iterable, and only as
room appears: at most twice the concurrency is pulled and not yet handed out.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from chainkit.errors import ChainkitError
from chainkit.run.begin import begin
from chainkit.run.frame import Frame
from chainkit.run.io.background import BACKGROUND, Background
from chainkit.run.io.door import enter
from chainkit.run.io.ending import ended
from chainkit.run.io.loop import Loop
from chainkit.run.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from chainkit.run.drive import Core

    Ending = tuple[int, Any, BaseException | None]

Errors = Literal["raise", "keep"]


class _Pool:
    """Workers on a loop that take items from `inbox` and put endings into `outbox`."""

    def __init__(self, core: Core, run: Run, concurrency: int, told: Callable[[], None]) -> None:
        self._core = core
        self._run = run
        self._most = concurrency
        self._told = told
        self.inbox: deque[tuple[int, Any]] = deque()
        self.outbox: deque[Ending] = deque()
        self.woken = False
        self._telling = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._sleeping: deque[asyncio.Future[None]] = deque()
        self._io: Loop | None = None
        self._closed = False

    def wake(self) -> None:
        """There are new items: on the loop's own thread."""
        self.woken = False
        if self._closed:
            return
        self._io = self._io or Loop()
        wanted = len(self.inbox)
        while wanted and self._sleeping:
            sleeper = self._sleeping.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                wanted -= 1
        while wanted and len(self._tasks) < self._most:
            self._tasks.add(asyncio.ensure_future(self._work(self._io)))
            wanted -= 1

    async def _work(self, io: Loop) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while self.inbox:
                index, value = self.inbox.popleft()
                self.outbox.append(await self._item(io, index, value))
                if not self._telling:
                    self._telling = True
                    loop.call_soon(self._tell)
            sleeper = loop.create_future()
            self._sleeping.append(sleeper)
            await sleeper

    def _tell(self) -> None:
        """Once a turn of the loop, however many items ended in it."""
        self._telling = False
        self._told()

    async def _item(self, io: Loop, index: int, value: Any) -> Ending:
        run = self._run.child(folds=True)
        frame = Frame(io, run)
        try:
            return index, await begin(self._core, frame, value), None
        except Exception as error:
            return index, None, located(error, index)
        finally:
            run.end()

    async def close(self) -> None:
        """Cancel all work and wait for it."""
        self._closed = True
        await ended(self._tasks)


def located(error: BaseException, index: int) -> BaseException:
    """The same error with its item's number."""
    if isinstance(error, ChainkitError):
        error.index = index
    else:
        error.add_note(f"  item: {index}")
    return error


class _Order:
    """Lets endings out: as they come, or in the order of the items."""

    def __init__(self, *, ordered: bool, errors: Errors) -> None:
        self._ordered = ordered
        self._raises = errors == "raise"
        self._held: dict[int, Ending] = {}
        self._next = 0

    def take(self, ending: Ending) -> Iterator[tuple[int, Any]]:
        """What may go out now. An error that is to be raised does not wait for its turn."""
        if ending[2] is not None and self._raises:
            raise ending[2]
        if not self._ordered:
            yield _result(ending)
            return
        self._held[ending[0]] = ending
        while (found := self._held.pop(self._next, None)) is not None:
            self._next += 1
            yield _result(found)


def _result(ending: Ending) -> tuple[int, Any]:
    index, value, error = ending
    return index, value if error is None else error


T = TypeVar("T")


class Batch(Iterator[tuple[int, T]]):
    """Items through a core from blocking code, lazily: iterates `(index, value)`; closing cancels the rest."""

    def __init__(
        self,
        core: Core,
        values: Iterable[Any],
        run: Run | None = None,
        *,
        concurrency: int,
        ordered: bool,
        errors: Errors,
    ) -> None:
        enter()
        _checked(concurrency)
        self.run = Run(parent=run)
        self._news = threading.Event()
        self._pool = _Pool(core, self.run, concurrency, self._tell)
        self._background: Background = getattr(self.run.io, "background", BACKGROUND)
        self._iterator: Generator[tuple[int, Any], None, None] = self._go(
            iter(values), _Order(ordered=ordered, errors=errors), 2 * concurrency
        )

    def __next__(self) -> tuple[int, T]:
        return next(self._iterator)

    def close(self) -> None:
        """Cancel what is still going on and wait for it."""
        self._iterator.close()

    def __enter__(self) -> Batch[T]:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _tell(self) -> None:
        if not self._news.is_set():
            self._news.set()

    def _go(self, source: Iterator[Any], order: _Order, window: int) -> Generator[tuple[int, Any], None, None]:
        pulled, handed, more = 0, 0, True
        pool = self._pool
        try:
            while more or handed < pulled:
                while more and pulled - handed < window and not pool.outbox:
                    try:
                        value = next(source)
                    except StopIteration:
                        more = False
                        break
                    pool.inbox.append((pulled, value))
                    pulled += 1
                    self._wake()
                if handed < pulled:
                    self._news.wait(0.5)
                    self._news.clear()
                while pool.outbox:
                    for result in order.take(pool.outbox.popleft()):
                        handed += 1
                        yield result
        finally:
            self._stop()

    def _wake(self) -> None:
        if not self._pool.woken:
            self._pool.woken = True
            self._background.loop.call_soon_threadsafe(self._pool.wake)

    def _stop(self) -> None:
        closing = self._pool.close()
        try:
            self._background.submit(closing).result(2)
        except (TimeoutError, ChainkitError):
            pass


async def abatch(
    core: Core,
    values: Iterable[Any] | AsyncIterable[Any],
    run: Run | None = None,
    *,
    concurrency: int,
    ordered: bool,
    errors: Errors,
) -> AsyncIterator[tuple[int, Any]]:
    """The same on the running loop; the source may be an async iterable."""
    _checked(concurrency)
    news = asyncio.Event()
    pool = _Pool(core, Run(parent=run), concurrency, news.set)
    order, source = _Order(ordered=ordered, errors=errors), _Source(values)
    handed, window = 0, 2 * concurrency
    try:
        while source.more or handed < source.pulled:
            while source.more and source.pulled - handed < window and not pool.outbox:
                if await source.into(pool.inbox):
                    pool.wake()
            if handed < source.pulled and not pool.outbox:
                await news.wait()
            news.clear()
            while pool.outbox:
                for result in order.take(pool.outbox.popleft()):
                    handed += 1
                    yield result
    finally:
        await pool.close()


class _Source:
    """An iterable of either kind, pulled one by one."""

    def __init__(self, values: Iterable[Any] | AsyncIterable[Any]) -> None:
        self.pulled = 0
        self.more = True
        self._later = aiter(values) if isinstance(values, AsyncIterable) else None
        self._now = iter(values) if not isinstance(values, AsyncIterable) else None

    async def into(self, inbox: deque[tuple[int, Any]]) -> bool:
        """Pull one; False at the end."""
        try:
            value = next(self._now) if self._now is not None else await anext(self._later)  # type: ignore[arg-type]
        except (StopIteration, StopAsyncIteration):
            self.more = False
            return False
        inbox.append((self.pulled, value))
        self.pulled += 1
        return True


def _checked(concurrency: int) -> None:
    if concurrency < 1:
        msg = f"concurrency must be at least 1, not {concurrency}"
        raise ValueError(msg)
