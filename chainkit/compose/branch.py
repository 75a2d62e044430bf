"""One of several chains, chosen by the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chainkit.chain import Chain
from chainkit.compose.coerce import as_chain
from chainkit.compose.meet import common, spelled
from chainkit.errors import CompositionError, OutputError, did_you_mean
from chainkit.messages import counted_text

if TYPE_CHECKING:
    from chainkit.chain import Step
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

A = TypeVar("A")


@dataclass(frozen=True, repr=False)
class Branch(Chain[Any, Any]):
    """A chain that names an arm, and the arms by name; `otherwise` where no arm has that name."""

    chooser: Chain[Any, Any]
    names: tuple[Any, ...]
    arms: tuple[Chain[Any, Any], ...]
    otherwise: Chain[Any, Any] | None
    word: str = "branch"
    at_least: float | None = None

    @property
    def in_type(self) -> Any:
        return common([self.chooser.in_type, *(a.in_type for a in self._all)])

    @property
    def out_type(self) -> Any:
        kinds = {a.out_type for a in self._all}
        return kinds.pop() if len(kinds) == 1 else Any

    @property
    def label(self) -> str:
        return self.word

    @property
    def instant(self) -> bool:
        return self.chooser.instant and all(a.instant for a in self._all)

    @property
    def _all(self) -> tuple[Chain[Any, Any], ...]:
        return self.arms if self.otherwise is None else (*self.arms, self.otherwise)

    def parts(self) -> tuple[tuple[str, Chain[Any, Any]], ...]:
        names = [str(n) for n in self.names] + ([] if self.otherwise is None else ["otherwise"])
        return (("choose", self.chooser), *zip(names, self._all, strict=True))

    def groups(self) -> tuple[int, ...]:
        return (1, len(self._all))

    def compile(self, place: Place) -> Core:
        (word, chooser), *arms = self.parts()
        choose = place.compile(chooser, f"{word} > {chooser.label}" if chooser.label else word)
        cores = [place.compile(a, f"{n} > {a.label}" if a.label else n, tail=True) for n, a in arms]
        table = dict(zip(self.names, cores, strict=False))
        otherwise = cores[-1] if self.otherwise is not None else None

        async def run(frame: Frame, value: Any) -> Any:
            said = await choose(frame, value)
            choice = _plain(said)
            sure = self.at_least is None or _score(said) >= self.at_least
            core = table.get(choice, otherwise) if sure else otherwise
            if core is None:
                raise _no_arm(choice, self.names) if sure else _unsure(said, choice, self.at_least)
            return await core(frame, value)

        return run


def _plain(choice: Any) -> Any:
    """What a chooser chose: a reply or a verdict counts as its text or value."""
    if hasattr(choice, "ballots"):
        choice = choice.value
    text = counted_text(choice)
    return choice if text is None else text.strip()


def _score(said: Any) -> float:
    """How sure a chooser is: a verdict's agreement, a classification's score."""
    found = getattr(said, "agreement", getattr(said, "score", None))
    if isinstance(found, int | float):
        return float(found)
    msg = f"route(at_least=) needs a score, and the router gave only {said!r:.60}"
    raise OutputError(msg, cure="choose with a classifier(...) or an ensemble, or leave at_least= out")


def _unsure(said: Any, choice: Any, at_least: float | None) -> CompositionError:
    scores: Mapping[Any, float] = getattr(said, "scores", None) or {choice: _score(said)}
    told = ", ".join(f"{name} {score:.2f}" for name, score in list(scores.items())[:5])
    msg = f"the router is not sure enough: {told}, and at_least={at_least:g} is wanted"
    return CompositionError(msg, cure="give otherwise=, or lower at_least=")


def _no_arm(choice: Any, names: tuple[Any, ...]) -> CompositionError:
    msg = f"no arm is named {choice!r:.60}"
    if choice is None:
        msg = "the router named no arm"
        return CompositionError(msg, cure="give otherwise=, for what fits none of them")
    near = did_you_mean(str(choice), [str(n) for n in names])
    return CompositionError(msg, cure=f"{near}; or give otherwise=")


def branch(when: Callable[[A], object], then: Step[A], otherwise: Step[A] | None = None) -> Chain[A, Any]:
    """`then` where `when(value)` is true, else `otherwise` (the value unchanged where that is left out)."""
    from chainkit.compose.step import Identity, step

    test = step(Truth(when), inline=False, name="when")
    chains = tuple(as_chain(c) if c is not None else Identity() for c in (then, otherwise))
    return _agreed(Branch(test, (True, False), chains, None))


@dataclass(frozen=True)
class Truth:
    """A condition as true or false, under a name that a dump can hold."""

    when: Callable[[Any], object]

    def __call__(self, value: Any) -> bool:
        return bool(self.when(value))


def route(
    chooser: Step[A],
    arms: Mapping[Any, Step[A]],
    *,
    otherwise: Step[A] | None = None,
    about: Mapping[str, str] | None = None,
    at_least: float | None = None,
) -> Chain[A, Any]:
    """The arm that `chooser` names for the value; `otherwise` where it names none of them.

    A function or a chain gives the name: a rule, a classifier, `by_meaning(embedder, examples)`. A plain model (a string,
    or `model(...)` without output) is asked which arm fits and held to their names; `about` describes them to it.
    A classification whose score is below `at_least` (0 to 1), or a verdict whose agreement is, goes `otherwise`. Raises
    CompositionError, also when it is called, where there is no `otherwise` to go to.
    """
    if not arms:
        msg = "route() needs at least one arm"
        raise CompositionError(msg)
    rest = None if otherwise is None else as_chain(otherwise)
    chains = tuple(as_chain(a) for a in arms.values())
    choose = as_chain(chooser)
    _suited(choose, tuple(arms), at_least, rest)
    return _agreed(Branch(_chooser(choose, tuple(arms), about), tuple(arms), chains, rest, "route", at_least))


def _suited(
    chooser: Chain[Any, Any], names: tuple[Any, ...], at_least: float | None, rest: Chain[Any, Any] | None
) -> None:
    """Refuse, before anything is asked, a chooser that would name what is no arm, or gives no score where one is wanted."""
    from chainkit.compose.routing import Meaning

    if at_least is not None:
        if not 0 <= at_least <= 1:
            msg = f"route(at_least={at_least}): it must be from 0 to 1"
            raise CompositionError(msg)
        if isinstance(chooser, Meaning):
            msg = "route(at_least=) is for a classifier's score or a verdict's agreement"
            raise CompositionError(msg, cure="give it to the router: by_meaning(..., at_least=)")
        if getattr(chooser, "output", False) is None:
            msg = f"`{chooser.label}` names an arm, and gives no score for route(at_least=)"
            raise CompositionError(
                msg, cure="choose with a classifier(...), or ask several: ensemble(..., combine=vote())"
            )
    if isinstance(chooser, Meaning) and rest is None:
        strange = next((n for n in chooser.names if n not in names), None)
        if strange is not None:
            raise _no_arm(strange, names)


def _chooser(chooser: Chain[Any, Any], names: tuple[Any, ...], about: Mapping[str, str] | None) -> Chain[Any, Any]:
    from chainkit.models.chat import ChatModel

    if isinstance(chooser, ChatModel) and chooser.output is None:
        from chainkit.compose.routing import choosing

        return choosing(chooser, names, about)
    if about is not None:
        msg = "route(about=) describes the arms to a model, and the chooser is none"
        raise CompositionError(msg, cure="leave about= out, or choose with a model")
    return chooser


def _agreed(chain: Branch) -> Branch:
    if chain.in_type is None:
        kinds = ", ".join(f"`{w}` takes {spelled(c.in_type)}" for w, c in chain.parts())
        msg = f"no value can be the input of all arms: {kinds}"
        raise CompositionError(msg, cure="put a step before an arm that turns the common input into its own")
    return chain
