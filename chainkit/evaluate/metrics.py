"""Metrics that compute: exact, by words, by numbers, by lists."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from chainkit.ensembles.combine import normal
from chainkit.evaluate.case import Case, EvaluationError
from chainkit.evaluate.metric import Quick
from chainkit.evaluate.plain import text_of


@dataclass(frozen=True)
class Exact(Quick):
    """1 where the value is the expected one."""

    key: Callable[[Any], Any] = normal
    name: str = "exact"

    def score(self, case: Case, value: Any) -> float:
        return float(any(self._alike(value, right) for right in _answers(case.expected)))

    def _alike(self, value: Any, right: Any) -> bool:
        if self.key is normal and isinstance(right, str) and isinstance(value, bool | int | float):
            # A table holds text only: its "4" is the number 4.
            value = text_of(value)
        return bool(self.key(value) == self.key(right))


def exact(key: Callable[[Any], Any] | None = None, *, name: str = "exact") -> Exact:
    """1 where the value equals what is expected, in the normal form that `vote` compares, or by `key(value)`.

    Text is compared without case, spacing and end marks, data as canonical JSON; a number equals its text, as a CSV
    file holds it. Where a set of values is expected,
    each of them is right.
    """
    return Exact(key or normal, name)


def _answers(expected: Any) -> list[Any]:
    """The values that are right: all those of a set, else the one."""
    return list(cast("set[Any]", expected)) if isinstance(expected, set | frozenset) else [expected]


_ARTICLE = re.compile(r"\b(a|an|the)\b")
_MARKS = str.maketrans("", "", string.punctuation + "„“”‚‘’«»…–—¿¡")


def words(text: str) -> list[str]:
    """A text's words as SQuAD counts them: lower case, without punctuation and English articles."""
    return _ARTICLE.sub(" ", text.casefold().translate(_MARKS)).split()


@dataclass(frozen=True)
class F1(Quick):
    """The overlap of words."""

    name: str = "f1"

    def score(self, case: Case, value: Any) -> float:
        said = words(text_of(value))
        return max((_overlap(said, words(text_of(right))) for right in _texts(case.expected)), default=0.0)


def _overlap(said: list[str], right: list[str]) -> float:
    if not said or not right:
        return float(said == right)
    common = sum((Counter(said) & Counter(right)).values())
    return 2 * common / (len(said) + len(right))


def _texts(expected: Any) -> list[Any]:
    """The texts that are right: several of them may be expected."""
    if isinstance(expected, set | frozenset | list | tuple):
        return list(cast("Sequence[Any]", expected))
    return [expected]


def f1(*, name: str = "f1") -> F1:
    """The harmonic mean of precision and recall of the words, 0 to 1; the best over several expected texts.

    Words are those of SQuAD's own scoring: lower case, without punctuation and English articles (Rajpurkar and
    others, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", 2016).
    """
    return F1(name)


_NUMBER = re.compile(r"[-+−]?(?:\d[\d.,'’\u00a0\u202f]*\d|\d|[.,]\d+)(?:[eE][-+]?\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(?:[.,'’\u00a0\u202f]\d{3})+$")


def number_of(value: Any) -> float | None:
    """The number that a value is, or the last one that stands in its text; None where there is none.

    `1,234.5`, `1.234,5` and `1'234.5` are read as they are meant. One mark before three digits parts thousands
    ("1.234" as a German writes it) only where the text cannot be read otherwise: 1.234 is 1.234.
    """
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    found = _NUMBER.findall(text_of(value))
    return _read(found[-1]) if found else None


