"""How a combiner puts a question and its answers before a model: as marked data, never as a template.

And how it asks several at once, tolerates those that fail, and turns scores into a decision.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from chainkit.ensembles.combine import Decision, by_weight
from chainkit.ensembles.poll import over
from chainkit.errors import EnsembleError
from chainkit.messages import Messages as _Messages
from chainkit.messages import as_messages, message

if TYPE_CHECKING:
    from chainkit.chain import Chain
    from chainkit.ensembles.verdict import Ballot, Group
    from chainkit.messages import Messages
    from chainkit.place import Place
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame
    from chainkit.run.io.protocol import Job

Ask: TypeAlias = "Callable[[Frame, str, Messages, Any], Awaitable[Any]]"
"""(frame, where it stands among the questions, what is asked, the type that is wanted) to what is said."""

LONGEST = 20_000
"""Characters of one answer that a combiner's model is shown."""


def put(instruction: str, question: Any, ballots: Sequence[Ballot[Any]], ending: str) -> Messages:
    """The instruction, the question, the answers by number, and what to answer."""
    answers = "\n\n".join(
        f"<answer number={number}>\n{spelled(ballot.value)}\n</answer>" for number, ballot in enumerate(ballots, 1)
    )
    text = f"<question>\n{spelled(question)}\n</question>\n\n{answers}\n\n{ending}"
    return _Messages((message("system", instruction), message("user", text)))


def spelled(value: Any) -> str:
    """A value as text for a model: messages as a transcript, data as JSON."""
    messages = as_messages(value)
    if messages is not None:
        users = [m for m in messages if m.role == "user"]
        text = users[0].text if len(messages) == 1 or len(users) == 1 == len(messages) else str(messages)
    elif hasattr(value, "model_dump_json"):
        text = value.model_dump_json()
    elif isinstance(value, Mapping | list | tuple):
        import json

        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + " […]"


def asker(by: Chain[Any, Any], place: Place) -> Ask:
    """How `by` is asked: each time at a place of its own, and a plain model for a value of the type that is wanted."""
    from chainkit.models.chat import ChatModel

    cores: dict[Any, Core] = {}

    async def ask(frame: Frame, where: str, question: Messages, kind: Any) -> Any:
        if kind not in cores:
            plain = isinstance(by, ChatModel) and by.output is None
            cores[kind] = place.numbered(by.asking(kind) if plain else by)  # type: ignore[attr-defined]
        return await cores[kind](within(frame, place, where), question)

    return ask


def within(frame: Frame, place: Place, where: str) -> Frame:
    """The frame of one of several questions: nobody listens, and its rows and errors tell which one it is."""
    path = " > ".join(p for p in (place.path, where) if p)
    return frame.quiet().child(prefix=f"{frame.prefix}{path} > " if path else frame.prefix)


async def at_once(frame: Frame, jobs: Sequence[Job]) -> list[Any]:
    """All of them side by side, each its value or its error. Only a run whose time is over raises."""

    def tolerant(job: Job) -> Job:
        async def run(inside: Frame) -> Any:
            try:
                return await job(inside)
            except Exception as error:
                if over(error, inside):
                    raise
                return error

        return run

    if len(jobs) == 1:
        return [await tolerant(jobs[0])(frame)]
    return await frame.gather([tolerant(job) for job in jobs])


def nobody(errors: Sequence[Exception], who: str) -> Exception:
    """What is raised where none of those that were asked gave anything: the one error, or one that holds them all."""
    if len(errors) == 1:
        return errors[0]
    said = "\n".join(f"    {failed(error)}" for error in errors)
    found = EnsembleError(f"none of {len(errors)} {who} gave anything usable:\n{said}", cure="see the errors above")
    found.spent = all(getattr(e, "spent", False) for e in errors)
    found.__cause__ = errors[0]
    return found


def failed(error: Exception) -> str:
    """An error in one line."""
    lines = (getattr(error, "message", None) or str(error)).splitlines()
    return f"failed ({type(error).__name__}: {lines[0] if lines else ''})"


def distinct(ballots: Sequence[Ballot[Any]]) -> list[tuple[Group[Any], Ballot[Any]]]:
    """The different answers, each with its first ballot: the largest group first, then in member order."""
    valid = [b for b in ballots if b.valid]
    return [(g, next(b for b in valid if b.value is g.value and b.member == g.members[0])) for g in by_weight(valid)]


def decided(
    ballots: Sequence[Ballot[Any]],
    answers: Sequence[tuple[Group[Any], Ballot[Any]]],
    scores: Sequence[float | None],
    reason: str,
    first: int | None = None,
) -> Decision:
    """The best answer by those scores, the others after it. Scores that are alike stand in the order of `answers`.

    They are written on the ballots; `first` is the number of the answer that wins whatever its score.
    """
    found = [-math.inf if s is None else round(s, 9) for s in scores]
    order = sorted(range(len(answers)), key=lambda i: (i != first, -found[i]))
    groups = tuple(answers[i][0] for i in order)
    of = {shown.key: score for (_, shown), score in zip(answers, scores, strict=True)}
    marked = tuple(replace(b, score=of[b.key]) if b.valid else b for b in ballots)
    return Decision(groups[0].value, groups, reason, ballots=marked)
