"""The parts of a prompt as sections of a file, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chainkit.errors import CompositionError, PromptError, did_you_mean
from chainkit.messages import ROLES
from chainkit.prompts.data import Data
from chainkit.prompts.parts import Spot
from chainkit.prompts.sections import Section

_KINDS = ("system", "user", "assistant", "text", "media", "history", "examples", "input", "output")
_OPTIONS = {"history": ("last",), "media": ("kind",), "examples": ("k", "select")}


def parts_of(
    found: Sequence[Section], front: Mapping[str, Any], where: str
) -> tuple[list[Data], list[tuple[Spot, ...]], set[str]]:
    """The parts as data, where each text was written, and the keys of the front matter that hold examples."""
    reading = _Reading(front, where)
    for section in found:
        reading.take(section)
    if not reading.parts:
        raise PromptError(f"{where}: the file holds no message", cure="+++ user")
    return reading.parts, [tuple(s) for s in reading.spots], reading.tables


class _Reading:
    """Takes the sections one by one; some belong to the part before them."""

    def __init__(self, front: Mapping[str, Any], where: str) -> None:
        self.front = front
        self.where = where
        self.parts: list[Data] = []
        self.spots: list[list[Spot]] = []
        self.tables: set[str] = set()

    def take(self, section: Section) -> None:
        kind = section.words[0]
        for option in section.options:
            if option not in (*_OPTIONS.get(kind, ()), *(("name",) if "fixed" in section.words else ())):
                raise self.error(section, f"{kind!r} has no option {option!r}", _OPTIONS.get(kind, ()))
        if kind in ROLES:
            self._message(section)
        elif kind in ("text", "media"):
            self._content(section)
        elif kind in ("input", "output"):
            self._example_side(section)
        elif kind == "history":
            self._add({"history": self._argument(section), **_numbers(section.options)})
        elif kind == "examples":
            self._examples(section)
        else:
            raise self.error(section, f"no section is called {kind!r}", _KINDS)

    def error(self, section: Section, said: str, known: Sequence[str] = ()) -> PromptError:
        return PromptError(f"{self.where}, line {section.line}: {said}", cure=did_you_mean(section.words[0], known))

    def _add(self, part: Data, spots: Sequence[Spot] = ()) -> None:
        self.parts.append(part)
        self.spots.append(list(spots))

    def _message(self, section: Section) -> None:
        fixed = {"fixed": True, **section.options} if "fixed" in section.words else {}
        self._add({"role": section.words[0], "contents": [], **fixed})
        self._text(section)

    def _content(self, section: Section) -> None:
        if not self.parts or "contents" not in self.parts[-1]:
            raise self.error(section, f"{section.words[0]!r} belongs into a message, and none stands before it")
        if section.words[0] == "media":
            self._put({"media": self._argument(section), **section.options}, section)
        self._text(section)

    def _text(self, section: Section) -> None:
        if section.text or section.exact:
            self._put({"text": section.text} if "fixed" in section.words else section.text, section)

    def _put(self, content: str | Data, section: Section) -> None:
        self.parts[-1]["contents"].append(content)
        self.spots[-1].append(section.spot(self.where))

    def _examples(self, section: Section) -> None:
        name = section.words[1] if len(section.words) > 1 else "examples"
        rows = self.front.get(name)
        if rows is not None:
            self.tables.add(name)
        spot = section.spot(self.where)
        sides = {"input": "{{ input }}", "output": "{{ output }}"}
        self._add({"examples": name if rows is None else rows, **sides, **_numbers(section.options)}, (spot, spot))

    def _example_side(self, section: Section) -> None:
        if not self.parts or "examples" not in self.parts[-1]:
            raise self.error(section, f"{section.words[0]!r} belongs below '+++ examples'")
        self.parts[-1][section.words[0]] = section.text
        self.spots[-1][section.words[0] == "output"] = section.spot(self.where)

    def _argument(self, section: Section) -> str:
        kind, *arguments = section.words
        if not arguments:
            raise self.error(section, f"'+++ {kind}' needs the name of a variable")
        return arguments[0]


def _numbers(options: Mapping[str, str]) -> Data:
    return {k: int(v) if v.isdecimal() else v for k, v in options.items()}


def sections_of(parts: Sequence[Data]) -> tuple[list[Section], Data]:
    """The parts as sections, and the tables of examples for the front matter."""
    found: list[Section] = []
    tables: Data = {}
    for part in parts:
        if "history" in part:
            found.append(Section(("history", part["history"]), _options(part, "last")))
        elif "examples" in part:
            found.extend(_example_sections(part, tables))
        else:
            found.extend(_message_sections(part))
    return found, tables


def _options(part: Data, *names: str) -> dict[str, str]:
    return {n: str(part[n]) for n in names if n in part}


def _example_sections(part: Data, tables: Data) -> Iterator[Section]:
    name: str = part["examples"]
    if not isinstance(part["examples"], str):
        name = f"examples{len(tables) + 1}" if tables else "examples"
        tables[name] = part["examples"]
    yield Section(("examples", name) if name != "examples" else ("examples",), _options(part, "k", "select"))
    yield Section(("input",), text=part["input"], exact=not part["input"])
    yield Section(("output",), text=part["output"], exact=not part["output"])


def _message_sections(part: Data) -> Iterator[Section]:
    fixed: tuple[str, ...] = ("fixed",) if part.get("fixed") else ()
    contents = [c if isinstance(c, str) else dict(c) for c in part["contents"]]
    options = _options(part, "name")
    first: str | Data | None = contents[0] if contents else None
    if isinstance(first, str) or (fixed and isinstance(first, dict) and "text" in first):
        yield _text_section((part["role"], *fixed), contents.pop(0), options)
    else:
        yield Section((part["role"], *fixed), options)
    for content in contents:
        if isinstance(content, dict) and "media" in content:
            yield Section(("media", content["media"]), _options(content, "kind"))
        elif isinstance(content, dict) and "text" not in content:
            raise CompositionError("a prompt file cannot hold media", cure='media("name"), given at the call')
        else:
            yield _text_section(("text",) if isinstance(content, str) else ("text", "fixed"), content, {})


def _text_section(words: tuple[str, ...], content: str | Data, options: dict[str, str]) -> Section:
    text = content if isinstance(content, str) else content["text"]
    if "\r" in text:
        raise CompositionError("a prompt file cannot hold the line ends of a fixed text that has \\r in it")
    return Section(words, options, text, exact=not text)
