"""Metadata as words that a search server keeps in two fields of keywords: looked up in one, compared in the other.

So every field may be filtered by, of whatever name, and a server needs no mapping for it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, cast

from chainkit.retrieval.filters import All, Condition, Either, Not, Test

_LONGEST = 500
"""Characters of a text that is kept as it is; of a longer one a digest is looked up, and its beginning compared."""
_OPS = ("gt", "gte", "lt", "lte")


def words(metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    """The two fields: `facts` for values, items of lists and presence, `ordered` for values that have an order."""
    facts: list[str] = []
    ordered: list[str] = []
    for field, held in metadata.items():
        if held is not None:
            facts.append(f"{field}\0?")
        items = cast("list[Any]", held) if isinstance(held, list | tuple) else [held]
        facts += [fact(field, item) for item in items if isinstance(item, str | bool | int | float)]
        if isinstance(held, str | bool | int | float):
            ordered.append(place(field, held))
    return {"facts": facts, "ordered": ordered}


def fact(field: str, value: str | float) -> str:
    """The word of a value: equal values have equal words; 1 and 1.0 do, 1 and True do not."""
    if isinstance(value, bool):
        return f"{field}\0b{value}"
    if not isinstance(value, str):
        return f"{field}\0n{float(value)!r}"
    if len(value) <= _LONGEST:
        return f"{field}\0s{value}"
    return f"{field}\0S{blake2b(value.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"


def place(field: str, value: str | float) -> str:
    """A word that stands among others of its field and type as the value does among values."""
    if isinstance(value, bool):
        return f"{field}\0b{int(value)}"
    return f"{field}\0s{value[:_LONGEST]}" if isinstance(value, str) else f"{field}\0n{_sortable(float(value))}"


def _sortable(number: float) -> str:
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    return f"{bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63):016x}"


def query(wanted: Condition) -> dict[str, Any]:
    """A condition as a query that scores nothing."""
    match wanted:
        case All(parts):
            return {"bool": {"filter": [query(p) for p in parts]}}
        case Either(parts):
            return {"bool": {"should": [query(p) for p in parts], "minimum_should_match": 1}}
        case Not(part):
            return {"bool": {"must_not": [query(part)]}}
        case Test(field, "exists", value):
            there = {"term": {"facts": f"{field}\0?"}}
            return there if value else {"bool": {"must_not": [there]}}
        case Test(field, "in", value):
            return {"terms": {"facts": [fact(field, v) for v in value]}}
        case Test(field, op, value) if op in _OPS:
            kin = place(field, value)[: len(field) + 2]
            ends = {"gte": kin, "lt": kin[:-1] + chr(ord(kin[-1]) + 1)}
            ends.pop("lt" if op.startswith("l") else "gte")
            return {"range": {"ordered": ends | {op: place(field, value)}}}
        case Test(field, _, value):
            return {"term": {"facts": fact(field, value)}}
