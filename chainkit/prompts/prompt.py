"""prompt: templates and typed variables in, messages out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, overload

from chainkit.chain import Chain
from chainkit.errors import PromptError, did_you_mean
from chainkit.messages import Messages
from chainkit.prompts.fields import is_typed_dict
from chainkit.prompts.parts import ExamplesPart, MediaPart, PromptPart, TurnPart, gather, newlines
from chainkit.prompts.variables import Variable, declared_as, declared_by

if TYPE_CHECKING:
    from os import PathLike

    from pydantic import BaseModel
    from typing_extensions import TypeForm

    from chainkit.place import Place
    from chainkit.prompts.compiled import CompiledPrompt
    from chainkit.run.drive import Core
    from chainkit.run.frame import Frame

    class _Dataclass(Protocol):
        __dataclass_fields__: ClassVar[dict[str, Any]]


V = TypeVar("V")
DV = TypeVar("DV", bound="_Dataclass | BaseModel")
In = TypeVar("In", contravariant=True)

MAX_CHARS = 8_000_000
"""How many characters one text of a rendered prompt may have, unless `max_chars` says otherwise."""


@dataclass(frozen=True, repr=False)
class Prompt(Chain[In, Messages]):
    """Templates with typed variables. Made by `prompt`; what can be known then is checked then.

    `variables` maps the names that a call gives to their types.
    """

    template: tuple[PromptPart, ...]
    declared: tuple[Variable, ...] = ()
    vars: Any = None
    partials: tuple[tuple[str, str], ...] = ()
    fixed: tuple[tuple[str, Any], ...] = ()
    max_chars: int = MAX_CHARS
    name: str | None = None
    description: str | None = field(default=None, compare=False)
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)

    def __post_init__(self) -> None:
        self._ready()

    def _ready(self) -> CompiledPrompt:
        ready: CompiledPrompt | None = self.__dict__.get("_made")
        if ready is None:
            # Jinja is imported here: 60 ms that only a program with a prompt pays.
            from chainkit.prompts.compiled import CompiledPrompt

            declared = self.declared if self.vars is None else tuple(declared_by(self.vars).values())
            ready = CompiledPrompt(
                self.template, declared, kind=self.vars, partials=dict(self.partials), max_chars=self.max_chars
            )
            self.__dict__["_made"] = ready
        return ready

    @property
    def variables(self) -> dict[str, Any]:
        """The variables that a call gives, each with its type."""
        given = dict(self.fixed)
        return {n: v.type for n, v in self._ready().variables.items() if n not in given}

    @property
    def uses(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """For each part its role (or `history`, `examples`) and the variables it uses.

        Parts that use none are the same at each call: put them first, and providers can cache them.
        """
        known = self._ready().variables
        return tuple((w.role, tuple(n for n in w.names if n in known)) for w in self._ready().writers)

    def partial(self, **values: Any) -> Prompt[Mapping[str, Any]]:
        """The prompt with some of its variables given for good. Raises PromptError where a value does not fit."""
        left = self.variables
        for name in values:
            if name not in left:
                msg = f"this prompt has no variable {name!r} left to give"
                raise PromptError(msg, cure=did_you_mean(name, list(left)))
        fixed = {**dict(self.fixed), **self._ready().fitted(values)}
        return replace(self, fixed=tuple(fixed.items()))  # type: ignore[return-value]

    def _rendered(self, values: Any) -> Messages:
        return self._ready().render(self._with_fixed(values))

    def _with_fixed(self, values: Any) -> Mapping[str, Any]:
        fixed = dict(self.fixed)
        if not isinstance(values, Mapping):
            wanted = ", ".join(f"{n!r}: ..." for n in self.variables)
            msg = f"a prompt with {', '.join(map(repr, fixed))} given takes a mapping of the rest, got {type(values).__name__}"
            raise PromptError(msg, cure=f"{{{wanted}}}")
        if twice := sorted(fixed.keys() & values.keys()):  # pyright: ignore[reportUnknownArgumentType]
            msg = f"{', '.join(map(repr, twice))} was given for good with partial()"
            raise PromptError(msg, cure="leave it out here")
        return {**values, **fixed}

    def save(self, path: str | PathLike[str]) -> None:
        """Write the prompt as a file that `prompt_file` reads."""
        from chainkit.prompts.files import to_text

        Path(path).write_text(to_text(self), encoding="utf-8", newline="\n")

    # What a chain says of itself.

    @property
    def in_type(self) -> Any:
        if self.vars is None or self.fixed:
            return Mapping[str, Any]
        return self.vars if is_typed_dict(self.vars) else self.vars | Mapping[str, Any]

    @property
    def out_type(self) -> Any:
        return Messages

    @property
    def label(self) -> str:
        return self.name or "prompt"

    @property
    def instant(self) -> bool:
        return not any(_waits(part) for part in self.template)

    def compile(self, place: Place) -> Core:
        render = self._rendered if self.fixed else self._ready().render
        return _core(render) if self.instant else _outside_core(render)

    def __repr__(self) -> str:
        shape = ", ".join(role for role, _ in self.uses)
        names = ", ".join(f"{n}: {_word(k)}" for n, k in self.variables.items())
        return f"{self.label}({shape}{'; ' if names else ''}{names})"

    def __hash__(self) -> int:
        try:
            return hash((self.template, self.partials, self.max_chars, self.name))
        except TypeError:  # a fixed message may hold a tool call
            return hash((len(self.template), self.partials, self.max_chars, self.name))

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in super().__getstate__().items() if k != "_made"}


def _waits(part: PromptPart) -> bool:
    """Whether a part may run the user's code or read a file."""
    if isinstance(part, ExamplesPart):
        return part.select is not None
    return isinstance(part, TurnPart) and any(isinstance(c, MediaPart) for c in part.contents)


