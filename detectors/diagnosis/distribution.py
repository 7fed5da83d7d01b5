"""A numeric summary in the units of its values, so that it can be transformed and compared across grids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from profiles import NumericSummary
from profiles.counts import Floats

OUTER = (0.02, 0.98)
SLACK = 1e-9  # rounding, relative
CANCELLED = 1e-11  # a variance that is a smaller part of a mean square is rounding
KS_OF_SHIFT, KS_OF_SCALE = 0.4, 0.24  # of a normal distribution, per standard deviation and per log of scale
FAR, MOST = 1e300, 1e140  # the largest value, and the largest that has a square


@dataclass(frozen=True, eq=False)
class Distribution:
    """Shares of rows in intervals, with moments that are known better than the intervals are narrow.

    Attributes:
        lower: the lower end of each interval, shape (k,).
        upper: the upper end, shape (k,).
        mass: the share of the rows in each, shape (k,), with sum 1.
        count: how many rows.
        mean: their mean; NaN if unknown.
        std: their standard deviation; NaN if unknown.
    """

    lower: Floats
    upper: Floats
    mass: Floats
    count: float
    mean: float = np.nan
    std: float = np.nan

    @classmethod
    def of(cls, summary: NumericSummary) -> Self | None:
        """The values of a summary; None if it has none. Its extremes bound the outermost intervals."""
        keys, count = summary.counts.keys, summary.count
        if count <= 0:
            return None
        low, high = np.clip([summary.low, summary.high], -FAR, FAR)
        lower, upper = (np.clip(edge(keys), low, high) for edge in (summary.space.lower, summary.space.upper))
        offset = summary.total / count
        variance = summary.squares / count - offset**2
        lost = variance <= CANCELLED * offset**2 and low < high  # far from the centre, and close together
        std = np.nan if lost else float(np.sqrt(max(variance, 0.0)))
        mass = summary.counts.values / count
        return cls(lower, np.maximum(lower, upper), mass, count, summary.mean(), std)

    @property
    def low(self) -> float:
        """The smallest value that is possible."""
        return float(self.lower.min())

    @property
    def high(self) -> float:
        """The largest value that is possible."""
        return float(self.upper.max())

    @property
    def middle(self) -> Floats:
        """The middle of each interval."""
        return self.lower / 2 + self.upper / 2

    @cached_property
    def coarse(self) -> bool:
        """Whether the intervals are too wide to show the shape: far from a grid's centre they may be."""
        low, high = self.quantiles(OUTER)
        width = float(self.mass @ (self.upper - self.lower))
        return not (width <= self.std and 2 * width <= high - low) and width > 0  # one far value makes a std

    def quantiles(self, levels: npt.ArrayLike) -> Floats:
        """The values at some levels, spread evenly within each interval."""
        ends = np.cumsum(self.mass)
        wanted = np.asarray(levels, np.float64)
        place = np.minimum(np.searchsorted(ends, wanted - 1e-12), ends.size - 1)
        share = np.clip((wanted - ends[place] + self.mass[place]) / self.mass[place], 0, 1)
        return self.lower[place] + share * (self.upper[place] - self.lower[place])

    def below(self, points: Floats) -> Floats:
        """The share of the rows that are certainly at or below each point."""
        return _cumulated(self.upper, self.mass, points)

    def reached(self, points: Floats) -> Floats:
        """The share of the rows that may be at or below each point."""
        return _cumulated(self.lower, self.mass, points)

    def gap(self, other: Distribution) -> float:
        """The Kolmogorov-Smirnov distance that remains wherever in their intervals the values are."""
        over = self.below(self.upper) - other.reached(self.upper)
        under = other.below(other.upper) - self.reached(other.upper)
        return float(max(over.max(), under.max(), 0.0))

    def beyond(self, other: Distribution) -> float:
        """The share of the rows that are certainly outside the extremes of another."""
        return float(self.mass[(self.lower > other.high) | (self.upper < other.low)].sum())

    def residual(self, other: Distribution) -> float:
        """As `gap`; where intervals are too wide to tell, the moments have a say."""
        gap = self.gap(other)
        if not (other.coarse or self.coarse) or not self.std:
            return gap
        shift = abs(self.mean - other.mean) / np.nanmin([self.std, other.std])
        scale = np.nan_to_num(abs(np.log(self.std / other.std))) if other.std else np.inf
        return float(np.clip(max(gap, KS_OF_SHIFT * shift, KS_OF_SCALE * scale), 0, 1))

    def affine(self, shift: float, scale: float, slack: float = SLACK) -> Distribution:
        """The distribution of shift + scale * x, with intervals a little wider (relative to the values)."""
        ends = np.sort([shift + scale * self.lower, shift + scale * self.upper], axis=0)
        wider = slack * np.abs(ends - shift).max(axis=0) + SLACK * abs(shift)
        mean, std = shift + scale * self.mean, abs(scale) * self.std
        return replace(self, lower=ends[0] - wider, upper=ends[1] + wider, mean=mean, std=std)

    def mapped(self, function: Callable[[Floats], Floats]) -> Distribution:
        """The distribution of a monotone function of the values; its moments are those of the middles."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            ends = np.sort([function(self.lower), function(self.upper)], axis=0)
            middle = np.clip(np.nan_to_num(function(self.middle), nan=FAR), -MOST, MOST)
        ends = np.nan_to_num(ends, nan=FAR, posinf=FAR, neginf=-FAR)
        wider = SLACK * np.abs(ends).max(axis=0)
        mean = float(self.mass @ middle)
        std = float(np.sqrt(self.mass @ np.square(middle - mean)))
        return replace(self, lower=ends[0] - wider, upper=ends[1] + wider, mean=mean, std=std)

    def within(self, kept: npt.NDArray[np.bool_]) -> Distribution:
        """The rows in some of the intervals."""
        share = float(self.mass[kept].sum())
        mass = self.mass[kept] / share if share else self.mass[kept]
        return Distribution(self.lower[kept], self.upper[kept], mass, self.count * share)

    def mixed(self, other: Distribution, share: float) -> Distribution:
        """A mixture in which `share` of the rows are of the other distribution."""
        return Distribution(
            np.concatenate([self.lower, other.lower]),
            np.concatenate([self.upper, other.upper]),
            np.concatenate([self.mass * (1 - share), other.mass * share]),
            self.count,
        )


def _cumulated(edges: Floats, mass: Floats, points: Floats) -> Floats:
    order = np.argsort(edges, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(mass[order])])
    found: Floats = sums[np.searchsorted(edges[order], points, side="right")]
    return found
