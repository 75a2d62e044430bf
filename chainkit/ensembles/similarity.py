"""How alike two answers are: by words, by characters, by embedding, by a function."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from chainkit.chain import Chain
from chainkit.ensembles.taken_apart import parts_of
from chainkit.errors import OutputError

if TYPE_CHECKING:
    from chainkit.place import Place
    from chainkit.run.frame import Frame

Matrix: TypeAlias = "list[list[float]]"
Alike: TypeAlias = "Callable[[Frame, Sequence[Any]], Awaitable[Matrix]]"
"""(frame, values) to how alike each is to each: row i is values[i] as the candidate."""

_WORD = re.compile(r"\w+")
_LONGEST = 6


def words(one: str, other: str) -> float:
    """The F1 of their words, 0 to 1, as in SQuAD (Rajpurkar and others, 2016)."""
    return _f1(Counter(_WORD.findall(one.casefold())), Counter(_WORD.findall(other.casefold())))


def characters(one: str, other: str) -> float:
    """The mean F1 of their runs of 1 to 6 characters, 0 to 1: chrF (Popović, 2015) with beta 1, which is symmetric."""
    first, second = "".join(one.split()), "".join(other.split())
    longest = min(_LONGEST, max(len(first), len(second), 1))
    scores = [_f1(_grams(first, n), _grams(second, n)) for n in range(1, longest + 1)]
    return math.fsum(scores) / len(scores)


def _grams(text: str, size: int) -> Counter[str]:
    return Counter(text[i : i + size] for i in range(len(text) - size + 1))


def _f1(one: Counter[str], other: Counter[str]) -> float:
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of their angle, 0 where it is negative."""
    length = math.hypot(*one) * math.hypot(*other)
    return min(1.0, max(0.0, math.fsum(a * b for a, b in zip(one, other, strict=True)) / length)) if length else 0.0


MEASURES: dict[str, Callable[[str, str], float]] = {"words": words, "characters": characters}


def text_of(value: Any) -> str:
    """A value as the text that is compared: a reply's own, data as JSON."""
    value = getattr(value, "text", value)
    if isinstance(value, str):
        return value
    parts = parts_of(value)
    return json.dumps(value if parts is None else parts, default=str, ensure_ascii=False, sort_keys=True)


def alike(similarity: Any, place: Place) -> Alike:
    """How values are compared: in one request to an embedder, else pair by pair."""
    if not isinstance(similarity, Chain):
        return _by_pairs(similarity)
    chain: Chain[Any, Any] = similarity  # pyright: ignore[reportUnknownVariableType]
    embed = place.compile(chain)

    async def by_vectors(frame: Frame, values: Sequence[Any]) -> Matrix:
        vectors = await embed(frame.quiet(), [text_of(v) for v in values])
        if len(vectors) != len(values):
            msg = f"the embedder gave {len(vectors)} vectors for {len(values)} texts"
            raise OutputError(msg, cure="give medoid(similarity=) a chain from a list of texts to as many vectors")
        return _matrix(vectors, cosine)

    return by_vectors


def _by_pairs(similarity: Any) -> Alike:
    measure: Any = MEASURES.get(similarity) if isinstance(similarity, str) else similarity

    async def by_pairs(frame: Frame, values: Sequence[Any]) -> Matrix:
        return _matrix([text_of(v) for v in values] if isinstance(similarity, str) else values, measure)

    return by_pairs


def _matrix(values: Iterable[Any], measure: Callable[[Any, Any], float]) -> Matrix:
    items = list(values)
    return [[1.0 if i == j else _finite(measure(a, b)) for j, b in enumerate(items)] for i, a in enumerate(items)]


def _finite(found: Any) -> float:
    if isinstance(found, int | float) and math.isfinite(found):
        return float(found)
    msg = f"the similarity of two answers is {found!r:.60}, which is no finite number"
    raise OutputError(msg, cure="give medoid(similarity=) a function (a, b) -> float; more is more alike")
