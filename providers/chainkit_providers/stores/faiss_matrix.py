"""FAISS's index over numbered vectors of length one: what was taken out is passed over, or cut out where that is cheap."""

from __future__ import annotations

from typing import Any

_FEW = 5_000
"""A filter that lets no more pass than this is answered by comparing them all: a graph finds few of few."""


class Matrix:
    """Vectors by number. Not for several threads at once."""

    def __init__(self, faiss: Any, how: str, dimensions: int, probe: int | None) -> None:
        import numpy as np

        self._np, self._faiss = np, faiss
        self._how, self.dimensions, self._probe = how, dimensions, probe
        self.last = 0
        self._numbers = np.zeros(0, np.int64)
        self._alive = np.zeros(0, bool)
        self._vectors = np.zeros((0, dimensions), np.float32)
        self._index: Any = None
        self._learns, self._learned = False, 0

    @property
    def _flat(self) -> bool:
        return self._how == "Flat"

    def add(self, numbers: list[int], packed: bytes) -> None:
        """More vectors, numbered upwards."""
        if not numbers:
            return
        np = self._np
        new = np.frombuffer(packed, np.float32).reshape(len(numbers), self.dimensions)
        self._numbers = np.concatenate([self._numbers, np.asarray(numbers, np.int64)])
        self._alive = np.concatenate([self._alive, np.ones(len(numbers), bool)])
        self.last = numbers[-1]
        if not self._flat:
            self._vectors = np.concatenate([self._vectors, new])
        if self._index is None or (self._learns and 2 * self._learned < len(self._numbers)):
            self._make(new if self._flat else self._vectors)
        else:
            self._index.add(new)

    def _make(self, vectors: Any) -> None:
        """The index anew. Cells are learned from the vectors; while they are too few for that, it is flat."""
        inner = self._faiss.METRIC_INNER_PRODUCT
        self._index = self._faiss.index_factory(self.dimensions, self._how, inner)
        self._learns, self._learned = not self._index.is_trained, len(vectors)
        try:
            self._index.train(vectors)
        except RuntimeError:
            self._index = self._faiss.index_factory(self.dimensions, "Flat", inner)
        self._index.add(vectors)

    def keep(self, numbers: list[int]) -> None:
        """Take out all but these."""
        np = self._np
        self._alive &= np.isin(self._numbers, np.asarray(numbers, np.int64))
        gone = int(len(self._alive) - self._alive.sum())
        if self._flat and gone:
            self._index.remove_ids(self._selector(~self._alive))
        elif gone <= len(self._alive) // 3:
            return
        self._numbers = self._numbers[self._alive]
        if not self._flat:
            self._vectors = self._vectors[self._alive]
        self._alive = np.ones(len(self._numbers), bool)
        if not self._flat:
            self._make(self._vectors)

    def nearest(self, vectors: Any, k: int, among: list[int] | None) -> list[list[tuple[int, float]]]:
        """For each vector (number, cosine) of the k nearest, of those numbers."""
        open_ = self._alive
        if among is not None:
            open_ = open_ & self._np.isin(self._numbers, self._np.asarray(among, self._np.int64))
        many = int(open_.sum())
        k = min(k, many)
        if k < 1:
            return [[] for _ in vectors]
        if many <= _FEW and not self._flat and among is not None:
            return self._compared(vectors, k, open_)
        scores, places = self._index.search(vectors, k, params=self._asking(open_, k, all_=many == len(open_)))
        return [
            [(int(self._numbers[p]), _cosine(s)) for s, p in zip(row, near, strict=True) if p >= 0]
            for row, near in zip(scores.tolist(), places.tolist(), strict=True)
        ]

    def _compared(self, vectors: Any, k: int, open_: Any) -> list[list[tuple[int, float]]]:
        scores, numbers = vectors @ self._vectors[open_].T, self._numbers[open_]
        best = self._np.argsort(-scores, axis=1)[:, :k]
        return [
            [(int(numbers[p]), _cosine(float(row[p]))) for p in near] for row, near in zip(scores, best, strict=True)
        ]

    def _asking(self, open_: Any, k: int, *, all_: bool) -> Any:
        faiss, known = self._faiss, {} if all_ else {"sel": self._selector(open_)}
        if isinstance(self._index, faiss.IndexHNSW):
            return faiss.SearchParametersHNSW(efSearch=max(2 * k, self._probe or 64), **known)
        if isinstance(self._index, faiss.IndexIVF):
            return faiss.SearchParametersIVF(nprobe=self._probe or 16, **known)
        return faiss.SearchParameters(**known) if known else None

    def _selector(self, mask: Any) -> Any:
        return self._faiss.IDSelectorBitmap(self._np.packbits(mask, bitorder="little"))


def _cosine(score: float) -> float:
    return max(-1.0, min(1.0, score))
