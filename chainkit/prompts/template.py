"""One Jinja template: parsed, its names found, ready to be filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import TemplateSyntaxError, meta, nodes

from chainkit.errors import PromptError, did_you_mean
from chainkit.prompts.faults import failure, syntax, unknown
from chainkit.prompts.sandbox import METER, Meter, Sandbox, text_of
from chainkit.prompts.source import Source


class Parsed:
    """A template's syntax tree, the names that it looks up and the partials that it includes."""

    __slots__ = ("names", "partials", "source", "tree")

    def __init__(self, source: Source, jinja: Sandbox) -> None:
        self.source = source
        try:
            self.tree = jinja.parse(source.text)
        except TemplateSyntaxError as error:
            raise syntax(source, error) from None
        for kind, known in ((nodes.Filter, jinja.filters), (nodes.Test, jinja.tests)):
            for node in self.tree.find_all(kind):
                if node.name not in known:
                    raise unknown(source, node, list(known))
        self.names: frozenset[str] = frozenset(meta.find_undeclared_variables(self.tree))
        self.partials = tuple(self._partials(jinja))

    def line_of(self, name: str) -> int:
        """The line on which the template first uses the name."""
        lines = [n.lineno for n in self.tree.find_all(nodes.Name) if n.name == name and n.ctx == "load"]
        return min(lines, default=1)

    def _partials(self, jinja: Sandbox) -> Iterator[str]:
        known = [] if jinja.loader is None else jinja.loader.list_templates()
        for name in meta.find_referenced_templates(self.tree):
            if name is None:
                msg = "a template includes something that is not named in quotes"
                raise PromptError(msg, cure='{% include "name" %}')
            if name not in known:
                where = self.source.show(self.source.line_with(name) or 1, name)
                cure = did_you_mean(name, known) or f"prompt(..., partials={{{name!r}: '...'}})"
                raise PromptError(f"no partial is called {name!r}\n{where}", cure=cure)
            yield name


class Template:
    """A parsed template that can be filled. `values` must hold checked values for its names.

    One that only holds `{{ name }}` is a join of its pieces, which is what Jinja does with it, sooner.
    """

    __slots__ = ("_code", "_holes", "_jinja", "_pieces", "_sources", "max_chars", "names")

    def __init__(self, parsed: Parsed, jinja: Sandbox, max_chars: int, partials: Mapping[str | None, Source]) -> None:
        self.names = parsed.names
        self.max_chars = max_chars
        self._jinja = jinja
        self._sources = {**partials, None: parsed.source}
        self._pieces, self._holes = _pieces(parsed.tree)
        self._code = _compiled(parsed, jinja) if self._pieces is None else None

    @property
    def fixed(self) -> str | None:
        """The text of a template without variables; None for one with."""
        return "".join(self._pieces) if self._pieces is not None and not self._holes else None

    def fill(self, values: Mapping[str, Any]) -> str:
        """The text. Raises PromptError, with the line, for what goes wrong inside."""
        if self._pieces is None:
            return self._run(values)
        filled = self._pieces.copy()
        name = None
        try:
            for index, name in self._holes:
                filled[index] = text_of(values[name])
        except Exception:
            return self._run(values, name)
        text = "".join(filled)
        return text if len(text) <= self.max_chars else self._run(values)

    def _run(self, values: Mapping[str, Any], word: str | None = None) -> str:
        if self._code is None:
            self._code = _compiled(Parsed(self._sources[None], self._jinja), self._jinja)
        meter = Meter(self.max_chars)
        token = METER.set(meter)
        try:
            context = self._code.new_context({**self._jinja.globals, **values}, shared=True)
            return meter.join(self._code.root_render_func(context))
        except Exception as error:
            raise failure(error, self._sources, word) from error
        finally:
            METER.reset(token)


def _compiled(parsed: Parsed, jinja: Sandbox) -> Any:
    code = jinja.compile(parsed.tree, None, "<prompt>")
    return jinja.template_class.from_code(jinja, code, jinja.globals, None)


def _pieces(tree: nodes.Template) -> tuple[list[str] | None, tuple[tuple[int, str], ...]]:
    """The texts of a template that only prints plain names, and which of them are names; None for any other."""
    pieces: list[str] = []
    holes: list[tuple[int, str]] = []
    for output in tree.body:
        for node in output.nodes if isinstance(output, nodes.Output) else (output,):
            if isinstance(node, nodes.Name):
                holes.append((len(pieces), node.name))
            elif not isinstance(node, nodes.TemplateData):
                return None, ()
            pieces.append(node.data if isinstance(node, nodes.TemplateData) else "")
    return pieces, tuple(holes)
