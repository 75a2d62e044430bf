"""Many items through a provider's own batches: everything before the model here, the model there, the rest here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainkit.chain import Chain
from chainkit.compose.ending import asked_of, ending
from chainkit.errors import ChainkitError, CompositionError, ReplyMalformed, ServerError
from chainkit.models.batches import BatchState, Item, ProviderBatch
from chainkit.models.exchange import Exchange
from chainkit.models.reached import ATTEMPTS
from chainkit.models.resolve import check, resolve
from chainkit.models.sending import sent
from chainkit.run.call import Call, Tries
from chainkit.run.gate import through
from chainkit.usage import FREE, NO_USAGE, Cost, Usage, total_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chainkit.models.batches import Answered
    from chainkit.models.chat import ChatModel
    from chainkit.models.exchange import Door
    from chainkit.models.request import ChatRequest
    from chainkit.models.resolve import Resolved
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

_TERMS = {"processing": "batch"}
_LONGEST = 600.0
"""Seconds between two looks at a batch, at the most: the wait grows by half each time."""


class _Handed:
    """What the wait for a batch gives to its row: no usage of its own, that stands with the items."""

    usage = NO_USAGE
    price = None

    def __init__(self, answers: dict[str, Answered]) -> None:
        self.answers = answers


@dataclass(frozen=True, repr=False)
class ProviderBatched(Chain[Any, Any]):
    """A list of inputs, answered by way of a provider's batch. `keep` leaves errors in their places."""

    chain: Chain[Any, Any]
    via: ProviderBatch
    keep: bool = False

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        return ((self.chain.label, self.chain),)

    def compile(self, place: Place) -> Core:
        at = ending(self.chain, "a provider's batch")
        model, asked = at.model, at.model.asked()
        path = " > ".join(p for p in (place.path, model.label) if p)
        before = place.compile(at.before) if at.before is not None else None
        after = place.compile(at.after) if at.after is not None else None
        finish = _finishing(asked, model)

        async def one(frame: Frame, found: _Found) -> Any:
            reply = await _charged(frame, path, found)
            value = finish(reply, found.resolved)
            return value if after is None else await after(frame, value)

        async def run(frame: Frame, values: Any) -> list[Any]:
            inputs = [await before(frame.at(f"item {i}"), v) if before else v for i, v in enumerate(values)]
            resolved = resolve(model, frame.run)
            requests = [asked_of(model, resolved, v) for v in inputs]
            answers = await _answers(frame, path, resolved, requests, self.via)
            return [
                await _settled(one, frame.at(f"item {i}"), _Found(resolved, r, answers.get(str(i))), i, keep=self.keep)
                for i, r in enumerate(requests)
            ]

        return run


@dataclass(frozen=True)
class _Found:
    """One item's request, and what became of it."""

    resolved: Resolved
    request: ChatRequest
    answer: Answered | None


async def _settled(one: Any, frame: Frame, found: _Found, index: int, *, keep: bool) -> Any:
    try:
        return await one(frame, found)
    except ChainkitError as error:
        error.index = index
        if not keep:
            raise
        return error


def _finishing(asked: Any, model: ChatModel) -> Any:
    """What turns a reply into the model's value. There is no asking again: that would be another batch."""

    def value(reply: Any, resolved: Resolved) -> Any:
        if asked is None:
            return reply
        way, _ = asked.way(resolved.profile, tools=bool(model.tools))
        return asked.value(way, reply)

    return value


async def _charged(frame: Frame, path: str, found: _Found) -> Any:
    """The reply of one item, with a row of its own at the batch's price."""
    resolved, request, answer = found.resolved, found.request, found.answer

    def price(usage: Usage) -> Cost:
        return resolved.price(usage, _TERMS)

    async def send(call: Call) -> Any:
        if answer is None:
            raise ReplyMalformed("the provider's batch has no answer for this item", cure="call it again without via=")
        return resolved.backend.batched(request, answer.status, answer.body)  # type: ignore[attr-defined]  # pyright: ignore

    call = Call(
        frame.child(limits=()), Tries(1), provider=resolved.provider, model=resolved.model, path=frame.prefix + path,
        request=request, send=send, price=price,
    )  # fmt: skip
    # What it cost is owed already: it is counted, and never refused.
    call.bound = lambda: (0, FREE)
    call.until = None
    reply = await through(call)
    reply.price = price
    return reply


