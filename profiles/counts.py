"""Sparse counts: how many rows fell on each integer key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MERGED_SPAN = 1 << 15
DENSE_SPAN = 1 << 17  # up to this span of keys a bincount beats a sort


def _empty() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Counts:
    """A multiset of integer keys: `keys` ascending and distinct, `values` their counts, never 0.

    >>> Counts.of(np.array([3, 1, 3])) + Counts.of(np.array([1]))
    Counts({1: 2, 3: 2})
    """

    keys: Ints = field(default_factory=_empty)
    values: Ints = field(default_factory=_empty)

    @classmethod
    def of(cls, keys: npt.NDArray[np.integer]) -> Counts:
        """Count `keys`, an integer array of any length."""
        if keys.size == 0:
            return cls()
        low, high = int(keys.min()), int(keys.max())
        if high - low < DENSE_SPAN:
            dense = np.bincount(keys - low)
            present = np.flatnonzero(dense)
            return cls(present + low, dense[present].astype(np.int64))
        distinct, values = np.unique(keys, return_counts=True)
        return cls(distinct.astype(np.int64), values.astype(np.int64))

    @classmethod
    def weighted(cls, keys: Ints, values: Ints) -> Counts:
        """Add up `values` over equal `keys`, and drop what comes to 0."""
        distinct, inverse = np.unique(keys, return_inverse=True)
        sums = np.zeros(distinct.size, np.int64)
        np.add.at(sums, inverse, values)
        kept = sums != 0
        return cls(distinct[kept], sums[kept])

    @classmethod
    def added(cls, parts: Sequence[Counts]) -> Counts:
        """The sum of many counts, in one pass.

        >>> Counts.added([Counts.of(np.array([3, 1])), Counts.of(np.array([3])), Counts()])
        Counts({1: 1, 3: 2})
        """
        held = [part for part in parts if part.keys.size]
        if not held:
            return cls()
        keys, values = (np.concatenate([getattr(one, name) for one in held]) for name in ("keys", "values"))
        return cls.weighted(keys, values)

    @property
    def total(self) -> int:
        """How many rows were counted."""
        return int(self.values.sum())

    def at(self, keys: Ints) -> Ints:
        """The counts of `keys`, 0 where a key is absent."""
        if self.keys.size == 0:
            return np.zeros(keys.size, np.int64)
        place = np.minimum(np.searchsorted(self.keys, keys), self.keys.size - 1)
        return np.where(self.keys[place] == keys, self.values[place], 0)

    def __add__(self, other: Counts) -> Counts:
        if not other.keys.size:
            return self
        if not self.keys.size:
            return other
        low = min(int(self.keys[0]), int(other.keys[0]))
        span = max(int(self.keys[-1]), int(other.keys[-1])) - low + 1
        if span > MERGED_SPAN:
            keys, values = (self.keys, other.keys), (self.values, other.values)
            return Counts.weighted(np.concatenate(keys), np.concatenate(values))
        dense = np.zeros(span, np.int64)
        dense[self.keys - low] = self.values
        dense[other.keys - low] += other.values
        present = np.flatnonzero(dense)
        return Counts(present + low, dense[present])

    def __sub__(self, other: Counts) -> Counts:
        return self + Counts(other.keys, -other.values)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Counts)
            and np.array_equal(self.keys, other.keys)
            and np.array_equal(self.values, other.values)
        )

    __hash__ = None  # type: ignore[assignment]  # equality by content of arrays

    def __repr__(self) -> str:
        return f"Counts({dict(zip(self.keys.tolist(), self.values.tolist(), strict=True))})"


def aligned(counts: list[Counts]) -> tuple[Ints, Ints]:
    """Lay several counts over the union of their keys.

    Returns:
        The keys, shape (k,), and a matrix of counts, shape (len(counts), k).

    >>> aligned([Counts.of(np.array([1, 1])), Counts.of(np.array([5]))])[1].tolist()
    [[2, 0], [0, 1]]
    """
    keys = np.unique(np.concatenate([c.keys for c in counts])) if counts else _empty()
    matrix = np.zeros((len(counts), keys.size), np.int64)
    for row, one in zip(matrix, counts, strict=True):
        row[np.searchsorted(keys, one.keys)] = one.values
    return keys, matrix
