"""The laws of a chain, checked for any chain.

`check_laws(chain, inputs)` runs the chain in every mode against its scripts and the scripted clock and
raises AssertionError, naming the law, where two of them disagree. A live model is not deterministic: use
`ScriptedModel`s, or a `Run(models=...)` of them.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from chainkit.chain import Chain
from chainkit.compose.sequence import Sequence, sequence
from chainkit.compose.step import identity
from chainkit.errors import ChainkitError, CompositionError, StreamBroken
from chainkit.run.events import Completed, Restarted, TextDelta
from chainkit.run.run import Run
from chainkit.testing.clock import ScriptedIo, virtual_run
from chainkit.testing.scripted import Script
from chainkit.usage import total_usage

_SEED = 7
"""Of the jitter in back-offs: each mode draws the same."""


@dataclass
class Outcome:
    """What one mode gave: a value or an error, and the rows."""

    value: Any = None
    error: tuple[str, str] | None = None
    rows: Counter[Any] = field(default_factory=Counter[Any])
    run: Run | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        said = f"error {self.error}" if self.error else f"value {self.value!r}"
        return f"{said}\n    rows {sorted(map(str, self.rows.elements()))}"


def walk(chain: Chain[Any, Any]) -> Iterator[Chain[Any, Any]]:
    """The chain and all chains inside it."""
    yield chain
    for _, part in chain.parts():
        yield from walk(part)


def rewind(chain: Chain[Any, Any]) -> None:
    """Begin every script in the chain anew."""
    for part in walk(chain):
        script = part.__dict__.get("script")
        if isinstance(script, Script):
            script.rewind()


def check_laws(
    chain: Chain[Any, Any],
    inputs: Iterable[Any],
    *,
    names: Mapping[str, Any] | None = None,
    same: Callable[[Any, Any], bool] | None = None,
    runs: Callable[[], dict[str, Any]] = dict,
) -> None:
    """Check every law on each input.

    `names` are for loading the dumped chain; without it the round trip is checked only where the chain
    dumps. `same` compares values (default `==`), `runs` gives the arguments of each run, such as `models`
    or a fresh budget. Raises AssertionError.
    """
    for value in inputs:
        held = copy.deepcopy(value)
        _modes(chain, value, same or _equal, runs)
        _cancels(chain, value, runs)
        _law(held == value or repr(held) == repr(value), "6: inputs are never changed", held, value)
    _associates(chain)
    _round_trip(chain, names)


def _law(holds: bool, law: str, one: Any, other: Any) -> None:
    if not holds:
        msg = f"law {law}\n  one:   {one}\n  other: {other}"
        raise AssertionError(msg)


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b) or repr(a) == repr(b)


# Law 1 and 8: the modes agree, and the ledger adds up.


def _modes(chain: Chain[Any, Any], value: Any, same: Callable[[Any, Any], bool], runs: Callable[[], Any]) -> None:
    first = _outcome(chain, lambda run: chain.invoke(value, run=run), runs)
    others = {
        "ainvoke": _async_outcome(chain, lambda run: chain.ainvoke(value, run=run), runs),
        "batch": _outcome(chain, lambda run: chain.batch([value], run=run)[0], runs),
        "abatch": _async_outcome(chain, lambda run: _first(chain.abatch([value], run=run)), runs),
        "events": _outcome(chain, lambda run: _fold(chain.events(value, run=run)), runs),
        "aevents": _async_outcome(chain, lambda run: _afold(chain.aevents(value, run=run)), runs),
    }
    for mode, other in others.items():
        agree = first.error == other.error and same(first.value, other.value)
        _law(agree and first.rows == other.rows, f"1: invoke and {mode} agree on {value!r:.80}", first, other)
        _adds_up(other)
    _adds_up(first)
    _stream_agrees(chain, value, first, same, runs)


def _stream_agrees(
    chain: Chain[Any, Any], value: Any, first: Outcome, same: Callable[[Any, Any], bool], runs: Callable[[], Any]
) -> None:
    streamed = _outcome(chain, lambda run: _stream(chain, value, run), runs)
    if streamed.error is not None and streamed.error[0] == StreamBroken.__name__:
        return
    agree = streamed.error == first.error and same(first.value, streamed.value)
    _law(agree, f"1: invoke and stream agree on {value!r:.80}", first, streamed)


def _stream(chain: Chain[Any, Any], value: Any, run: Run) -> Any:
    with chain.stream(value, run=run) as stream:
        text = "".join(str(p) for p in stream if isinstance(p, str))
        result: Any = stream.value
    said = result if isinstance(result, str) else getattr(result, "text", None)
    if isinstance(said, str) and text and hasattr(result, "finish_reason"):
        _law(said == text, "1: the streamed pieces are the text", said, text)
    return result


def _outcome(chain: Chain[Any, Any], go: Callable[[Run], Any], runs: Callable[[], Any]) -> Outcome:
    rewind(chain)
    random.seed(_SEED)
    io = ScriptedIo()
    run = Run(io=io, keep=True, **runs())
    try:
        return _noted(run, value=go(run))
    except AssertionError:
        raise
    except Exception as error:
        return _noted(run, error=error)
    finally:
        io.close()


def _async_outcome(chain: Chain[Any, Any], go: Callable[[Run], Any], runs: Callable[[], Any]) -> Outcome:
    rewind(chain)
    random.seed(_SEED)

    async def work() -> Outcome:
        run = Run(io=_LoopClock(), keep=True, **runs())
        try:
            return _noted(run, value=await go(run))
        except AssertionError:
            raise
        except Exception as error:
            return _noted(run, error=error)

    return virtual_run(work())


def _LoopClock() -> Any:  # noqa: N802 - it makes one
    from chainkit.run.io.loop import Loop

    return Loop()


def _noted(run: Run, *, value: Any = None, error: Exception | None = None) -> Outcome:
    rows = Counter(
        (r.path, r.draw, r.provider, r.model, r.attempt, r.outcome, r.error, repr(r.usage)) for r in run.rows
    )
    said = None
    if error is not None:
        said = (type(error).__name__, getattr(error, "message", str(error)))
    return Outcome(value, said, rows, run)


def _adds_up(outcome: Outcome) -> None:
    run = outcome.run
    if run is None:
        return
    _law(all(r.outcome is not None for r in run.rows), "8: every row is closed", run.rows, outcome)
    _law(run.usage == total_usage(r.usage for r in run.rows), "8: usage is the sum of the rows", run.usage, run.rows)


async def _first(work: Any) -> Any:
    return (await work)[0]


def _fold(events: Iterable[Any]) -> Any:
    return _folded(list(events))


async def _afold(events: Any) -> Any:
    return _folded([e async for e in events])


def _folded(events: list[Any]) -> Any:
    """The value that the events amount to: what was shown after the last `Restarted`."""
    last = events[-1]
    _law(isinstance(last, Completed), "1: Completed is the last event", last, events)
    _law(sum(isinstance(e, Completed) for e in events) == 1, "1: there is one Completed", events, "")
    text: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, Restarted):
            for path in [p for p in text if p.startswith(event.path)]:
                del text[path]
        elif isinstance(event, TextDelta) and event.shown:
            text.setdefault(event.path, []).append(event.text)
    reply = last.reply
    if reply is not None and text:
        shown = "".join(t for pieces in text.values() for t in pieces)
        _law(shown == reply.text, "1: the fold of the text is the reply's", shown, reply.text)
    return last.value


# Law 5: cancellation is total.


def _cancels(chain: Chain[Any, Any], value: Any, runs: Callable[[], Any]) -> None:
    for count in range(_most_events(chain, value, runs)):
        _cancelled_after(chain, value, count, runs)
        virtual_run(_acancelled_after(chain, value, count, runs))


def _most_events(chain: Chain[Any, Any], value: Any, runs: Callable[[], Any]) -> int:
    rewind(chain)
    io, count = ScriptedIo(), 0
    try:
        for _ in chain.events(value, run=Run(io=io, **runs())):
            count += 1
    except Exception:
        pass
    finally:
        io.close()
    return min(count + 1, 40)


def _cancelled_after(chain: Chain[Any, Any], value: Any, count: int, runs: Callable[[], Any]) -> None:
    rewind(chain)
    io = ScriptedIo()
    run = Run(io=io, keep=True, **runs())
    stream = chain.events(value, run=run)
    try:
        for _ in range(count):
            next(stream, None)
    except Exception:
        pass
    stream.close()
    left = asyncio.all_tasks(io.background.loop) if io.background.started else set[Any]()
    _law(not left, f"5: no task is left after {count} events", left, "")
    _law(all(r.outcome is not None for r in run.rows), f"5: every row is closed after {count} events", run.rows, "")
    io.close()


async def _acancelled_after(chain: Chain[Any, Any], value: Any, count: int, runs: Callable[[], Any]) -> None:
    rewind(chain)
    run = Run(io=_LoopClock(), keep=True, **runs())
    stream = chain.aevents(value, run=run)
    try:
        for _ in range(count):
            await anext(stream, None)
    except Exception:
        pass
    await stream.aclose()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    _law(not left, f"5: no task is left after {count} events", left, "")
    _law(all(r.outcome is not None for r in run.rows), f"5: every row is closed after {count} events", run.rows, "")


# Law 2 and 7: association, and the round trip.


def _associates(chain: Chain[Any, Any]) -> None:
    _law((identity() | chain) == chain, "2: identity is neutral on the left", identity() | chain, chain)
    _law((chain | identity()) == chain, "2: identity is neutral on the right", chain | identity(), chain)
    if isinstance(chain, Sequence):
        steps = chain.chain
        for cut in range(1, len(steps)):
            other = sequence(*steps[:cut]) | sequence(*steps[cut:])
            _law(other == chain, f"2: grouping at {cut} changes nothing", other, chain)


def _round_trip(chain: Chain[Any, Any], names: Mapping[str, Any] | None) -> None:
    from chainkit.compose.load import load

    try:
        data = chain.dump()
    except CompositionError:
        if names is not None:
            raise
        return
    try:
        again = load(data, names=names or {})
    except ChainkitError:
        if names is not None:
            raise
        return
    _law(again.dump() == data, "7: load(dump(chain)) dumps the same", again.dump(), data)
