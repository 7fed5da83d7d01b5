"""Cells that know how far apart they are, and what it costs to move mass between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from detectors.bridge import POINTS
from detectors.cells import NumericCells
from profiles import NumericSummary
from profiles.counts import Floats, Ints
from profiles.numeric import FAR

FARTHEST = 2.0**64  # the last bin of a grid, in scales; nothing is taken to be further off
PARTS = 512  # of a unit: bins narrower than one of them are put together
OFTEN = 10  # values of a window beyond a place: few enough to see tails, and enough for a normal law
LIGHT = 0.1  # kurtosis, for each row of a window: less, and its mean has a nearly normal law
ROUNDING = 1e-12  # of a mean square: less is no variance


@dataclass(frozen=True, eq=False)
class TransportCells(NumericCells):
    """A cell for each bin between the extremes of the reference, and four sums for what is beyond them.

    A row has the counts; how far below the lowest and above the highest edge the values are in total; and how
    far they are within reach. Distances are in units. Where a value is, is known to half the width of its bin
    (at most 1/256 of the grid's scale and of its distance from the centre) and 1/1024 of the unit; the cost
    of moving one row into another is known to the mean of that over the values of one, and of the other.

    Attributes:
        unit: the standard deviation, or the grid's scale where that is not finite or 0.
        rows: how many values a typical window has.
        reach: the places up to which values are evidence.
    """

    unit: float
    rows: float
    reach: tuple[float, float] = (-FARTHEST, FARTHEST)

    @classmethod
    def spanning(cls, windows: Sequence[NumericSummary]) -> TransportCells:
        """The cells of a reference, from its windows that have values."""
        space, unit = windows[0].space, deviation(windows)
        first = min(int(window.counts.keys[0]) for window in windows)
        last = max(int(window.counts.keys[-1]) for window in windows)
        rows = sum(window.count for window in windows) / len(windows)
        every = cls(space, bins(space, first, last), unit, rows)
        steps = np.floor(every.middle(every.edges, every.edges) * PARTS)
        kept = np.flatnonzero(np.diff(steps, prepend=-np.inf))
        cells = cls(space, np.union1d(every.edges[kept], last + 1), unit, rows)
        return replace(cells, reach=cells.reached(windows))

    def reached(self, windows: Sequence[NumericSummary]) -> tuple[float, float]:
        """The places up to which a window's values are evidence: at least one step from the median.

        A step is the grid's scale or the unit, which is less. Where tails are light, twice the way to the
        extremes; where they are heavy, as far as a typical window has `OFTEN` values beyond.
        """
        counts = np.sum([NumericCells.row(self, window) for window in windows], axis=0)
        below, places = np.cumsum(counts), self.places
        light = kurtosis(counts / below[-1], places) <= LIGHT * self.rows
        tail = 1.0 if light else min(OFTEN * len(windows), below[-1] / 2)
        low, median, high = places[np.searchsorted(below, [tail, below[-1] / 2, below[-1] - tail])]
        step, far = min(getattr(self.space, "scale", self.unit) / self.unit, 1.0), 2.0 if light else 1.0
        return median + min(far * (low - median), -step), median + max(far * (high - median), step)

    def middle(self, first: Ints, last: Ints) -> Floats:
        """The middle between the lower edges of bins, in units from the grid's centre."""
        with np.errstate(over="ignore"):  # an infinity is far enough
            middle = self.space.lower(first) / 2 + self.space.lower(last) / 2 - self.space.center
            places: Floats = np.clip(middle / self.unit, -FARTHEST, FARTHEST)
        return places

    @cached_property
    def places(self) -> Floats:
        """Where each cell's values are taken to be, in units; of the outer cells their edge."""
        edges = self.edges
        return self.middle(np.append(edges[:1], edges), np.append(edges, edges[-1:]))

    @cached_property
    def near(self) -> Floats:
        """The places, as far as they are within reach."""
        return np.clip(self.places, *self.reach)

    def row(self, summary: NumericSummary) -> Floats:
        """Counts, and distances: below, above, below within reach, above within reach. Shape (cells + 4,)."""
        counts, found = summary.counts, []
        beyond = (counts.keys < self.edges[0]) | (counts.keys >= self.edges[-1])
        keys, many = counts.keys[beyond], counts.values[beyond]
        at = self.middle(keys, keys + 1)
        for values, ends in ((at, self.places), (np.clip(at, *self.reach), self.near)):
            found += [np.maximum(ends[0] - values, 0) @ many, np.maximum(values - ends[-1], 0) @ many]
        return np.append(super().row(summary), found)

    def cost(self, moved: Floats, *, all_the_way: bool) -> Floats:
        """What it costs to move differences of shares, shape (pairs, cells + 4): the area between the two.

        Args:
            moved: one row's shares less the other's.
            all_the_way: or else within reach.
        """
        places, beyond = (self.places, moved[:, -4:-2]) if all_the_way else (self.near, moved[:, -2:])
        gaps = np.abs(np.cumsum(moved[:, :-4], axis=1)[:, :-1])
        found: Floats = gaps @ np.diff(places) + np.abs(beyond).sum(axis=1)
        return found


def bins(space: Any, first: int, last: int) -> Ints:
    """The bins from first to last that there are; a grid of scores leaves some out, in its middle."""
    keys = np.arange(first, last + 1)
    with np.errstate(over="ignore"):
        real = space.index(space.lower(keys) / 2 + space.lower(keys + 1) / 2) == keys
    return np.union1d(keys[real], [first, last])


def kurtosis(share: Floats, places: Floats) -> float:
    """The excess kurtosis of shares of values at places: 0 of a normal variable, and of a constant."""
    squares = np.square(places - share @ places)
    variance = float(share @ squares)
    return float(share @ np.square(squares / variance)) - 3 if variance > 0 else 0.0


def deviation(windows: Sequence[NumericSummary]) -> float:
    """The standard deviation of all windows' values; the grid's scale where that is not finite or 0.

    A grid of scores has no scale: it is 1.
    """
    rows = sum(window.count for window in windows)
    mean, square = (sum(getattr(one, name) for one in windows) / rows for name in ("total", "squares"))
    variance = square - mean**2
    finite = all(window.low > -FAR and window.high < FAR for window in windows)
    if finite and variance > ROUNDING * square:
        return float(np.sqrt(variance))
    return float(getattr(windows[0].space, "scale", 1.0))


def expected_square(share: Floats, places: Floats) -> float:
    """The mean of n d**2, with d the cost and n independent rows: the squared area under a Brownian bridge.

    By the mean of |X Y| for two normal variables (Nabeya, Annals of the Institute of Statistical Mathematics
    3, 1951), with neighbours that go together anyway as one.

    Args:
        share: of each cell, shape (cells,).
        places: of the cells, ascending, shape (cells,).

    >>> round(expected_square(np.array([0.5, 0.5]), np.array([3.0, 4.0])), 6)
    0.25
    """
    below = np.clip(np.cumsum(share)[:-1], 0, 1)
    inside = (below > 0) & (below < 1)
    below, gaps = below[inside], np.diff(places)[inside]
    weight = np.sqrt(below * (1 - below)) * gaps
    if not weight.sum() > 0:
        return 0.0
    depth = np.log(below / (1 - below)) / 2  # the correlation of two places is exp(-|difference|)
    groups = np.minimum(np.cumsum(weight) / weight.sum() * POINTS, POINTS - 1).astype(np.int64)
    weights = np.bincount(groups, weights=weight)
    depths = np.bincount(groups, weights=weight * depth) / np.maximum(weights, np.finfo(float).tiny)
    related = np.exp(-np.abs(depths[:, None] - depths[None, :]))
    products = (np.sqrt(1 - np.square(related)) + related * np.arcsin(related)) * 2 / np.pi
    return float(weights @ products @ weights)
