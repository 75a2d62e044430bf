"""Scenarios for embedders and rerankers: the order is kept, many texts are split, usage adds up, refusals are ours.

An adapter is told to the suite with two small functions: which texts a request asks about, and what a vendor answers.

    VECTORS = conformance.embedder("acme:e1", texts=lambda asked: asked["input"],
        answer=lambda vectors, tokens: {"data": vectors, "used": tokens})

    @pytest.mark.parametrize("case", conformance(VECTORS), ids=str)
    def test_acme_embeds(case):
        case.check()
"""
# ruff: noqa: D103

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from chainkit.errors import AuthenticationError, BadRequest, ChainkitError, RateLimited, ReplyMalformed, ServerError
from chainkit.run.run import Run
from chainkit.testing import faults
from chainkit.testing.server import FaultServer
from chainkit.testing.talking import KEY, secret_free

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.models.rerank import Ranked
    from chainkit.testing.faults import Seen, Told

_MANY = 2500
"""Texts: more than most services take in one request."""
_WORDS = ["eins", "zwölf", "ein ganzer Satz 🎭", "o"]


@dataclass(frozen=True)
class Tasks:
    """An adapter of a task under test. `tokens_told` says whether its service counts tokens at all."""

    kind: Literal["embed", "rerank"]
    make: Callable[..., Chain[Any, Any]]
    texts: Callable[[Any], Sequence[str]]
    answer: Callable[..., Any]
    name: str
    refusal: Callable[[int, str], Any]
    tokens_told: bool = True
    fixed: dict[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return self.name

    def cases(self) -> list[TaskCase]:
        """The cases of its kind."""
        return [TaskCase(self, check) for kinds, check in _SCENARIOS if self.kind in kinds]

    def good(self, seen: Seen) -> Told:
        """The right answer to what was asked: about each text, something that only it can have."""
        texts = list(self.texts(seen.json))
        marks = [mark(t) for t in texts]
        if self.kind == "embed":
            told = self.answer(marks, len(texts))
        else:
            ranked = sorted(((i, m[0]) for i, m in enumerate(marks)), key=lambda pair: -pair[1])
            told = self.answer(ranked, len(texts))
        return faults.raw(json.dumps(told))(seen)

    def asked(self, texts: Sequence[str]) -> Any:
        """The chain's input."""
        return list(texts) if self.kind == "embed" else {"query": "which?", "documents": list(texts)}

    def chain(self, server: FaultServer, **options: Any) -> Chain[Any, Any]:
        """Its model, asking that server."""
        return self.make(server.url, **{**self.fixed, **options})


def mark(text: str) -> list[float]:
    """A vector of a text: another for each text that the suite asks about."""
    told = text.encode()
    return [len(told) / 64, (sum(told) % 251) / 256, (sum(i * b for i, b in enumerate(told)) % 127) / 128]


@dataclass(frozen=True)
class TaskCase:
    """One scenario for one adapter."""

    subject: Tasks
    scenario: Callable[[Tasks], None]

    def __str__(self) -> str:
        return self.scenario.__name__.replace("_", " ")

    def check(self) -> None:
        """Run it. Raises AssertionError, or what the adapter raised."""
        self.scenario(self.subject)


def _refused(status: int, message: str) -> Any:
    return {"error": {"message": message}}


def _maker(make: Callable[..., Any], spec: str, under: str) -> Callable[..., Chain[Any, Any]]:
    def made(base_url: str, **options: Any) -> Chain[Any, Any]:
        told: dict[str, Any] = {"api_key": KEY, **options}
        return make(spec, base_url=base_url + under, **told)

    return made


def embedder(
    spec: str,
    *,
    texts: Callable[[Any], Sequence[str]],
    answer: Callable[[list[list[float]], int], Any],
    under: str = "",
    refusal: Callable[[int, str], Any] = _refused,
    tokens_told: bool = True,
    **fixed: Any,
) -> Tasks:
    """An embedder under test: `texts(asked)` reads the texts of a request, `answer(vectors, tokens)` writes the answer."""
    from chainkit.models.embed import embedder as make

    return Tasks("embed", _maker(make, spec, under), texts, answer, spec, refusal, tokens_told, fixed)


def reranker(
    spec: str,
    *,
    texts: Callable[[Any], Sequence[str]],
    answer: Callable[[list[tuple[int, float]], int], Any],
    under: str = "",
    refusal: Callable[[int, str], Any] = _refused,
    tokens_told: bool = True,
    **fixed: Any,
) -> Tasks:
    """A reranker under test: `answer(ranked, tokens)` writes the answer of (index, score) pairs, the best first."""
    from chainkit.models.rerank import reranker as make

    return Tasks("rerank", _maker(make, spec, under), texts, answer, spec, refusal, tokens_told, fixed)


_SCENARIOS: list[tuple[tuple[str, ...], Callable[[Tasks], None]]] = []


def _scenario(*kinds: str) -> Callable[[Callable[[Tasks], None]], Callable[[Tasks], None]]:
    def put(check: Callable[[Tasks], None]) -> Callable[[Tasks], None]:
        _SCENARIOS.append((kinds or ("embed", "rerank"), check))
        return check

    return put


def _near(found: Sequence[float], told: Sequence[float]) -> bool:
    return all(abs(a - b) < 1e-4 for a, b in zip(found, told, strict=True))


# All goes well.


@_scenario("embed")
def vectors_stand_in_the_order_of_their_texts(subject: Tasks) -> None:
    with FaultServer(subject.good) as server:
        found = subject.chain(server).invoke(_WORDS)
        assert len(found) == len(_WORDS)
        assert all(_near(found[i], mark(w)) for i, w in enumerate(_WORDS))


@_scenario("embed")
def one_text_has_one_vector(subject: Tasks) -> None:
    with FaultServer(subject.good) as server:
        assert _near(subject.chain(server).invoke("zwölf").vector, mark("zwölf"))


@_scenario("embed")
def many_texts_are_split_and_stay_in_order(subject: Tasks) -> None:
    texts = [f"text {i}" for i in range(_MANY)]
    with FaultServer(subject.good) as server:
        found = subject.chain(server).invoke(texts)
        assert len(found) == _MANY
        assert all(_near(found[i], mark(t)) for i, t in enumerate(texts))
        if subject.tokens_told:
            assert found.usage.input == _MANY
        assert sum(len(subject.texts(seen.json)) for seen in server.requests) == _MANY


@_scenario("rerank")
def the_best_comes_first_with_its_own_place(subject: Tasks) -> None:
    with FaultServer(subject.good) as server:
        found: list[Ranked] = list(subject.chain(server).invoke(subject.asked(_WORDS)))
        assert [r.document for r in found] == sorted(_WORDS, key=lambda w: -mark(w)[0])
        assert all(_WORDS[r.index] == r.document for r in found)


@_scenario()
def nothing_asks_nothing(subject: Tasks) -> None:
    with FaultServer(subject.good) as server:
        assert len(subject.chain(server).invoke(subject.asked([]))) == 0
        assert server.requests == []


@_scenario()
def usage_stands_in_answer_and_run(subject: Tasks) -> None:
    with FaultServer(subject.good) as server:
        run = Run()
        found = subject.chain(server).invoke(subject.asked(_WORDS), run=run)
        assert found.usage == run.usage
        if subject.tokens_told and subject.kind == "embed":
            assert found.usage.input == len(_WORDS)


@_scenario()
def all_ways_to_ask_agree(subject: Tasks) -> None:
    with FaultServer(subject.good, seed=3) as server:
        chain, value = subject.chain(server), subject.asked(_WORDS)
        told = [chain.invoke(value), asyncio.run(chain.ainvoke(value)), chain.batch([value])[0]]
        assert all(repr(list(t)) == repr(list(told[0])) for t in told)


@_scenario()
def what_is_shown_before_is_what_is_sent(subject: Tasks) -> None:
    with FaultServer(subject.good) as server:
        chain, value = subject.chain(server), subject.asked(_WORDS)
        (shown,) = chain.render(value)
        assert server.requests == []
        chain.invoke(value)
        assert shown.body == server.requests[0].json
        secret_free(shown)


# Something fails.


def _fails(subject: Tasks, kind: Any, *turns: Any, attempts: int = 3) -> int:
    """How many requests it took until that error was raised."""
    with FaultServer(turns) as server:
        run = Run()
        try:
            value = subject.chain(server, attempts=attempts).invoke(subject.asked(_WORDS), run=run)
        except kind as error:
            secret_free(error, *run.rows)
            return len(server.requests)
        raise AssertionError(f"it gave {value!r} and should have raised {kind}")


def _told(subject: Tasks, status: int, message: str, **headers: str) -> Any:
    return faults.raw(json.dumps(subject.refusal(status, message)), status=status, headers=headers)


@_scenario()
def a_wrong_key_is_said_once_and_never_shown(subject: Tasks) -> None:
    assert _fails(subject, AuthenticationError, _told(subject, 401, f"wrong key {KEY}")) == 1


@_scenario()
def a_bad_request_is_not_sent_again(subject: Tasks) -> None:
    assert _fails(subject, BadRequest, _told(subject, 400, "no such field")) == 1


@_scenario()
def a_rate_limit_and_an_overload_are_waited_for(subject: Tasks) -> None:
    busy = [_told(subject, status, "later", **{"retry-after": "0"}) for status in (429, 503)]
    with FaultServer([*busy, subject.good]) as server:
        assert len(subject.chain(server).invoke(subject.asked(_WORDS))) == len(_WORDS)
        assert len(server.requests) == 3
    assert _fails(subject, (RateLimited, ServerError), busy[0], attempts=2) == 2


@_scenario()
def what_is_no_answer_is_malformed(subject: Tasks) -> None:
    for body in ("{'no': json", "[]", '"hi"', "{}", "null", ""):
        _fails(subject, ReplyMalformed, faults.raw(body), attempts=1)


@_scenario("embed")
def fewer_vectors_than_texts_are_no_answer(subject: Tasks) -> None:
    _fails(subject, ReplyMalformed, faults.raw(json.dumps(subject.answer([mark("a")], 1))), attempts=1)


@_scenario()
def a_cut_answer_is_an_error(subject: Tasks) -> None:
    _fails(subject, ChainkitError, faults.cut(subject.good, after=5), attempts=1)
