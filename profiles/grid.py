"""The numeric grid: bins read off the bits of a double, with no search and no sort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from profiles.counts import Counts, Floats, Ints
from profiles.groups import Groups
from profiles.numeric import NumericSummary

MANTISSA_BITS = 7
SIGN = 63
SHIFT = 52 - MANTISSA_BITS
ONE = 1023 << MANTISSA_BITS  # the index of 1.0 before it is moved to 0
HUGE = 1e300  # a reference's values beyond it are taken to be it: a grid needs finite steps
SMALLEST_SCALE = 1e-290  # below it steps of scale / 128 are no longer numbers
ENOUGH = 1 << 17  # values: their quartiles are known to half a percent of the standard deviation
LAST = (64 << MANTISSA_BITS) - 1  # beyond 2**64 scales from the centre everything is one bin


class Binning(Protocol):
    """Anything that maps numbers to ordered integer bins and back."""

    def index(self, values: Floats) -> Ints:
        """The bin of each value, ordered as the values are."""

    def lower(self, keys: Ints) -> Floats:
        """The lower edge of each bin."""

    def upper(self, keys: Ints) -> Floats:
        """The upper edge of each bin."""


def magnitude_index(y: Floats) -> Ints:
    """The bin of `y >= 1`: the exponent and the top 7 mantissa bits; relative width at most 1/128.

    The bins take the place of `y`.
    """
    bits: Ints = y.view(np.int64)  # in place: `y` is not needed any more
    bits >>= SHIFT
    bits -= ONE
    return np.minimum(bits, LAST, out=bits)


def magnitude(index: Ints) -> Floats:
    """The lower edge of a magnitude bin: the inverse of `magnitude_index`."""
    bits: Floats = ((np.minimum(index, LAST + 1) + ONE) << SHIFT).view(np.float64)
    return bits


@dataclass(frozen=True)
class Grid:
    """Bins for one numeric feature: steps of scale/128 near the centre, 0.8 % in the tails.

    With `y = 1 + |x - center| / scale` the bin of x is the sign of x - center, and the exponent and top 7
    mantissa bits of y as an IEEE-754 double. Two profiles add only if they share the grid.

    >>> grid = Grid.fit(np.array([1.0, 2.0, 3.0, 4.0]))
    >>> grid.center, grid.scale
    (2.5, 1.5)
    >>> summary = grid.summarize(np.array([2.5, 100.0, np.nan]))
    >>> summary.count, summary.nulls, summary.high
    (2, 1, 100.0)
    """

    center: float
    scale: float
    kind: ClassVar[str] = "numeric"

    @classmethod
    def fit(cls, values: npt.NDArray[np.floating]) -> Grid:
        """The grid of a reference: its median and inter-quartile range, with fallbacks when that is 0.

        Args:
            values: shape (n,); NaN and infinities are left out. With nothing left the grid is (0, 1). Of very
                many values the quartiles are those of about `ENOUGH`.
        """
        finite = values[np.isfinite(values)].astype(np.float64)
        if finite.size == 0:
            return cls(0.0, 1.0)
        finite = np.clip(finite, -HUGE, HUGE)
        # an odd stride, so that what alternates is not met on one side alone
        some = finite[:: finite.size // ENOUGH | 1] if finite.size > 2 * ENOUGH else finite
        low, center, high = np.quantile(some, [0.25, 0.5, 0.75])
        with np.errstate(over="ignore"):
            spread = finite.std()
        reach = spread if np.isfinite(spread) else 0.0
        least = max(abs(center) * 1e-9, reach * 1e-9, SMALLEST_SCALE)
        for scale in (high - low, spread, abs(center), 1.0):
            if np.isfinite(scale) and scale > least:
                break
        return cls(float(center), float(scale))

    def index(self, values: Floats) -> Ints:
        """The bin of each value, ordered as the values are; infinities go to the outermost bins."""
        with np.errstate(over="ignore"):  # an infinity goes where it should
            offset = values - self.center
            distance = np.abs(offset)
            distance /= self.scale
        distance += 1.0
        index = magnitude_index(distance)
        if self.center == 0.0:
            offset += 0.0  # a negative zero is a zero
        sign = offset.view(np.int64)
        sign >>= SIGN
        index ^= sign  # ~index below the centre
        return index

    def lower(self, keys: Ints) -> Floats:
        """The lower edge of each bin, shape as `keys`."""
        inner = np.where(keys >= 0, keys, ~keys + 1)
        with np.errstate(over="ignore"):
            distance = (magnitude(inner) - 1.0) * self.scale
        return np.where(keys >= 0, self.center + distance, self.center - distance)

    def upper(self, keys: Ints) -> Floats:
        """The upper edge of each bin, shape as `keys`."""
        return self.lower(keys + 1)

    def tally(self, values: npt.NDArray[np.floating], groups: Groups) -> list[NumericSummary]:
        """Count `values`, shape (n,), NaN for missing, for each sum of groups."""
        return NumericSummary.of(self, self.index, values, self.center, groups)

    def summarize(self, values: npt.NDArray[np.floating]) -> NumericSummary:
        """Count `values`, shape (n,), NaN for missing."""
        return self.tally(values, Groups.whole(len(values)))[0]

    def zero(self) -> NumericSummary:
        """The summary of no rows."""
        return NumericSummary(self, Counts())
