"""Reading the values of a prompt's variables from what a call is given, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

from chainkit.errors import PromptError, did_you_mean
from chainkit.prompts.fields import is_model, is_typed_dict
from chainkit.prompts.fitting import Fit, came, fit_for, mentions_text, misfit, plain, with_texts
from chainkit.prompts.variables import MISSING, Variable

Values: TypeAlias = dict[str, Any]
Read: TypeAlias = Callable[[Any], Values]
_SCALARS = (str, int, float, bool)


def reader_for(kind: Any, declared: Iterable[Variable], fits: Mapping[str, Fit]) -> Read:
    """How a call's input is read: `kind` is the vars class or None, `fits` stands in for the types of places."""
    if is_model(kind):
        return ModelReader(kind, declared, fits).read
    if kind is None or is_typed_dict(kind):
        return Reader(declared, fits).read
    return InstanceReader(kind, declared, fits).read


class Reader:
    """Reads declared variables from a mapping."""

    def __init__(self, declared: Iterable[Variable], fits: Mapping[str, Fit]) -> None:
        self.declared = {v.name: v for v in declared}
        self._plan = [
            (v.name, _exact(v, fits), fits.get(v.name) or fit_for(v.name, v.type)) for v in self.declared.values()
        ]

    def read(self, given: Any) -> Values:
        """The checked values. Raises PromptError for missing, extra and misfitting ones."""
        if not isinstance(given, Mapping):
            raise _not_a_mapping(given, list(self.declared))
        entries = cast("Mapping[str, Any]", given)
        values: Values = {}
        get = entries.get
        for name, exact, fit in self._plan:
            value = get(name, MISSING)
            if type(value) is exact:
                values[name] = value
            elif value is not MISSING:
                values[name] = self._fitted(name, fit, value)
        if len(entries) != len(values) or len(values) != len(self._plan):
            self._complete(entries, values)
        return values

    def _fitted(self, name: str, fit: Fit, value: Any) -> Any:
        try:
            return fit(value)
        except PromptError as error:
            raise _named(name, error) from error
        except ValueError as error:
            raise misfit(name, self.declared[name].type, value, error) from None

    def _complete(self, given: Mapping[str, Any], values: Values) -> None:
        missing = [n for n, v in self.declared.items() if n not in values and v.default is MISSING and not v.optional]
        extra = [n for n in given if n not in self.declared]
        if missing or extra:
            raise _wrong_keys(missing, extra, list(self.declared))
        for name, variable in self.declared.items():
            if name not in values and variable.default is not MISSING:
                values[name] = variable.default


class _Never:
    """Has no instances."""


def _exact(variable: Variable, fits: Mapping[str, Fit]) -> Any:
    """The class whose own values need no check."""
    return variable.type if variable.type in _SCALARS and variable.name not in fits else _Never


class InstanceReader(Reader):
    """Reads from an instance of a dataclass, or from a mapping that one is made of."""

    def __init__(self, kind: type, declared: Iterable[Variable], fits: Mapping[str, Fit]) -> None:
        super().__init__(declared, fits)
        self.kind = kind

    def read(self, given: Any) -> Values:
        """The checked fields of the instance."""
        instance = given if isinstance(given, self.kind) else self._made(given)
        return super().read({name: getattr(instance, name) for name in self.declared})

    def _made(self, given: Any) -> Any:
        if not isinstance(given, Mapping):
            raise _not_an_instance(given, self.kind, list(self.declared))
        values = super().read(given)
        try:
            return self.kind(**values)
        except (TypeError, ValueError) as error:
            raise PromptError(f"these values do not make a {self.kind.__name__}: {error}") from error


