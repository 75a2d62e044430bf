"""A prompt made ready: templates parsed, names compared, types prepared. `render` does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainkit.errors import PromptError
from chainkit.messages import Media, Message, Messages
from chainkit.prompts.attachments import as_media
from chainkit.prompts.declared import compare
from chainkit.prompts.fitting import Fit
from chainkit.prompts.parts import ExamplesPart, HistoryPart, MediaPart, PromptPart, Row, Spot, TurnPart, as_rows
from chainkit.prompts.reading import Read, Reader, Values, reader_for
from chainkit.prompts.sandbox import Sandbox
from chainkit.prompts.source import Source
from chainkit.prompts.template import Parsed, Template
from chainkit.prompts.turns import as_turns
from chainkit.prompts.variables import MISSING, Variable
from chainkit.prompts.words import shown
from chainkit.prompts.writers import FewShot, Fixed, Mixed, Remembered, Spoken, Writer

_NO_PLACE = (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class _Filled:
    """A place that a variable fills whole: what made it, the type it has then, and how it is checked."""

    part: HistoryPart | MediaPart | ExamplesPart
    type: Any
    fit: Fit


class CompiledPrompt:
    """`render(given)` gives the messages. Raises PromptError when made for whatever can be known then."""

    def __init__(
        self,
        parts: Sequence[PromptPart],
        declared: Iterable[Variable],
        *,
        kind: Any = None,
        partials: Mapping[str, str] | None = None,
        max_chars: int,
    ) -> None:
        self._jinja = Sandbox(partials)
        self._max_chars = max_chars
        self._places = _places(parts)
        self.variables = self._with_places({v.name: v for v in declared}, kind)
        self._partials = {
            n: Parsed(Source(t, Spot(f"partial {n!r}")), self._jinja) for n, t in (partials or {}).items()
        }
        self.writers = self._checked_writers(parts)
        self._fits = {name: place.fit for name, place in self._places.items()}
        self.variables |= self._defaults()
        self._read: Read = reader_for(kind, self.variables.values(), self._fits)
        self._write = tuple(w.write for w in self.writers)

    def render(self, given: Any) -> Messages:
        """The messages for these values. Raises PromptError for missing, extra and misfitting ones."""
        values = self._read(given)
        found: list[Message] = []
        for write in self._write:
            write(values, found)
        return Messages(found)

    def fitted(self, given: Mapping[str, Any]) -> Values:
        """Some of the variables' values, checked."""
        return Reader((self.variables[n] for n in given), self._fits).read(given)

    def _defaults(self) -> dict[str, Variable]:
        """The variables that have a default, with it checked."""
        held = {n: v for n, v in self.variables.items() if v.default is not MISSING}
        fitted = self.fitted({n: v.default for n, v in held.items()})
        return {n: replace(v, default=fitted[n]) for n, v in held.items()}

    def _with_places(self, declared: dict[str, Variable], kind: Any) -> dict[str, Variable]:
        """The declared variables and those that the places themselves declare."""
        for name, place in self._places.items():
            known = declared.get(name)
            if known is None and kind is not None:
                raise PromptError(f"{_shown(place.part)} needs a field {name!r} in {kind.__name__}")
            if known is not None and known.type in _NO_PLACE and not isinstance(place.part, MediaPart):
                msg = f"{_shown(place.part)} needs {shown(place.type)}, and {name!r} is declared as {shown(known.type)}"
                raise PromptError(msg)
        return {**declared, **{n: Variable(n, p.type) for n, p in self._places.items() if n not in declared}}

    def _checked_writers(self, parts: Sequence[PromptPart]) -> tuple[Writer, ...]:
        parsed = [dict(self._parsed(i, part)) for i, part in enumerate(parts, 1)]
        types = {n: v.type for n, v in self.variables.items()} | {n: p.type for n, p in self._places.items()}
        templates = [
            p for part, found in zip(parts, parsed, strict=True) if isinstance(part, TurnPart) for p in found.values()
        ]
        compare(templates, self._partials, types, self._places, self._jinja.globals)
        return tuple(self._writer(part, found) for part, found in zip(parts, parsed, strict=True))

    def _parsed(self, number: int, part: PromptPart) -> Iterator[tuple[int, Parsed]]:
        """The templates of a part, by their place in it."""
        if isinstance(part, TurnPart):
            texts = [(i, c, f"part {number} ({part.role})") for i, c in enumerate(part.contents) if isinstance(c, str)]
        elif isinstance(part, ExamplesPart):
            texts = [
                (0, part.input, f"part {number} (examples, input)"),
                (1, part.output, f"part {number} (examples, output)"),
            ]
        else:
            return
        for index, text, label in texts:
            spot = part.spots[index] if part.spots else Spot(label)
            yield index, Parsed(Source(text, spot), self._jinja)

    def _writer(self, part: PromptPart, parsed: dict[int, Parsed]) -> Writer:
        if isinstance(part, Message):
            return Fixed(part)
        if isinstance(part, HistoryPart):
            return Remembered(part)
        if isinstance(part, ExamplesPart):
            return self._few_shot(part, parsed)
        return self._turn(part, {i: self._template(p) for i, p in parsed.items()})

    def _template(self, parsed: Parsed) -> Template:
        return Template(parsed, self._jinja, self._max_chars, {n: p.source for n, p in self._partials.items()})

    def _turn(self, part: TurnPart, templates: dict[int, Template]) -> Writer:
        contents = [templates.get(i, c) for i, c in enumerate(part.contents)]
        if len(contents) > 1 or not templates:
            return Mixed(part.role, contents)  # type: ignore[arg-type]
        writer = Spoken(part.role, templates[0])
        return _settled(writer) if templates[0].fixed is not None else writer

    def _few_shot(self, part: ExamplesPart, parsed: dict[int, Parsed]) -> Writer:
        rows: list[Row] = list(part.rows or ())
        for template in parsed.values():
            if template.partials:
                raise PromptError(f"examples cannot include partials\n{template.source.show(1)}")
        if part.rows is not None:
            keys = {k: Any for row in rows for k in row}
            used = {k: t for k, t in keys.items() if any(k in p.names for p in parsed.values())}
            compare(list(parsed.values()), {}, used or keys, (), self._jinja.globals)
            for index, row in enumerate(rows):
                if missing := sorted(used.keys() - row.keys()):
                    raise PromptError(f"example {index} has no {', '.join(map(repr, missing))}")
        return FewShot(part, self._template(parsed[0]), self._template(parsed[1]))


