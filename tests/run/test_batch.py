"""Batches: bounded work, constant memory, order, errors in their places, and an end when it is left."""

from __future__ import annotations

import asyncio
import itertools
import threading
import tracemalloc

import pytest

from chainkit import Run, step
from chainkit.errors import ChainkitError, ServerError
from chainkit.testing import FaultServer, ScriptedModel, faults


def echo(seen):
    return seen.json["messages"][-1]["content"]


def odd_fails(value):
    if value % 2:
        raise ValueError(f"{value} is odd")
    return value


class Source:
    """Counts what was pulled, and in which thread."""

    def __init__(self, count):
        self.pulled = 0
        self.threads = set()
        self._count = count

    def __iter__(self):
        for i in range(self._count):
            self.pulled += 1
            self.threads.add(threading.get_ident())
            yield i


def test_twenty_thousand_items_take_no_more_memory_than_the_window():
    model = ScriptedModel(lambda messages: messages[-1].text)
    chain = model.text
    chain.invoke("warm")
    sizes = []
    tracemalloc.start()
    try:
        for i, _ in chain.batch_as_completed(str(i) for i in range(20_000)):
            if i % 4000 == 3999:
                model.seen.clear()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes) - min(sizes) < 2_000_000, sizes


@pytest.mark.parametrize("concurrency", [1, 4, 16])
def test_no_more_is_pulled_than_twice_the_concurrency(concurrency):
    source, ahead, handed = Source(500), 0, 0
    for _ in step(lambda v: v).batch_as_completed(source, concurrency=concurrency):
        ahead = max(ahead, source.pulled - handed)
        handed += 1
    assert ahead <= 2 * concurrency
    assert source.threads == {threading.get_ident()}


def test_no_more_run_at_once_than_the_concurrency(asking):
    with FaultServer(faults.stall(seconds=0.005)) as server:
        asking(server).batch(["x"] * 30, concurrency=5)
        assert server.peak == 5


def test_results_are_in_the_order_of_the_items(asking):
    def slower_first(seen):
        word = echo(seen)
        return faults.stall(faults.answer(word), seconds=(10 - int(word)) * 0.004)

    with FaultServer(slower_first) as server:
        words = [str(i) for i in range(10)]
        chain = asking(server)
        assert [r.text for r in chain.batch(words)] == words
        assert [(i, r.text) for i, r in chain.batch_as_completed(words, ordered=True)] == list(enumerate(words))
        found = [(i, r.text) for i, r in chain.batch_as_completed(words)]
        assert sorted(found) == list(enumerate(words))
        assert found[0][0] > 0
        assert [r.text for r in asyncio.run(chain.abatch(words))] == words


def test_errors_stay_in_their_places_when_asked():
    found = step(odd_fails).batch(range(6), errors="keep")
    assert [v if isinstance(v, int) else type(v) for v in found] == [0, ValueError, 2, ValueError, 4, ValueError]


def test_the_first_error_ends_the_batch_and_names_its_item(asking):
    def fails_at_three(seen):
        word = echo(seen)
        return faults.status(400, "not this one") if word == "3" else faults.stall() if int(word) > 3 else word

    with FaultServer(fails_at_three) as server:
        run = Run(keep=True)
        with pytest.raises(ChainkitError, match="not this one") as caught:
            asking(server).batch([str(i) for i in range(8)], run=run)
        assert caught.value.index == 3
        assert "item: 3" in str(caught.value)
        assert server.wait_idle()
        assert {r.outcome for r in run.rows} <= {"ok", "error", "cancelled"}


def test_a_source_that_fails_ends_the_batch_with_its_error():
    def source():
        yield 0
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        step(lambda v: v).batch(source())


def test_what_is_done_is_handed_out_though_the_source_is_slow():
    done, pulled = threading.Event(), 0

    def source():
        nonlocal pulled
        for i in range(30):
            if i:
                # A slow source: the item before this one is done long since.
                assert done.wait(5)
                done.clear()
            pulled += 1
            yield i

    chain = step(lambda v: (v, done.set())[0])
    with chain.batch_as_completed(source(), concurrency=16, ordered=True) as items:
        assert next(items) == (0, 0)
        assert pulled <= 4


def test_leaving_early_pulls_no_more_and_cancels_the_rest(asking):
    with FaultServer(lambda seen: "quick" if echo(seen) == "0" else faults.stall()) as server:
        source = Source(1000)
        with asking(server).batch_as_completed((str(i) for i in source), concurrency=3) as items:
            assert next(items)[0] == 0
        assert source.pulled <= 6
        pulled = source.pulled
        assert server.wait_idle()
        assert list(items) == []
        assert source.pulled == pulled


def test_an_endless_source_can_be_left(asking):
    with FaultServer(echo) as server:
        words = (str(i) for i in itertools.count())
        with asking(server).batch_as_completed(words, ordered=True) as items:
            assert [r.text for _, r in itertools.islice(items, 40)] == [str(i) for i in range(40)]
        assert server.wait_idle()


def test_an_async_source_is_pulled_within_the_window():
    pulled = done = ahead = 0

    async def source():
        nonlocal pulled, ahead
        for i in range(100):
            pulled += 1
            ahead = max(ahead, pulled - done)
            yield i

    async def work(value):
        nonlocal done
        await asyncio.sleep(0)
        done += 1
        return value

    assert asyncio.run(step(work).abatch(source(), concurrency=4)) == list(range(100))
    assert ahead <= 8


def test_an_item_that_is_tried_again_does_not_hold_the_others(asking):
    turns = iter([faults.status(503, after=0.05)])

    def once(seen):
        return next(turns, echo(seen)) if echo(seen) == "0" else echo(seen)

    with FaultServer(once) as server:
        words = [str(i) for i in range(6)]
        found = [i for i, _ in asking(server).batch_as_completed(words)]
        assert found[-1] == 0
        assert sorted(found) == list(range(6))


def test_an_empty_batch_is_empty_and_needs_no_loop():
    assert step(lambda v: v).batch([]) == []
    assert asyncio.run(step(lambda v: v).abatch([])) == []


def test_a_concurrency_of_none_is_a_mistake():
    with pytest.raises((ValueError, ChainkitError)):
        step(lambda v: v).batch([1], concurrency=0)


def test_a_failed_item_takes_its_attempts_like_any_call(asking):
    with FaultServer(faults.status(503, after=0.0)) as server:
        found = asking(server, attempts=2).batch(["a", "b"], errors="keep")
        assert [type(e) for e in found] == [ServerError] * 2
        assert len(server.requests) == 4
