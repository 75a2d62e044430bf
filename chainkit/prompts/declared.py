"""Compares what the templates of a prompt use with what was declared, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from chainkit.errors import PromptError, did_you_mean
from chainkit.prompts.attributes import assigned_names, loop_names, wrong_attributes
from chainkit.prompts.faults import joined
from chainkit.prompts.fields import known_attributes
from chainkit.prompts.source import Source
from chainkit.prompts.template import Parsed
from chainkit.prompts.words import shown

RESERVED = ("caller", "kwargs", "loop", "self", "varargs")


def compare(
    templates: Sequence[Parsed],
    partials: Mapping[str, Parsed],
    types: Mapping[str, Any],
    taken: Collection[str],
    builtin: Collection[str],
) -> None:
    """Raises PromptError with every name that is used and not declared, declared and not used, or misread.

    `types` are the declared variables, `taken` those that places (histories, media, examples) use, `builtin`
    the names that Jinja itself supplies, such as `range`.
    """
    used, own = _used(templates, partials)
    problems = [*_reserved(types, builtin), *_undeclared(used, types)]
    problems += _unused(types, used.keys() | taken, [p.source for p in (*templates, *partials.values())], problems)
    problems += _unused_partials(templates, partials)
    for parsed in (*templates, *partials.values()):
        known = types if parsed in templates else {n: k for n, k in types.items() if n not in own}
        problems += _misread(parsed, known)
    if problems:
        raise joined(problems)


def _used(templates: Sequence[Parsed], partials: Mapping[str, Parsed]) -> tuple[dict[str, Parsed], set[str]]:
    """Each name that is looked up, with a template that does so; and the names that partials may be handed."""
    everything = [*templates, *partials.values()]
    own = {n for p in everything if p.partials for n in assigned_names(p.tree) | loop_names(p.tree)}
    used = {name: parsed for parsed in reversed(templates) for name in sorted(parsed.names)}
    for parsed in partials.values():
        used = {**dict.fromkeys(sorted(parsed.names - own), parsed), **used}
    return used, own


def _reserved(types: Mapping[str, Any], builtin: Collection[str]) -> Iterator[PromptError]:
    for name in types:
        if name in RESERVED or name in builtin:
            yield PromptError(f"a variable cannot be called {name!r}: Jinja gives it a meaning of its own")


def _undeclared(used: Mapping[str, Parsed], types: Mapping[str, Any]) -> Iterator[PromptError]:
    for name, parsed in used.items():
        if name not in types:
            where = parsed.source.show(parsed.line_of(name), name)
            spare = [n for n in types if n not in used] or list(types)
            near = did_you_mean(name, spare) if types else None
            cure = near if near and near.startswith("did") else f"declare it: prompt(..., {name}=str)"
            yield PromptError(f"the template uses {name!r}, which is not declared\n{where}", cure=cure)


def _unused(
    types: Mapping[str, Any], used: Collection[str], sources: Sequence[Source], others: Sequence[PromptError]
) -> Iterator[PromptError]:
    for name in types:
        if name in used or any(o.cure and repr(name) in o.cure for o in others):
            continue
        where, cure = _where_unused(name, sources)
        yield PromptError(f"{name!r} is declared, and no template uses it{where}", cure=cure)


def _where_unused(name: str, sources: Sequence[Source]) -> tuple[str, str]:
    """The line where the name stands as mere text, as in `{genre}`; else the first line."""
    braced = re.compile(rf"\{{+\s*{re.escape(name)}\s*\}}+|\${re.escape(name)}\b|<{re.escape(name)}>")
    for source in sources:
        if found := braced.search(source.text):
            line = source.text.count("\n", 0, found.start()) + 1
            return "\n" + source.show(line, found[0]), f"write {{{{ {name} }}}}"
    cure = f"write {{{{ {name} }}}} where it belongs, or declare it no more"
    return ("\n" + sources[0].show(1) if sources else ""), cure


def _unused_partials(templates: Sequence[Parsed], partials: Mapping[str, Parsed]) -> Iterator[PromptError]:
    used = {name for parsed in (*templates, *partials.values()) for name in parsed.partials}
    for name in partials:
        if name not in used:
            yield PromptError(f"the partial {name!r} is never included", cure=f'{{% include "{name}" %}}')


def _misread(parsed: Parsed, types: Mapping[str, Any]) -> Iterator[PromptError]:
    for wrong in wrong_attributes(parsed.tree, types):
        said = f"{wrong.owner!r} is {shown(wrong.kind)}, which has no {wrong.attribute!r}"
        where = parsed.source.show(wrong.line, f".{wrong.attribute}")
        yield PromptError(f"{said}\n{where}", cure=did_you_mean(wrong.attribute, known_attributes(wrong.kind)))
