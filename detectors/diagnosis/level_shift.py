"""Where a series moves to another level: all change points at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from profiles.counts import Floats, Ints

SHORTEST = 3  # windows: two could be one spike and its neighbour
LAGS = (1, 2, 4, 8, 12)
LONG = 8  # times a lag, so that one change leaves most differences over the lag alone
PENALTY = 3.0
FEWEST_CYCLES = 3
CLEAR = 2.5  # times the noise, for the medians of levels of three windows; less for longer ones
ROBUST_SIGMA = 1.4826  # of a median absolute deviation
LEAST = 0.01  # of 1 - r
TINY = 1e-9  # relative: no value is known better
HALVES = 2**0.5  # a difference has the noise of both its ends


@dataclass(frozen=True)
class Shift:
    """A change of level.

    Attributes:
        begin: place of the first window of the level before.
        place: of the first window of the new level.
        end: the place after its last window.
    """

    begin: int
    place: int
    end: int


def shifts(values: Floats) -> list[Shift]:
    """The changes of level of a series, oldest first.

    Least squares with a penalty for each change, solved exactly (optimal partitioning: Jackson et al., IEEE
    Signal Processing Letters 12, 2005). The noise is the typical change over one to twelve windows, whichever
    is the largest, so that what wanders is noise. A change counts if the medians of both levels are clearly
    apart, so a spike is none.

    Args:
        values: a window each, in time order; NaN where it has none.

    >>> shifts(np.array([1.0, 1.1, 0.9, 1.0, 3.0, 3.1, 2.9, 3.0]))
    [Shift(begin=0, place=4, end=8)]
    """
    known = np.flatnonzero(np.isfinite(values))
    if known.size < 2 * SHORTEST:
        return []
    held = values[known]
    noise = _noise(held)
    edges = _dropped(held, _partition(held, PENALTY * noise**2 * np.log(held.size)), noise)
    places = [0, *known[edges[1:-1]].tolist(), values.size]
    return [Shift(*three) for three in zip(places, places[1:], places[2:], strict=False)]


def without_cycle(values: Floats, phases: Ints) -> Floats:
    """A series less what is usual in each phase of a cycle, where it goes on for three cycles or more.

    The usual is the median of how far values are from the running median over a cycle around them, so that a
    change of level is none of it.

    Args:
        values: a window each, in time order; NaN where it has none.
        phases: of each, from 0 up.
    """
    count = np.unique(phases).size
    if count < 2 or values.size < FEWEST_CYCLES * count:  # noqa: PLR2004 - one phase is no cycle
        return values
    padded = np.pad(values, (count // 2, count - 1 - count // 2), constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, count)
    known = np.isfinite(values)
    off = np.full(values.size, np.nan)
    off[known] = values[known] - np.nanmedian(around[known], axis=1)
    clean = values.copy()
    for phase in np.unique(phases[known]):
        own = phases == phase
        clean[own] -= np.nanmedian(off[own])
    return clean


def _noise(series: Floats) -> float:
    """The noise of independent values whose means would be as uncertain as those of this series.

    Where neighbours resemble each other their differences are smaller than those of values further apart; a
    mean of values with the correlation r is as uncertain as one of (1 + r) / (1 - r) times the variance.
    """
    usable = [lag for lag in LAGS if lag * LONG <= series.size] or [1]
    typical = [float(np.median(np.abs(series[lag:] - series[:-lag]))) for lag in usable]
    largest = max(typical)
    own = (typical[0] / largest) ** 2 if largest else 1.0  # 1 - r
    inflation = (2 - own) / max(own, LEAST)
    return ROBUST_SIGMA * largest / HALVES * float(np.sqrt(inflation)) + TINY * float(np.abs(series).max())


def _partition(series: Floats, penalty: float) -> list[int]:
    """The edges of the levels, from 0 to the length of the series."""
    n = series.size
    sums = np.concatenate([[0.0], np.cumsum(series)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(series))])
    best, last = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    best[0] = -penalty
    for end in range(SHORTEST, n + 1):
        first: Ints = np.arange(end - SHORTEST + 1)
        within = squares[end] - squares[first] - np.square(sums[end] - sums[first]) / (end - first)
        cost = best[first] + within + penalty
        last[end] = int(np.argmin(cost))
        best[end] = cost[last[end]]
    edges = [n]
    while edges[-1]:
        edges.append(int(last[edges[-1]]))
    return edges[::-1]


def _dropped(series: Floats, edges: list[int], noise: float) -> list[int]:
    """The edges without those between levels whose medians are not clearly apart, the nearest first."""
    while len(edges) > 2:  # noqa: PLR2004 - both ends are edges
        levels = [float(np.median(series[a:b])) for a, b in pairwise(edges)]
        sizes = np.diff(edges)
        shorter = np.minimum(sizes[1:], sizes[:-1])
        steps = np.abs(np.diff(levels)) / np.maximum(CLEAR * np.sqrt(SHORTEST / shorter), 1.0)
        weakest = int(np.argmin(steps))
        if steps[weakest] > noise:
            break
        edges = [*edges[: weakest + 1], *edges[weakest + 2 :]]
    return edges
