"""A retriever as plain data: its index by its name, which the loader supplies."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from chainkit.compose.dump import plain
from chainkit.compose.kinds import Kind
from chainkit.compose.load import value
from chainkit.errors import CompositionError, did_you_mean
from chainkit.retrieval.indexing import Index
from chainkit.retrieval.retriever import Retriever

if TYPE_CHECKING:
    from chainkit.compose.load import Names

_FIELDS = tuple(f.name for f in fields(Retriever) if f.name != "index")


def _to_data(chain: Retriever) -> dict[str, Any]:
    usual = Retriever(chain.index, chain.k)
    told = {n: getattr(chain, n) for n in _FIELDS if n == "k" or getattr(chain, n) != getattr(usual, n)}
    return {"index": chain.index.name} | {n: plain(v, f"{chain.label}.{n}") for n, v in told.items()}


def _from_data(data: dict[str, Any], names: Names) -> Any:
    unknown = sorted(data.keys() - {"index", *_FIELDS})
    if unknown:
        raise CompositionError(f"a retriever has no field {unknown[0]!r}", cure=did_you_mean(unknown[0], _FIELDS))
    index: Any = names.meaning(data["index"])
    if not isinstance(index, Index):
        msg = f"the dump wants an index for {data['index']!r}, and names= gave {type(index).__name__}"
        raise CompositionError(msg, cure=f"load(data, names={{{data['index']!r}: index(...)}})")
    told = {n: value(data[n], names) for n in _FIELDS if n in data}
    return replace(Retriever(index, told.pop("k")), **told)


KIND = Kind("retriever", Retriever, to_data=_to_data, from_data=_from_data)