def _read(text: str) -> float | None:
    text = re.sub(r"['’\u00a0\u202f]", "", text.replace("−", "-"))
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        text = text.replace("," if comma < point else ".", "").replace(",", ".")
    elif text.count(",") == 1 and not _GROUPED.match(text):
        text = text.replace(",", ".")
    elif text.count(".") > 1:
        text = text.replace(".", "")
    text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class Numeric(Quick):
    """1 where the number is near enough."""

    rel: float = 1e-6
    abs: float = 1e-9
    name: str = "numeric"

    def score(self, case: Case, value: Any) -> float:
        said, right = number_of(value), number_of(case.expected)
        if right is None:
            msg = f"numeric() needs an expected number, and the case has {case.expected!r:.60}"
            raise EvaluationError(msg)
        return float(said is not None and abs(said - right) <= max(self.rel * abs(right), self.abs))


def numeric(rel: float = 1e-6, abs: float = 1e-9, *, name: str = "numeric") -> Numeric:
    """1 where the value's number is within `rel` (a share of the expected one) or `abs` of what is expected.

    Of a text its last number counts, in English or German spelling.
    """
    return Numeric(rel, abs, name)


@dataclass(frozen=True)
class Contains(Quick):
    """1 where the expected text stands in the value."""

    name: str = "contains"

    def score(self, case: Case, value: Any) -> float:
        said = f" {' '.join(words(text_of(value)))} "
        wanted = [w for w in (" ".join(words(text_of(t))) for t in _texts(case.expected)) if w]
        return float(bool(wanted) and all(f" {w} " in said for w in wanted))


def contains(*, name: str = "contains") -> Contains:
    """1 where the value's text holds the expected words in their order; of several expected texts, all of them."""
    return Contains(name)


# Lists of what was retrieved.


def _sources(value: Any) -> list[set[str]]:
    """For each thing found, best first, the words that it may be known by: source, id, itself."""
    found: Any = getattr(value, "chunks", value)
    if isinstance(found, str | Mapping) or not isinstance(found, Sequence):
        kind = type(cast("Any", found)).__name__
        msg = f"hit() and mrr() need a list of what was found, and the chain gave {kind}"
        raise EvaluationError(msg, cure="measure the retriever, or an answer with its chunks")
    return [_names(item) for item in cast("Sequence[Any]", found)]


def _names(item: Any) -> set[str]:
    item = getattr(item, "document", item)
    if isinstance(item, Mapping):
        held = cast("Mapping[str, Any]", item)
        return {str(held[k]) for k in ("source", "id") if held.get(k) is not None}
    known = [getattr(item, k, None) for k in ("source", "id")]
    metadata = getattr(item, "metadata", None)
    if isinstance(metadata, Mapping):
        known.append(cast("Mapping[str, Any]", metadata).get("source"))
    return {str(n) for n in known if n is not None} or {str(item)}


def _rank(case: Case, value: Any) -> int | None:
    wanted = tuple(str(w) for w in _texts(case.expected))
    ends = tuple(f"/{w}" for w in wanted)
    for rank, names in enumerate(_sources(value), 1):
        if any(name in wanted or name.endswith(ends) for name in names):
            return rank
    return None


@dataclass(frozen=True)
class Hit(Quick):
    """1 where one of the first k is expected."""

    k: int = 5
    name: str = "hit"

    def score(self, case: Case, value: Any) -> float:
        rank = _rank(case, value)
        return float(rank is not None and rank <= self.k)


def hit(k: int = 5, *, name: str | None = None) -> Hit:
    """1 where the source or id of one of the first `k` that were found is an expected one. Its name is `hit@k`.

    The end of a path is enough: "hr/holiday.md" is the source "/srv/wiki/hr/holiday.md". Several may be expected.
    """
    if k < 1:
        msg = f"hit({k}): k is at least 1"
        raise EvaluationError(msg)
    return Hit(k, name or f"hit@{k}")


@dataclass(frozen=True)
class Mrr(Quick):
    """One divided by the rank of the first expected one."""

    name: str = "mrr"

    def score(self, case: Case, value: Any) -> float:
        rank = _rank(case, value)
        return 0.0 if rank is None else 1 / rank


def mrr(*, name: str = "mrr") -> Mrr:
    """The reciprocal rank of the first expected source or id, 0 where none was found; its mean is the MRR."""
    return Mrr(name)