def _core(render: Callable[[Any], Messages]) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        return render(value)

    return run


def _outside_core(render: Callable[[Any], Messages]) -> Core:
    async def run(frame: Frame, value: Any) -> Any:
        return render(value) if frame.io.blocking else await frame.io.call(render, value)

    return run


def _word(kind: Any) -> str:
    from chainkit.prompts.words import shown

    return shown(kind)


@overload
def prompt(
    *parts: str | MediaPart | PromptPart, vars: type[DV], partials: Mapping[str, str] | None = ..., max_chars: int = ...
) -> Prompt[DV | Mapping[str, Any]]: ...
@overload
def prompt(
    *parts: str | MediaPart | PromptPart, vars: type[V], partials: Mapping[str, str] | None = ..., max_chars: int = ...
) -> Prompt[V]: ...
@overload
def prompt(
    *parts: str | MediaPart | PromptPart,
    partials: Mapping[str, str] | None = ...,
    max_chars: int = ...,
    **variables: TypeForm[Any],
) -> Prompt[Mapping[str, Any]]: ...
def prompt(
    *parts: str | MediaPart | PromptPart,
    vars: Any = None,
    partials: Mapping[str, str] | None = None,
    max_chars: int = MAX_CHARS,
    **variables: Any,
) -> Prompt[Any]:
    """Messages from Jinja templates and typed variables.

    A part is a text (a user message), or `system`, `user`, `assistant`, `history`, `examples`, `media`.
    Variables are declared by keywords with types (`genre=str`), or all together by `vars=`: a pydantic
    model, a dataclass or a TypedDict. `partials` are templates to `{% include %}` or `{% import %}` by name.
    `max_chars` caps each rendered text.

    Values are inert: one that holds `{{` or a role's name stays text. Raises PromptError here for names that
    are used and not declared, or declared and not used, and at a call for values that are missing, too many
    or of the wrong type.
    """
    if vars is not None and variables:
        msg = "a prompt takes vars= or single variables, not both"
        raise PromptError(msg, cure=f"declare {', '.join(variables)} in vars")
    declared = declared_as(variables)
    held = tuple((name, newlines(text)) for name, text in (partials or {}).items())
    return Prompt(gather(parts), declared, vars, held, max_chars=max_chars)


def prompt_file(path: str | PathLike[str], *, names: Mapping[str, Any] | None = None) -> Prompt[Mapping[str, Any]]:
    """The prompt that a file holds: front matter that declares the variables, and a text for each message.

    `names` supplies the classes and functions that the file names; nothing is imported. Raises PromptError, with
    the line, for what is wrong in the file. The documentation page "Prompts" describes its form.
    """
    from chainkit.prompts.files import prompt_text

    text = Path(path).read_text(encoding="utf-8-sig")
    return prompt_text(text, where=Path(path).name, names=names)