class ModelReader:
    """Reads from a pydantic instance, taken as valid, or from a mapping, which the model validates."""

    def __init__(self, kind: Any, declared: Iterable[Variable], fits: Mapping[str, Fit]) -> None:
        self.kind = kind
        self.declared = {v.name: v for v in declared}
        self._fits = fits
        self._keys = _keys_of(kind)

    def read(self, given: Any) -> Values:
        """The fields of the instance."""
        if isinstance(given, self.kind):
            instance = given
        elif isinstance(given, Mapping):
            instance = self._validated(dict(cast("Mapping[str, Any]", given)))
        else:
            raise _not_an_instance(given, self.kind, list(self.declared))
        return {name: self._placed(name, plain(getattr(instance, name))) for name in self.declared}

    def _placed(self, name: str, value: Any) -> Any:
        fit = self._fits.get(name)
        if fit is None:
            return value
        try:
            return fit(value)
        except PromptError as error:
            raise _named(name, error) from error

    def _validated(self, given: Values) -> Any:
        extra = [] if self._keys is None else [k for k in given if k not in self._keys]
        try:
            instance = self.kind.model_validate(given)
        except ValueError as error:
            softer = self._softer(given)
            if softer == given:
                raise self._error(given, extra, error) from None
            try:
                instance = self.kind.model_validate(softer)
            except ValueError as second:
                raise self._error(given, extra, second) from None
        if extra:
            raise _wrong_keys([], extra, list(self.declared))
        return instance

    def _softer(self, given: Values) -> Values:
        """Replies as text where text is declared; rows and paths as the messages and media they stand for."""
        softer = dict(given)
        for name in given.keys() & self.declared.keys():
            if name in self._fits:
                placed = self._placed(name, given[name])
                softer[name] = list(placed) if isinstance(placed, tuple) else placed  # pyright: ignore[reportUnknownArgumentType]
            elif mentions_text(self.declared[name].type):
                softer[name] = with_texts(given[name])
        return softer

    def _error(self, given: Values, extra: list[str], error: ValueError) -> PromptError:
        found: list[Any] = cast("Any", error).errors(include_url=False, include_context=False, include_input=False)
        missing = [str(e["loc"][0]) for e in found if e["type"] == "missing" and len(e["loc"]) == 1]
        if missing or extra:
            return _wrong_keys(missing, extra, list(self.declared))
        first = next((str(e["loc"][0]) for e in found if e["loc"]), None)
        if first is None or first not in self.declared:
            return PromptError(f"these values do not make a {self.kind.__name__}: {found[0]['msg']}")
        return misfit(first, self.declared[first].type, given.get(first), error)


def _keys_of(kind: Any) -> set[str] | None:
    """The keys that a mapping for the model may have; None where the model decides."""
    fields: dict[str, Any] = kind.model_fields
    if kind.model_config.get("extra") is not None:
        return None
    if any(f.validation_alias is not None and not isinstance(f.validation_alias, str) for f in fields.values()):
        return None
    aliases = {f.validation_alias or f.alias for f in fields.values()}
    return {*fields, *(a for a in aliases if a)}


def _named(name: str, error: PromptError) -> PromptError:
    return PromptError(f"variable {name!r}: {error.message}", cure=error.cure)


def _wrong_keys(missing: list[str], extra: list[str], declared: list[str]) -> PromptError:
    said: list[str] = []
    if missing:
        said.append(f"no value for {_listed(missing)}")
    if extra:
        said.append(f"{_listed(extra)} {'is' if len(extra) == 1 else 'are'} not among the prompt's variables")
    cure = did_you_mean(str(extra[0]), missing or declared) if extra else None
    return PromptError("; ".join(said), cure=cure or f"its variables: {', '.join(declared) or 'none'}")


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(repr(n) for n in names)


def _not_a_mapping(given: Any, names: list[str]) -> PromptError:
    return PromptError(f"a prompt takes a mapping of its variables, got {came(given)}", cure=_as_mapping(names))


def _not_an_instance(given: Any, kind: type, names: list[str]) -> PromptError:
    said = f"this prompt takes a {kind.__name__} or a mapping, got {came(given)}"
    return PromptError(said, cure=_as_mapping(names))


def _as_mapping(names: list[str]) -> str:
    entries = ", ".join(f"{n!r}: ..." for n in names)
    if len(names) != 1:
        return f"{{{entries}}}"
    return f"{{{entries}}}; after a step that gives the bare value: parallel({names[0]}=identity()) | prompt(...)"
