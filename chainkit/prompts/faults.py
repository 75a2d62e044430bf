"""PromptErrors that show the line of a template, for what Jinja says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chainkit.errors import PromptError, did_you_mean

if TYPE_CHECKING:
    from jinja2 import TemplateSyntaxError

    from chainkit.prompts.source import Source

_QUOTED = re.compile(r"'([^']+)'")
_TAGS = ("block", "call", "extends", "filter", "for", "from", "if", "import", "include", "macro", "raw", "set", "with")
_ENDS = ("elif", "else", "endfor", "endif", "endmacro", "endset", "endwith")


def syntax(source: Source, error: TemplateSyntaxError) -> PromptError:
    """For a template that is not Jinja."""
    said = (error.message or "it cannot be read").rstrip(".")
    words = _QUOTED.findall(said)
    word = words[0] if words else None
    cure = did_you_mean(word, (*_TAGS, *_ENDS)) if word and "unknown tag" in said else None
    if cure is None and "nexpected end" not in said:
        cure = "a text that holds {{ or {% on purpose goes between {% raw %} and {% endraw %}"
    return PromptError(f"the template cannot be read: {said}\n{source.show(error.lineno, word)}", cure=cure)


def unknown(source: Source, node: Any, known: Sequence[str]) -> PromptError:
    """For a filter or test that does not exist."""
    kind = type(node).__name__.lower()
    said = f"no {kind} is called {node.name!r}\n{source.show(node.lineno, node.name)}"
    return PromptError(said, cure=did_you_mean(node.name, known))


def failure(error: Exception, sources: Mapping[str | None, Source], word: str | None = None) -> PromptError:
    """For what went wrong while a template was filled; `sources` are its text (None) and its partials'."""
    name, line = _where(error)
    said = "the template includes itself without end" if isinstance(error, RecursionError) else str(error)
    source = sources.get(name) or sources[None]
    if line is None:
        return PromptError(f"the prompt cannot be rendered: {said}\n  in {source.spot.label}")
    words = [w for w in _QUOTED.findall(said) if source.line_with(w) is not None]
    word = word or (words[-1] if words else None)
    return PromptError(f"the prompt cannot be rendered: {said}\n{source.show(line, word)}")


def _where(error: Exception) -> tuple[str | None, int | None]:
    """The template and its line that the innermost of Jinja's frames stands for."""
    found: tuple[str | None, int | None] = None, None
    trace = error.__traceback__
    while trace is not None:
        template: Any = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found = template.name, template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return found


def joined(problems: Sequence[PromptError]) -> PromptError:
    """Several problems as one error, each with its cure."""
    if len(problems) == 1:
        return problems[0]
    said = "\n".join(p.message + (f"\n    {p.cure}" if p.cure else "") for p in problems)
    return PromptError(f"{len(problems)} things are wrong with this prompt:\n{said}")
