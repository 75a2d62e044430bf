"""From plain data back to a chain. Nothing is imported: every name in the data is one that the loader supplies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import ModuleType
from typing import Any, Literal, Union

from chainkit.chain import Chain
from chainkit.compose.dump import VERSION
from chainkit.compose.kinds import KINDS, SCALARS, kind_named
from chainkit.errors import ChainkitError, CompositionError, did_you_mean
from chainkit.run.limits import Limit


class Names(Mapping[str, Any]):
    """What the loader lets a dump speak of: names and what they mean, and modules' public names."""

    def __init__(self, names: Mapping[str, Any] | Iterable[Any]) -> None:
        mapping = isinstance(names, Mapping)
        self._given: dict[str, Any] = dict(names) if mapping else {}  # pyright: ignore
        others: list[Any] = [] if mapping else list(names)
        self._modules = {m.__name__: m for m in others if isinstance(m, ModuleType)}
        self._modules.update({m.__name__: m for m in self._given.values() if isinstance(m, ModuleType)})
        self.words = frozenset(str(n) for n in self._given) | {n for n in others if isinstance(n, str)}

    def __getitem__(self, name: str) -> Any:
        return self.meaning(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._found(name) is not None

    def meaning(self, name: str) -> Any:
        """What a name means. Raises CompositionError where the loader does not supply it."""
        found = self._found(name)
        if found is not None:
            return found
        known = [*map(str, self._given), *self._modules]
        msg = f"the dump speaks of {name!r}, and names= does not supply it"
        raise CompositionError(
            msg, cure=f"load(data, names={{{name!r}: ...}}); {did_you_mean(name, known) or 'names= is empty'}"
        )

    def _found(self, name: str) -> Any:
        module, _, qualname = name.partition(":")
        for key in (name, qualname):
            if key in self._given:
                return self._given[key]
        found: Any = self._modules.get(module)
        for part in qualname.split("."):
            found = None if found is None or part.startswith("_") else getattr(found, part, None)
        return found


def load(data: Mapping[str, Any], names: Mapping[str, Any] | Iterable[Any] = ()) -> Chain[Any, Any]:
    """The chain that `dump` made this of.

    `names` supplies the functions, classes and endpoints that the data speaks of: a mapping from name
    ("module:qualname", or the last part alone) to object, or modules whose public names are meant. Raises
    CompositionError for a name that is not supplied and for data that is no dump.
    """
    found: Any = data
    if not isinstance(found, Mapping) or found.get("chainkit") != VERSION:  # pyright: ignore[reportUnknownMemberType]
        version = found.get("chainkit") if isinstance(found, Mapping) else None  # pyright: ignore
        msg = f"this is no dump of a chain: 'chainkit' is {version!r}, and {VERSION} is wanted"
        raise CompositionError(msg, cure="give load() what chain.dump() gave")
    try:
        return node(data["chain"], Names(names))
    except ChainkitError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        msg = f"this dump of a chain is damaged: {type(error).__name__}: {error}"
        raise CompositionError(msg, cure="give load() what chain.dump() gave") from error


def node(data: Any, names: Names) -> Any:
    """One node of the data."""
    kind = kind_named(str(data.get("kind")))
    if kind is None:
        msg = f"there is no kind of chain {data.get('kind')!r}"
        raise CompositionError(msg, cure=did_you_mean(str(data.get("kind")), list(KINDS)))
    rest = {k: v for k, v in data.items() if k != "kind"}
    if kind.from_data is not None:
        return kind.from_data(rest, names)
    known = {f.name for f in fields(kind.cls)}
    unknown = sorted(rest.keys() - known)
    if unknown:
        msg = f"a {kind.name} has no field {unknown[0]!r}"
        raise CompositionError(msg, cure=did_you_mean(unknown[0], sorted(known)))
    values = {k: value(v, names) for k, v in rest.items()}
    if kind.name == "step":
        from chainkit.compose.step import step

        return step(values["function"], inline=values.get("inline", False), name=values.get("name"))
    return kind.cls(**values)


def value(data: Any, names: Names) -> Any:
    """A field's value."""
    if isinstance(data, list):
        return tuple(value(v, names) for v in data)  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(data, Mapping):
        return data
    found: Mapping[str, Any] = data  # pyright: ignore[reportUnknownVariableType]
    if "kind" in found:
        return node(found, names)
    if "limit" in found:
        return Limit(**found["limit"])
    if "list" in found:
        return [value(v, names) for v in found["list"]]
    if "mapping" in found:
        return {k: value(v, names) for k, v in found["mapping"].items()}
    return kind_of_value(found, names)


def kind_of_value(data: Mapping[str, Any], names: Names) -> Any:
    """A type or a function."""
    if "name" in data:
        return names.meaning(data["name"])
    if "type" in data:
        return type(None) if data["type"] == "None" else SCALARS[data["type"]]
    if "literal" in data:
        return Literal[tuple(data["literal"])]  # type: ignore[misc]  # pyright: ignore
    if "union" in data:
        return Union[tuple(kind_of_value(d, names) for d in data["union"])]  # noqa: UP007  # pyright: ignore
    if "generic" in data:
        return SCALARS[data["generic"]][tuple(kind_of_value(d, names) for d in data["of"])]
    msg = f"this says nothing that a chain can hold: {sorted(data)}"
    raise CompositionError(msg)
