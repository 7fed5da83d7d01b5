"""How sure is a quantile: an interval between two order statistics."""

from __future__ import annotations

from scipy import stats

from profiles import LatencySummary

OUTSIDE = 0.025  # on each side


def quantile_interval(summary: LatencySummary, level: float) -> tuple[float | None, float | None]:
    """The 95 % interval of a latency quantile, in milliseconds; an end is None where rows are too few for it.

    How many of n rows are below the true quantile is binomial, so two order statistics hold it, whatever
    the distribution is (Hahn and Meeker, Statistical Intervals, 1991, section 5.2). The ends are the outer
    edges of the bins that these are in, so that binning does not lower the confidence.

    >>> import numpy as np
    >>> from profiles import LatencyGrid
    >>> low, high = quantile_interval(LatencyGrid().summarize(np.arange(1.0, 1001.0), None), 0.5)
    >>> round(low), round(high)
    (468, 536)
    """
    rows = summary.counts.total
    if not rows:
        return None, None
    first = int(stats.binom.ppf(OUTSIDE, rows, level))
    last = int(stats.binom.ppf(1 - OUTSIDE, rows, level)) + 1
    low = summary.edges(first)[0] if first >= 1 else None
    return low, summary.edges(last)[1] if last <= rows else None
