"""An estimate: a metric's value and its standard error, both NaN where the counts do not define it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from profiles.counts import Floats

Estimate = tuple[float, float]
UNDEFINED: Estimate = (float("nan"), float("nan"))
LOST_DIGITS = 1e-15


def proportion(hits: int, total: int) -> Estimate:
    """A share and its standard error, which stays above 0 for a share of 0 or 1 (Agresti and Coull, 1998).

    >>> proportion(50, 100)[0]
    0.5
    """
    if not total:
        return UNDEFINED
    share = (hits + 2) / (total + 4)
    return hits / total, float(np.sqrt(share * (1 - share) / (total + 4)))


def mean(total: float, squares: float, count: int) -> Estimate:
    """A mean and its standard error, from the sums of values and of their squares.

    The digits that the difference of the two loses are not taken for certainty. Sums that are unknown (NaN)
    define nothing.

    >>> mean(10.0, 30.0, 5)
    (2.0, 0.6324555320336759)
    """
    if not count or np.isnan(total) or np.isnan(squares):
        return UNDEFINED
    value, square = total / count, squares / count
    return value, float(np.sqrt(max(square - value**2, square * LOST_DIGITS, 0.0) / count))


def variance(values: Floats, weights: npt.NDArray[np.number]) -> float:
    """The variance of values that occur `weights` times, both shape (k,); of at least one row."""
    total = weights.sum()
    center = (values * weights).sum() / total
    return float((np.square(values - center) * weights).sum() / max(total - 1, 1))


def spread(influences: Floats, counts: npt.NDArray[np.number]) -> float:
    """The standard error of an estimate from what one more row of each cell adds to it, both shape (k,).

    The infinitesimal jackknife (Jaeckel, 1972): the root of the sum of squared influences over all rows.
    """
    return float(np.sqrt((np.square(influences) * counts).sum()))
