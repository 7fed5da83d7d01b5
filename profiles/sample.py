"""A bottom-k sample of rows: those with the smallest hashes, so that samples of parts make that of the whole.

Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007. The hash of a row does not depend on
its values, so the sample is uniform; which rows it holds depends on the rows alone, not on their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Ints

Hashes = npt.NDArray[np.uint64]
Column = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a sample, by columns. Samples add: associative, commutative, idempotent; they do not subtract.

    Attributes:
        space: how many rows it holds at most.
        hashes: of the rows, distinct and ascending, shape (n,).
        columns: by name: numbers (n,) with NaN for missing, words (n,) as objects with None for missing, or
            vectors (n, d). A column without any value is left out.
    """

    space: BottomK
    hashes: Hashes
    columns: Mapping[str, Column]

    @property
    def count(self) -> int:
        """How many rows it holds."""
        return int(self.hashes.size)

    def __add__(self, other: Sample) -> Sample:
        if self.space != other.space:
            raise ValueError(f"only samples of the same space add: {self.space!r} and {other.space!r} differ")
        return self.space.union([self, other])

    def __eq__(self, other: object) -> bool:
        """Equal in every value; missing values are equal."""
        return (
            isinstance(other, Sample)
            and self.space == other.space
            and self.columns.keys() == other.columns.keys()
            and np.array_equal(self.hashes, other.hashes)
            and all(_same(column, other.columns[name]) for name, column in self.columns.items())
        )

    __hash__ = None  # type: ignore[assignment]  # equality by content of arrays

    def same_counts(self, other: Sample) -> bool:
        """Whether both are equal."""
        return self == other


@dataclass(frozen=True)
class BottomK:
    """Keeps the rows with the `rows` smallest hashes; of rows with one hash the first.

    >>> space = BottomK(2)
    >>> halves = [space.summarize(np.array(h, np.uint64), {"x": np.array(h, float)}) for h in ([9, 4], [7])]
    >>> sum(halves, space.zero()).columns["x"].tolist()
    [4.0, 7.0]
    """

    rows: int = 1000
    kind: ClassVar[str] = "sample"

    def summarize(self, hashes: Hashes, columns: Mapping[str, Column]) -> Sample:
        """The sample of some rows: their hashes, shape (n,), and their columns, shape (n,) or (n, d)."""
        kept = smallest_of(hashes, self.rows)
        taken = {name: columns[name][kept] for name in sorted(columns)}
        return Sample(self, hashes[kept], {name: c for name, c in taken.items() if not _empty(c)})

    def union(self, parts: Sequence[Sample]) -> Sample:
        """The sum of samples of this space, at once."""
        if not parts:
            return self.zero()
        names = {name: None for part in parts for name in part.columns}
        sizes = [part.count for part in parts]
        joined = {name: _joined([part.columns.get(name) for part in parts], sizes) for name in names}
        return self.summarize(np.concatenate([part.hashes for part in parts]), joined)

    def zero(self) -> Sample:
        """The sample of no rows."""
        return Sample(self, np.zeros(0, np.uint64), {})


def smallest_of(hashes: Hashes, most: int) -> Ints:
    """The places of the `most` smallest distinct values, ascending by value.

    >>> smallest_of(np.array([5, 3, 9, 3], np.uint64), 2).tolist()
    [1, 0]
    """
    if most and hashes.size > 2 * most:  # a selection is cheaper than a sort
        few = np.flatnonzero(hashes <= np.partition(hashes, most - 1)[most - 1])
        values, first = np.unique(hashes[few], return_index=True)
        if values.size >= most:
            return few[first[:most]]
    return np.unique(hashes, return_index=True)[1][:most].astype(np.int64)


def _same(one: Column, other: Column) -> bool:
    if one.shape != other.shape or (one.dtype.kind == "f") is not (other.dtype.kind == "f"):
        return False
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _empty(column: Column) -> bool:
    if not column.size:
        return True
    if column.dtype.kind == "f":
        return bool(column.flat[0] != column.flat[0] and np.isnan(column).all())
    return column[0] is None and all(value is None for value in column)


def _rank(column: Column) -> tuple[int, bool, int]:
    return column.ndim, column.dtype.kind == "f", column.size // max(len(column), 1)


def _joined(parts: Sequence[Column | None], sizes: Sequence[int]) -> Column:
    """One column of several parts; what a part does not have, or has as another type, is missing there."""
    given = [part for part in parts if part is not None]
    like = max(given, key=_rank)
    missing = None if like.dtype == object else np.nan
    return np.concatenate(
        [
            part
            if part is not None and _rank(part) == _rank(like)
            else np.full((size, *like.shape[1:]), missing, like.dtype)
            for part, size in zip(parts, sizes, strict=True)
        ]
    )
