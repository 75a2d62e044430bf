"""After a fork parent and child share nothing: each asks over its own connections and gets its own answers."""

from __future__ import annotations

import os
import signal

import pytest

from chainkit import Run, parallel
from chainkit.run.limits import Limit
from chainkit.testing import FaultServer


def echo(seen):
    return seen.json["messages"][-1]["content"]


def in_child(work):
    """Whether `work` is true in a forked child."""
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            os._exit(0 if work() else 1)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(2)
    return child


def ended(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told(chain, who):
    return all(chain.invoke(f"{who} {i}").text == f"{who} {i}" for i in range(30))


def test_each_gets_its_own_answers_over_connections_of_its_own(asking):
    with FaultServer(echo) as server:
        chain = asking(server)
        assert told(chain, "before")
        child = in_child(lambda: told(chain, "child"))
        assert told(chain, "parent")
        assert ended(child) == 0
        assert server.connections == 2


def test_the_background_loop_works_on_both_sides(asking):
    def work(who):
        words = [f"{who} {i}" for i in range(20)]
        both = parallel(a=chain, b=chain).invoke(who)
        return [r.text for r in chain.batch(words)] == words and both["a"].text == both["b"].text == who

    with FaultServer(echo) as server:
        chain = asking(server)
        assert work("before")
        children = [in_child(lambda: work("child")) for _ in range(2)]
        assert work("parent")
        assert [ended(c) for c in children] == [0, 0]


def test_a_queue_that_was_full_is_free_in_the_child(asking):
    with FaultServer(echo) as server:
        chain, queue = asking(server), Limit(1)
        run = Run(limits={"openai:*": queue})
        inside = []

        def fork(reply):
            with queue._lock:
                queue._free = 0
            inside.append(in_child(lambda: chain.invoke("child", run=run).text == "child"))
            queue.give()
            return reply

        fork(None)
        assert ended(inside[0]) == 0
        assert chain.invoke("parent", run=run).text == "parent"


def test_a_stream_that_was_open_goes_on_in_the_parent_only(asking):
    with FaultServer("one two three four") as server:
        chain = asking(server)
        stream = chain.stream("x")
        first = next(stream)
        child = in_child(lambda: chain.invoke("y").text == "one two three four")
        assert ended(child) == 0
        assert first + "".join(stream) == "one two three four"


@pytest.mark.parametrize("generations", [2])
def test_a_child_may_fork_again(asking, generations):
    def work(left):
        if not told(chain, f"generation {left}"):
            return False
        return not left or ended(in_child(lambda: work(left - 1))) == 0

    with FaultServer(echo) as server:
        chain = asking(server)
        assert work(generations)
