"""From what a model answered to the value asked for: strict where it can be, lenient only where there is one reading.

No text is mended: broken JSON, and JSON that may mean two things, raise OutputError, and asking again is the cure.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from chainkit.errors import OutputError
from chainkit.output.find import FENCE, found, without_thinking
from chainkit.output.problems import Misfit, is_wrapper, output_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chainkit.messages import ToolCall
    from chainkit.output.schema import Shape
    from chainkit.output.strategy import Way

T = TypeVar("T")

_DRESS = re.compile(r"""(\*\*|__|[*_`"'])(.+)\1|[“„](.+)[”“]|«(.+)»|(.+)[.!]""", re.DOTALL)


def read(way: Way[T], text: str, calls: Sequence[ToolCall] = ()) -> T:
    """The value in a reply: in the call of the forced tool, else in the text.

    Raises OutputError, with what was said, where it does not fit or could mean more than one value.
    """
    named = [c for c in calls if c.name == way.name] if way.mode == "tool" else []
    if not named:
        return read_text(way.shape, text, bare=way.bare)
    if any((c.arguments, c.raw) != (named[0].arguments, named[0].raw) for c in named):
        said = "\n".join(c.raw or json.dumps(c.arguments, default=dict) for c in named)
        raise output_error(f"{way.name} was called {len(named)} times with different arguments: once is wanted", said)
    return read_call(way.shape, named[0])


def read_call(shape: Shape[T], call: ToolCall) -> T:
    """The value in the arguments of a tool call; where these came as unparsed text, in that."""
    if call.raw is not None:
        return read_text(shape, call.raw)
    return shape.validate(call.arguments)


def read_text(shape: Shape[T], text: str, *, bare: bool = False) -> T:
    """The value in a text: all of it, the JSON in its fences or prose, or, where `bare`, the bare word."""
    if bare and shape.vocabulary.free:
        return _as_text(shape, text)
    worded = bare and shape.vocabulary.worded
    try:
        return _either_form(shape, text, bare=bare)
    except Misfit as misfit:
        if misfit.syntax is None and not worded:
            raise shape.error(misfit, text) from None
    if worded:
        return _as_word(shape, text)
    return _in_prose(shape, text, bare=bare)


def _either_form(shape: Shape[T], json_text: str, *, bare: bool) -> T:
    """As asked for; else in the other form, wrapped or bare, where the one cannot be the other."""
    try:
        return shape.read(json_text, bare=bare)
    except Misfit as misfit:
        if not shape.wrapped or misfit.syntax is not None or is_wrapper(json.loads(json_text)) is not bare:
            raise
        try:
            return shape.read(json_text, bare=not bare)
        except Misfit:
            raise misfit from None


def _in_prose(shape: Shape[T], text: str, *, bare: bool) -> T:
    candidates = found(text)
    fitting: dict[str, T] = {}
    misfits: list[tuple[int, Misfit]] = []
    for candidate in candidates:
        try:
            value = _either_form(shape, candidate, bare=bare)
        except Misfit as misfit:
            misfits.append((len(candidate), misfit))
        else:
            fitting.setdefault(json.dumps(json.loads(candidate), sort_keys=True), value)
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if fitting:
        many = f"the answer holds {len(fitting)} different values that fit {shape.name}: one is wanted"
        raise output_error(many, text)
    if misfits:
        raise shape.error(max(misfits, key=lambda m: m[0])[1], text)
    raise _nothing(shape, text)


def _nothing(shape: Shape[Any], text: str) -> OutputError:
    answer = without_thinking(text).strip()
    if not answer:
        return output_error("the answer is empty", text)
    start = re.search(r"[{\[]", answer)
    if start:
        try:
            shape.read(answer[start.start() : _last_closer(answer)], bare=True)
        except Misfit as misfit:
            if misfit.syntax is not None:
                return shape.error(misfit, text)
    return output_error(f"the answer holds no JSON that can be read as {shape.name}", text)


def _last_closer(answer: str) -> int:
    """Where the last bracket closes; the end of the text where the JSON was cut before one."""
    end = 1 + max(answer.rfind("}"), answer.rfind("]"))
    return end if re.search(r"[{\[]", answer[:end]) else len(answer)


def _as_text(shape: Shape[T], text: str) -> T:
    try:
        return shape.read(json.dumps(without_thinking(text).strip()), bare=True)
    except Misfit as misfit:
        raise shape.error(misfit, text) from None


def _as_word(shape: Shape[T], text: str) -> T:
    """One word, number or date, however it is dressed up; a sentence that holds one is not read."""
    answer = without_thinking(text).strip()
    fence = FENCE.fullmatch(answer)
    misfits: list[Misfit] = []
    for form in _undressed(fence[2].strip() if fence else answer):
        try:
            return _word(shape, form)
        except Misfit as misfit:
            misfits.append(misfit)
    try:
        return _in_prose(shape, text, bare=True)
    except OutputError as error:
        raise (shape.error(misfits[0], text) if misfits else error) from None


def _undressed(answer: str) -> Iterator[str]:
    while answer:
        yield answer
        dress = _DRESS.fullmatch(answer)
        answer = next(g for g in dress.groups()[1:] if g is not None).strip() if dress else ""


def _word(shape: Shape[T], form: str) -> T:
    words = shape.vocabulary
    try:
        return shape.read(json.dumps(words.option(form)), bare=True)
    except KeyError:
        return shape.read(json.dumps(form), bare=True)
