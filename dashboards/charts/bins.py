"""Grid counts gathered into the few bins of a picture, without splitting a bin of the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profiles.counts import Counts, Floats, Ints, aligned
from profiles.grid import Binning

TAIL = 0.005  # of both distributions together, left out at either end
FEW, MANY = 20, 40
FEW_ROWS = 200
MOST_ATOMS = 60
ROWS_PER_ATOM = 10
WIDE = 3  # times the usual gap between atoms
NICE = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Histogram:
    """Several counts on the same bins.

    Attributes:
        edges: of the bins, shape (n + 1,): every one is an edge of the grid, so the counts are exact.
        counts: shape (len(given), n).
        totals: all rows of each, in the picture or not.
    """

    edges: Floats
    counts: Ints
    totals: Ints

    @property
    def shares(self) -> Floats:
        """The share of all its rows that a bin holds."""
        return np.asarray(self.counts / np.maximum(self.totals, 1)[:, None], np.float64)

    @property
    def densities(self) -> Floats:
        """Share by width: areas are shares, whatever the widths."""
        return np.asarray(self.shares / np.diff(self.edges), np.float64)

    @property
    def outside(self) -> Floats:
        """The share of its rows that is left of the first edge or right of the last."""
        return np.asarray(1 - self.counts.sum(axis=1) / np.maximum(self.totals, 1), np.float64)


def histogram(space: Binning, counts: Sequence[Counts]) -> Histogram | None:
    """Gather counts on one grid into common bins; None when all are empty."""
    keys, matrix = aligned(list(counts))
    if not keys.size:
        return None
    cuts = _cuts(space, keys, matrix)
    gathered = np.array([_gather(one, cuts) for one in counts], np.int64)
    return Histogram(space.lower(cuts), gathered, matrix.sum(axis=1))


def _cuts(space: Binning, keys: Ints, matrix: Ints) -> Ints:
    """The grid keys that the bins begin at, and the one after the last."""
    totals = matrix.sum(axis=1, keepdims=True)
    mass = np.cumsum((matrix / np.maximum(totals, 1)).sum(axis=0) / max(int((totals > 0).sum()), 1))
    first = int(np.searchsorted(mass, TAIL))
    last = min(int(np.searchsorted(mass, 1 - TAIL)), keys.size - 1)
    inner = keys[first : last + 1]
    if inner.size <= MOST_ATOMS and totals.max() >= ROWS_PER_ATOM * inner.size:
        return _around_atoms(space, inner)
    low, high = float(space.lower(inner[:1])[0]), float(space.upper(inner[-1:])[0])
    width = _nice((high - low) / (MANY if totals.max() >= FEW_ROWS else FEW))
    wanted = np.arange(np.floor(low / width), np.ceil(high / width) + 0.5) * width
    # the bin of the grid that holds a wanted edge begins the bin: values on the edge go to its right
    cuts = np.unique(space.index(wanted))
    cuts[-1] = max(cuts[-1], inner[-1] + 1)  # a score of 1 lies on the last edge
    return cuts


def _around_atoms(space: Binning, keys: Ints) -> Ints:
    """A bin for each occupied key, half way to neighbours that are near: for whole numbers and such."""
    if keys.size == 1:
        return np.array([keys[0], keys[0] + 1])
    middle = (space.lower(keys) + space.upper(keys)) / 2
    gaps = np.diff(middle)
    reach = float(np.median(gaps)) / 2
    wide = gaps > WIDE * 2 * reach  # a bin that reached into the middle of these would tell a lie
    right = middle[:-1] + np.where(wide, reach, gaps / 2)
    left = np.where(wide, middle[1:] - reach, right)
    starts = np.concatenate([[middle[0] - reach], left])
    ends = np.concatenate([right, [middle[-1] + reach]])
    before = np.minimum(space.index(starts), keys)
    after = np.maximum(space.index(ends), keys + 1)
    before[1:] = np.maximum(before[1:], keys[:-1] + 1)
    after[:-1] = np.minimum(after[:-1], keys[1:])
    return np.unique(np.concatenate([before, after]))


def _nice(width: float) -> float:
    """The smallest of 1, 2, 5, 10 times a power of ten that is at least `width`."""
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(step for step in NICE if step * power >= width * (1 - 1e-9)) * power)


def _gather(counts: Counts, cuts: Ints) -> Ints:
    sums = np.concatenate([[0], np.cumsum(counts.values)])
    return np.diff(sums[np.searchsorted(counts.keys, cuts)])
