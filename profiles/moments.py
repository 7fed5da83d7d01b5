"""First and second moments of vectors: of an embedding, or of a whole row of numeric columns.

Values are standardised, cut off at `LIMIT` and rounded to steps of 1 / `STEPS`, so that every sum is a sum of
integers: it does not depend on the order of the rows, to the bit. The noise of rounding is 0.06 % of the
variance (Sheppard, Proceedings of the London Mathematical Society 29, 1898).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from profiles.counts import Floats, Ints
from profiles.directions import principal_axes, variation, whitening
from profiles.grid import Grid
from profiles.groups import Groups
from profiles.sums import Sums

STEPS = 12  # of a standard deviation
LIMIT = 5  # standard deviations: outliers must not decide alone
FARTHEST = STEPS * LIMIT
PIECE = 1 << 12  # rows: FARTHEST**2 * PIECE < 2**24, so a single-precision product of the whole is exact
MOST_DIRECTIONS = 32
ENOUGH = 1 << 11  # rows of a window: of more a sample is counted
FITTED = 1 << 12  # rows that directions are fitted to
EXACT = 1 << 13  # the basis of few columns is rounded so: FARTHEST * EXACT * MOST_DIRECTIONS < 2**24
MOST_EVERY = 1 << 10
NORMAL_QUARTILES = 1.349  # standard deviations from the lower to the upper quartile
NEAR = 100  # scales from zero to the centre: single precision still tells a hundredth of a step apart
TINY = 1e-30  # scales below have no factor in single precision
COARSE = 1 << 15  # the basis of many columns

ROW = "row"  # the part of whole rows
EMBEDDING = "moments."  # of the part of an embedding: its name follows

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MomentSummary(Sums):
    """Sums over the rows, in steps.

    Attributes:
        totals: of each direction, shape (r,).
        products: of each pair of directions, the upper triangle by rows, shape (r * (r + 1) / 2,).
        count: the rows that have a value.
        nulls: the rows that have none.
    """

    totals: Ints
    products: Ints
    count: int = 0
    nulls: int = 0

    def row(self) -> Floats:
        """The totals, then the products, in steps."""
        return np.concatenate([self.totals, self.products]).astype(np.float64)


@dataclass(frozen=True)
class Moments:
    """Standardised vectors in at most `MOST_DIRECTIONS` directions, which the reference fixes.

    Attributes:
        names: of the columns, shape (d,); empty for an embedding.
        centers: of the columns, shape (d,).
        scales: of the columns, shape (d,).
        basis: the directions, shape (d * r,), row by row in whole numbers; empty for the columns themselves.
        unit: what 1 in the product of steps and basis is in steps.
        offsets: subtracted from each direction, shape (r,), in steps.
        every: of the rows with an id so many in one are counted, chosen by the id's hash: a power of 2.
        kurtosis: how much products vary, as a multiple of what those of a normal distribution do.
        widest: the largest variance of a product, whitened; 2 for a normal distribution.

    >>> space = Moments(("features.a", "features.b"), (0.0, 0.0), (1.0, 1.0))
    >>> summary = space.summarize([np.array([1.0, -1.0]), np.array([2.0, np.nan])])
    >>> summary.row().tolist()
    [0.0, 24.0, 288.0, 288.0, 576.0]
    """

    names: tuple[str, ...]
    centers: tuple[float, ...]
    scales: tuple[float, ...]
    basis: tuple[int, ...] = ()
    unit: float = 1.0
    offsets: tuple[float, ...] = ()
    every: int = 1
    kurtosis: float = 1.0
    widest: float = 2.0
    kind: ClassVar[str] = "moments"

    @property
    def directions(self) -> int:
        """How many directions there are: r."""
        return len(self.offsets) if self.basis else len(self.centers)

    @cached_property
    def _matrix(self) -> Floats:
        """The basis, shape (r, d)."""
        if not self.basis:
            return np.eye(len(self.centers))
        return np.array(self.basis, np.float64).reshape(len(self.centers), -1).T

    @cached_property
    def loadings(self) -> Floats:
        """What each direction is in standardised columns, shape (d, r): the inverse of the basis."""
        turned = self._matrix * (self.unit if self.basis else 1.0)
        return np.linalg.pinv(turned).astype(np.float64, copy=False)

    def sampled(self, ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which rows are counted, by the hashes of their ids, shape (n,)."""
        return ids <= np.uint64((1 << 64) // self.every - 1)

    @classmethod
    def fit(cls, columns: Sequence[Floats], names: tuple[str, ...] = (), rows: float = 0) -> Moments:
        """Standardise by medians and quartiles; whiten, or turn many columns to their principal axes.

        Whitened values are cut off as well: where columns are nearly collinear, one odd row is far out.

        Args:
            columns: of the reference, shape (n,) each, NaN for missing.
            names: of the columns.
            rows: of a typical window.
        """
        grids = [Grid.fit(column) for column in columns]
        plain = cls(
            names,
            tuple(grid.center for grid in grids),
            tuple(grid.scale / NORMAL_QUARTILES for grid in grids),
            every=min(1 << max(int(np.ceil(np.log2(max(rows, 1) / ENOUGH))), 0), MOST_EVERY),
        )
        steps = plain._steps(plain._filled(columns))
        vectors = steps[:-1, steps[-1] > 0].T.astype(np.float64)
        few = vectors[:FITTED] / STEPS
        narrow = len(columns) <= MOST_DIRECTIONS
        axes = whitening(few) if narrow else principal_axes(few, MOST_DIRECTIONS)
        unit = float(np.abs(axes).max()) / (EXACT if narrow else COARSE)
        basis = np.rint(axes / unit)
        offsets = vectors.mean(axis=0) @ basis * unit if len(vectors) else np.zeros(basis.shape[1])
        whole = tuple(basis.astype(np.int64).ravel().tolist())
        plain = replace(plain, basis=whole, unit=unit, offsets=tuple(offsets.tolist()))
        vectors = plain.projected(vectors.T.astype(np.float32)).T.astype(np.float64)
        kurtosis, widest = variation(vectors / STEPS)
        return replace(plain, kurtosis=kurtosis, widest=widest)

    @cached_property
    def _narrow(self) -> tuple[Singles, Singles, list[bool]]:
        """Centres and factors for what is in single precision, shape (d, 1); and which columns can be."""
        centers, scales = np.array(self.centers), np.array(self.scales)
        narrow = (np.abs(centers) <= NEAR * scales) & (scales < 1 / TINY) & (scales > TINY)
        centers, factors = np.where(narrow, centers, 0.0), STEPS / np.where(narrow, scales, 1.0)
        return centers[:, None].astype(np.float32), factors[:, None].astype(np.float32), narrow.tolist()

    def matrix(self, rows: int) -> Singles:
        """Room for the columns of so many rows, shape (d + 1, rows): missing, but for the last, of ones."""
        found = np.full((len(self.centers) + 1, rows), np.nan, np.float32)
        found[-1] = 1
        return found

    def put(self, matrix: Singles, place: int, values: npt.NDArray[np.floating]) -> None:
        """Write a column, NaN for missing; what single precision would spoil is standardised first."""
        with np.errstate(over="ignore"):  # an infinity is cut off
            matrix[place] = (
                values if self._narrow[2][place] else (values - self.centers[place]) / self.scales[place]
            )

    def _steps(self, matrix: Singles) -> Singles:
        """The same in whole steps, in place; the last row is 0 where a row of data has no value."""
        inner, (centers, factors, _) = matrix[:-1], self._narrow
        with np.errstate(over="ignore"):
            inner -= centers
            inner *= factors
        np.clip(inner, -FARTHEST, FARTHEST, out=inner)
        np.rint(inner, out=inner)
        if np.isnan(inner.sum()):  # cheaper than to look at every value
            missing = np.isnan(inner)
            matrix[-1, missing.all(axis=0)] = 0
            inner[missing] = 0  # the centre
        return matrix

    def projected(self, vectors: Singles) -> Singles:
        """Columns in steps, shape (d, n), as directions in whole steps, shape (r, n).

        The product is one of whole numbers, below 2**24 in single precision and 2**53 in double: exact, in
        whatever order it is summed.
        """
        narrow = len(self.centers) <= MOST_DIRECTIONS
        matrix = self._single if narrow else self._matrix
        turned = matrix @ (vectors if narrow else vectors.astype(np.float64))
        turned *= self.unit
        turned -= np.array(self.offsets)[:, None]
        np.clip(turned, -FARTHEST, FARTHEST, out=turned)
        found: Singles = np.rint(turned, out=turned).astype(np.float32, copy=False)
        return found

    @cached_property
    def _single(self) -> Singles:
        return self._matrix.astype(np.float32)

    def _sums(self, matrix: Singles) -> MomentSummary:
        """The summary of some rows."""
        size, rows = self.directions + 1, matrix.shape[1]
        gram = np.zeros((size, size), np.int64)
        for start in range(0, rows, PIECE):
            steps = self._steps(matrix[:, start : start + PIECE])
            if self.basis:
                steps = np.concatenate([self.projected(steps[:-1]) * steps[-1], steps[-1:]])
            gram += (steps @ steps.T).astype(np.int64)
        count = int(gram[-1, -1])
        return MomentSummary(self, gram[-1, :-1].copy(), gram[self._triangle], count, rows - count)

    @cached_property
    def _triangle(self) -> tuple[Ints, Ints]:
        rows, columns = np.triu_indices(self.directions)
        return rows, columns

    def tally(self, matrix: Singles, groups: Groups) -> list[MomentSummary]:
        """Sum rows for each sum of groups.

        A missing value is taken to be the centre. A row without any value is missing.

        Args:
            matrix: from `matrix`, with the columns that there are `put` into it; it is used up.
            groups: of the rows.
        """
        if groups.count == 1:
            return [self._sums(matrix)] * len(groups.wanted)
        by_group = [self._sums(matrix[:, places]) for places in groups.parts(np.arange(matrix.shape[1]))]
        return [sum((by_group[group] for group in one), self.zero()) for one in groups.wanted]

    def summarize(self, columns: Sequence[npt.NDArray[np.floating]]) -> MomentSummary:
        """Sum the rows of `columns`, shape (n,) each, NaN for missing."""
        return self.tally(self._filled(columns), Groups.whole(len(columns[0])))[0]

    def _filled(self, columns: Sequence[npt.NDArray[np.floating]]) -> Singles:
        matrix = self.matrix(len(columns[0]))
        for place, column in enumerate(columns):
            self.put(matrix, place, column)
        return matrix

    def zero(self) -> MomentSummary:
        """The summary of no rows."""
        r = self.directions
        return MomentSummary(self, np.zeros(r, np.int64), np.zeros(r * (r + 1) // 2, np.int64))


def moments_subject(part: str) -> str | None:
    """The feature that a part with moments is of; None for whole rows, and for parts without.

    >>> moments_subject("moments.photo"), moments_subject("row")
    ('photo', None)
    """
    return part.removeprefix(EMBEDDING) if part.startswith(EMBEDDING) else None
