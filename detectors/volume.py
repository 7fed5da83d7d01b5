"""Data quality: how many rows come, against what is usual at this hour of this day.

The forecast of a window is the mean of the same hour in the weeks (or days) before, moved by how far the last
windows were off theirs, all on a log scale. The reference's errors of the same forecast, made window by
window, say how far off is usual. So growth, and traffic that has found a new level, are no news for long. A
reference file says nothing of this: it is often a sample.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from detectors.judgement import Judgement, insufficient
from detectors.season import DAY, WEEK
from detectors.spread import Spread
from profiles.counts import Floats, Ints

CYCLES = (WEEK, DAY)
BEFORE = 4  # cycles back
LEVEL = 14  # windows back
FEWEST = 8  # errors of forecasts, to know how far off is usual
CLEARLY = 0.9  # a cycle must lower the squared error to this
OFFSET = 5.0  # rows: a handful more or less is no change on any scale
NATURAL = 0.1  # ten per cent between windows is the noise of any traffic
LEARNING = "learning: volume is compared over the hours of the week, and less than a week is known"


@dataclass(frozen=True, eq=False)
class Arrived:
    """Rows that came in windows: their `starts` (microseconds, ascending) and `rows`, shape (n,)."""

    starts: Ints
    rows: Floats


def volume(history: Arrived, start: int, rows: int, length: int, alpha: float) -> Judgement:
    """Judge the rows of a window, too few or too many, by the windows before.

    Args:
        history: of complete, healthy windows with rows, before this one.
        start: of the window, in microseconds.
        rows: that came in it.
        length: of a window, in microseconds.
        alpha: the p-value that alone is a breach.
    """
    if not history.starts.size or start - int(history.starts[0]) < WEEK:
        return insufficient(LEARNING, float(rows))
    starts = np.append(history.starts, start)
    logs = np.log(np.append(history.rows, rows) + OFFSET)
    usual, errors = _best(starts, logs, length)
    if errors is None or np.isnan(usual):
        return insufficient(LEARNING, float(rows))
    known = ~np.isnan(errors)
    noise = np.sqrt(np.maximum(history.rows, 1.0)) / (history.rows + OFFSET)
    spread = Spread.learn(errors[known], noise[known])
    expected = max(float(np.exp(usual)) - OFFSET, 1.0)
    error = float(np.hypot(np.sqrt(expected) / (expected + OFFSET), NATURAL))
    off = float(logs[-1] - usual)
    fewer = off < spread.mean
    reach = spread.threshold(alpha / 2, error, higher_is_better=fewer)
    threshold = float(np.exp(np.clip(usual + reach, -50.0, 50.0))) - OFFSET
    p_value = 2 * spread.p_value(off, error, higher_is_better=fewer)
    note = f"{rows} rows where about {expected:.0f} are usual"
    return Judgement(float(rows), None, None, threshold, min(p_value, 1.0), note=note, weight=spread.weight)


def _best(starts: Ints, logs: Floats, length: int) -> tuple[float, Floats | None]:
    """The forecast of the last window, and the errors of those before, by the cycle that forecasts best."""
    best: tuple[float, Floats | None] = (np.nan, None)
    for forecast in _forecasts(starts, logs, length):
        errors = (logs - forecast)[:-1]
        known = ~np.isnan(errors)
        if known.sum() < FEWEST or np.isnan(forecast[-1]):
            continue
        before = best[1]
        if before is not None:
            both = known & ~np.isnan(before)
            if not np.square(errors[both]).mean() < CLEARLY * np.square(before[both]).mean():
                continue
        best = (float(forecast[-1]), errors)
    return best


def _forecasts(starts: Ints, logs: Floats, length: int) -> Iterator[Floats]:
    """Of every window, by no cycle, by the day and by the week; NaN where there is nothing to go by."""
    yield _levelled(logs, np.zeros(logs.size))
    for cycle in reversed(CYCLES):
        if length < cycle:
            yield _levelled(logs, _same_hour(starts, logs, length, cycle))


def _same_hour(starts: Ints, logs: Floats, length: int, cycle: int) -> Floats:
    """The mean of the windows one to `BEFORE` cycles earlier."""
    found = np.full((BEFORE, starts.size), np.nan)
    for back in range(1, BEFORE + 1):
        wanted = starts - back * cycle
        place = np.minimum(np.searchsorted(starts, wanted - length // 2), starts.size - 1)
        near = np.abs(starts[place] - wanted) <= length // 2
        found[back - 1, near] = logs[place[near]]
    counts = (~np.isnan(found)).sum(axis=0)
    return np.where(counts > 0, np.nansum(found, axis=0) / np.maximum(counts, 1), np.nan)


def _levelled(logs: Floats, base: Floats) -> Floats:
    """Forecasts moved by the mean of how far the last `LEVEL` windows were off theirs."""
    off = logs - base
    known = ~np.isnan(off)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, off, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    last = np.arange(logs.size)
    first = np.maximum(last - LEVEL, 0)
    held = counts[last] - counts[first]
    level = (sums[last] - sums[first]) / np.maximum(held, 1)
    return np.where(held > 0, base + level, np.nan)