async def _answers(
    frame: Frame, path: str, resolved: Resolved, requests: Sequence[ChatRequest], via: ProviderBatch
) -> dict[str, Answered]:
    if not requests:
        return {}
    check(resolved, Tries(1))
    wire = _wire(resolved)
    items = [Item(str(i), *resolved.backend.batch_item(r)) for i, r in enumerate(requests)]  # type: ignore[attr-defined]  # pyright: ignore
    mark = _mark(resolved, items)
    door = _door(frame, path, resolved)

    async def send(call: Call) -> _Handed:
        ids = via.held(mark) or await _submitted(wire, door, resolved.model, items, via, mark)
        answers: dict[str, Answered] = {}
        for handed_in in ids:
            state = await _waited(frame, wire, door, handed_in, via)
            answers |= {a.name: a for a in await wire.results(door, state)}
        return _Handed(answers)

    call = Call(
        frame.child(limits=()), Tries(1), kind="batch", provider=resolved.provider, model=resolved.model,
        path=frame.prefix + path, request=None, send=send, price=_free,
    )  # fmt: skip
    call.bound = lambda: _bound(resolved, requests)
    handed: _Handed = await through(call)
    return handed.answers


def _free(_: Usage) -> Cost:
    return FREE


def _wire(resolved: Resolved) -> Any:
    wire = getattr(resolved.backend, "batches", None)
    if wire is None:
        msg = f"{resolved.provider} has no batches of its own"
        raise CompositionError(msg, cure="leave via= away: the items are then sent one by one")
    return wire


def _bound(resolved: Resolved, requests: Sequence[ChatRequest]) -> tuple[int, Cost]:
    """The most that all of it may take, at the full price: refused before it is handed in."""
    bounds = [resolved.bound(r) for r in requests]
    return sum(t for t, _ in bounds), total_cost(c for _, c in bounds)


def _mark(resolved: Resolved, items: Sequence[Item]) -> str:
    text = json.dumps([resolved.provider, *((i.path, i.body) for i in items)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _door(frame: Frame, path: str, resolved: Resolved) -> Door:
    async def door(exchange: Exchange) -> bytes:
        exchange.model = resolved.model
        reply = await sent(resolved, exchange, frame, path, Tries(ATTEMPTS if exchange.again else 1))
        return reply.body

    return door


async def _submitted(
    wire: Any, door: Door, model: str, items: Sequence[Item], via: ProviderBatch, mark: str
) -> list[str]:
    ids: list[str] = []
    for start in range(0, len(items), wire.most):
        ids.append(await wire.submit(door, model, items[start : start + wire.most]))
        via.hold(mark, ids)
    return ids


async def _waited(frame: Frame, wire: Any, door: Door, id: str, via: ProviderBatch) -> BatchState:
    wait = via.every
    try:
        while True:
            state: BatchState = await wire.state(door, id)
            if via.progress is not None:
                via.progress(state)
            if state.done:
                break
            left = wait if frame.until is None else max(0.0, frame.until - frame.io.now())
            await frame.io.sleep(min(wait, left))
            wait = min(wait * 1.5, max(_LONGEST, via.every))
    except BaseException as error:
        kept = f"via=ProviderBatch({str(via.file)!r})" if via.file is not None else f"via=ProviderBatch(ids=({id!r},))"
        error.add_note(f"  the batch {id} goes on at the provider; wait for it again with {kept}")
        raise
    if state.error is not None:
        raise ServerError(f"the batch {id} ended as {state.word}: {state.error}", cure="mend it, and hand it in anew")
    return state


def provider_batched(chain: Chain[Any, Any], via: Any, *, keep: bool) -> ProviderBatched:
    """The chain that does it. Raises CompositionError for a `via` that there is not, or a chain without a model."""
    if via == "provider-batch":
        via = ProviderBatch()
    if not isinstance(via, ProviderBatch):
        raise CompositionError(f"via={via!r:.60} is neither 'calls', 'provider-batch' nor a ProviderBatch")
    ending(chain, "a provider's batch")
    return ProviderBatched(chain, via, keep)