def _settled(writer: Writer) -> Writer:
    """A writer without variables, done once."""
    found: list[Message] = []
    writer.write({}, found)
    return Fixed(found[0]) if found else writer


def _places(parts: Sequence[PromptPart]) -> dict[str, _Filled]:
    found: dict[str, _Filled] = {}
    for place in map(_filled, _open_parts(parts)):
        name = place.part.name or ""
        if name in found and type(found[name].part) is not type(place.part):
            raise PromptError(f"{name!r} cannot be both {_shown(found[name].part)} and {_shown(place.part)}")
        found[name] = place
    return found


def _open_parts(parts: Sequence[PromptPart]) -> Iterator[HistoryPart | MediaPart | ExamplesPart]:
    for part in parts:
        if isinstance(part, TurnPart):
            yield from (c for c in part.contents if isinstance(c, MediaPart))
        elif isinstance(part, HistoryPart) or (isinstance(part, ExamplesPart) and part.name is not None):
            yield part


def _filled(part: HistoryPart | MediaPart | ExamplesPart) -> _Filled:
    if isinstance(part, HistoryPart):
        return _Filled(part, Sequence[Message], as_turns)
    if isinstance(part, MediaPart):
        return _Filled(part, Media, lambda value: as_media(value, part.kind))
    return _Filled(part, Sequence[Mapping[str, Any]], as_rows)


def _shown(part: HistoryPart | MediaPart | ExamplesPart) -> str:
    word = {HistoryPart: "history", MediaPart: "media", ExamplesPart: "examples"}[type(part)]
    return f"{word}({part.name!r})"
