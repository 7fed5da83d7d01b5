"""Data quality: whether rows come at all, against how often and how many came at this hour of this day."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.season import Phase, phase_of
from detectors.volume import Arrived
from profiles.counts import Floats, Ints

LATEST = 4  # windows of an hour of the week that tell how many rows are usual
FEWEST = 8  # degrees of freedom of the variation
LEAST_VARIATION = 0.02
UNKNOWN_VARIATION = 1.0


def silence(history: Arrived, reference: Sequence[int], start: int, length: int) -> float:
    """The probability that a healthy window has no rows.

    Where there have always been rows at this hour of the week, this is the zero of the negative binomial
    distribution with the usual number of rows and its variation: one empty window in busy hours is news at
    once, and one at five rows an hour is not. Where some windows of this hour have been empty it is how often
    they were, and where this hour of the week was never seen, how often any window was.

    Args:
        history: of the windows before, empty ones too, without those known to be an outage.
        reference: starts of the windows of a reference file that have rows.
        start: of the window, in microseconds.
        length: of a window, in microseconds.
    """
    phases = _phases(history.starts, length)
    phase = phase_of(start, length)
    if not phase:
        alike, hour = np.ones(history.starts.size, bool), np.ones(history.starts.size, bool)
        known = len(reference)
    else:
        alike, hour = phases[:, -1] == phase[-1], phases[:, 0] == phase[0]
        known = sum(phase_of(one, length)[-1] == phase[-1] for one in reference)
    full = history.rows > 0
    empty = ~full
    if (alike & empty).any():
        return _rank(int((alike & empty).sum()), int(alike.sum()) + known)
    usual = history.rows[alike & full][-LATEST:] if alike.any() else history.rows[hour & full][-LATEST:]
    if usual.size and (alike.any() or known):
        return _none_of(float(usual.mean()), _variation(history.rows[full], phases[full]))
    if (hour & empty).any():
        return _rank(int((hour & empty).sum()), int(hour.sum()))
    return _rank(int(empty.sum()), full.size + len(reference))


def _phases(starts: Ints, length: int) -> Ints:
    held: list[Phase] = [phase_of(one, length) or (0,) for one in starts.tolist()]
    return np.array(held, np.int64).reshape(len(held), -1) if held else np.zeros((0, 1), np.int64)


def _rank(empty: int, windows: int) -> float:
    """How likely the next window is empty after so many of so many were (Laplace's rule of succession)."""
    return min((empty + 1) / (windows + 1), 1.0)


def _none_of(mean: float, variation: float) -> float:
    """The zero of the negative binomial distribution whose mean has a relative variance of `variation`."""
    return float(np.exp(-np.log1p(mean * variation) / variation))


def _variation(rows: Floats, phases: Ints) -> float:
    """The relative variance of rows within an hour of the week, or of the day; taken two errors larger."""
    for level in range(phases.shape[1] - 1, -1, -1):
        _, codes, sizes = np.unique(phases[:, level], return_inverse=True, return_counts=True)
        df = int((sizes - 1).sum())
        if df >= FEWEST:
            means = np.bincount(codes, weights=rows) / sizes
            found = float(np.square(rows / means[codes] - 1).sum()) / df
            return max(found * (1 + 2 * float(np.sqrt(2 / df))), LEAST_VARIATION)
    return UNKNOWN_VARIATION
