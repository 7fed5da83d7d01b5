"""The search for the slice of rows on which a model does worst.

A slice is a condition on the features, or two together. The one whose mean loss is highest against the rest
is searched for on one half of the rows, and measured on the other half, so what is told of it is not the
worst of many tries: Cox, "A note on data-splitting for the evaluation of significance levels", Biometrika 62,
1975.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special
from threadpoolctl import threadpool_limits

from detectors.proportion import Z95, wilson
from detectors.sampled.conditions import Mask, conditions_of, in_words
from detectors.sampled.slices import CLEAR
from profiles.counts import Floats
from profiles.sample import Sample

ROWS = 8000
FEWEST = 100  # rows of a half: of fewer hardly any slice is told from chance
MOST_PAIRED = 300  # conditions, those with the worst rows
SMALLEST = 0.03  # of a half
EXPECTED = 20  # rows of a half in the slice, and outside of it


@dataclass(frozen=True)
class WorstPerformance:
    """The worst slice, measured on rows that it was not found on.

    Attributes:
        words: which rows it is.
        rows: how many of those that it was measured on are in it.
        of: how many there were.
        loss: the mean loss in it, from `lower` to `upper` with 95 % confidence.
        lower: one end.
        upper: the other.
        rest: the mean loss outside of it.
        p_value: the probability of so large a difference where there is none.
    """

    words: str
    rows: int
    of: int
    loss: float
    lower: float
    upper: float
    rest: float
    p_value: float

    @property
    def clear(self) -> bool:
        """Whether the slice is worse than the rest beyond doubt."""
        return self.p_value < CLEAR

    def times(self, unit: float) -> WorstPerformance:
        """The same where a loss of 1 is `unit`."""
        scaled = {name: getattr(self, name) * unit for name in ("loss", "lower", "upper", "rest")}
        return replace(self, **scaled)


def worst_performance(sample: Sample, losses: Floats, rows: int = ROWS) -> WorstPerformance | None:
    """Find the slice with the highest mean loss.

    Args:
        sample: rows with their features, in the order of their hashes, which is a random one.
        losses: of each row: 0 or 1 for an error, or how large it was, shape (n,).
        rows: that are looked at, at most.

    Returns:
        None where there are too few rows, their features hardly vary, or no slice is worse than the rest.
    """
    count = min(sample.count, rows, losses.size)
    if count < 2 * FEWEST:
        return None
    conditions, fulfilled = conditions_of(sample.space.zero(), sample, count)
    if not conditions:
        return None
    largest = float(losses[:count].max())
    if not largest > float(losses[:count].min()):
        return None
    losses = losses[:count] / largest  # of any unit: neither squares nor single precision overflow
    search = np.arange(count) % 2 == 0
    with threadpool_limits(1, "blas"):  # so little work is slower on threads, by far where cores are busy
        places = _worst(fulfilled[search], losses[search])
    if places is None:
        return None
    inside = fulfilled[~search][:, places].all(axis=1)
    words = in_words([conditions[place] for place in places])
    found = _measured(words, inside, losses[~search])
    return found and found.times(largest)


def _worst(fulfilled: Mask, losses: Floats) -> tuple[int, ...] | None:
    """The conditions of the worst slice; a second one has to be worth it, by Schwarz's criterion.

    Args:
        fulfilled: which rows fulfil which conditions, shape (rows, conditions).
        losses: shape (rows,).
    """
    rows, total, spread = losses.size, float(losses.sum()), float(losses.var())
    if not spread > 0:
        return None
    chosen = np.arange(fulfilled.shape[1])
    if chosen.size > MOST_PAIRED:
        alone = _z_values(fulfilled.sum(axis=0), losses @ fulfilled, rows, total, spread)
        chosen = np.sort(np.argsort(-alone, kind="stable")[:MOST_PAIRED])
    numbers = fulfilled[:, chosen].astype(np.float32)
    counts = (numbers.T @ numbers).astype(np.float64)  # each alone is paired with itself
    sums = ((numbers * losses[:, None].astype(np.float32)).T @ numbers).astype(np.float64)
    z_values = _z_values(counts, sums, rows, total, spread)
    gain = np.where(z_values > 0, np.square(z_values), -np.inf) - np.log(rows) * (2 - np.eye(chosen.size))
    pair = np.unravel_index(int(np.argmax(gain)), gain.shape)
    if not np.isfinite(gain[pair]):
        return None
    return tuple(sorted({int(chosen[place]) for place in pair}))


def _z_values(counts: Floats, sums: Floats, rows: int, total: float, spread: float) -> Floats:
    """How many standard errors the mean loss inside is above that outside; -inf for slices too small."""
    others = rows - counts
    least = max(SMALLEST * rows, EXPECTED)
    fit = (counts >= least) & (others >= least)
    inside, outside = np.maximum(counts, 1), np.maximum(others, 1)
    z_values = (sums / inside - (total - sums) / outside) / np.sqrt(spread * (1 / inside + 1 / outside))
    found: Floats = np.where(fit, z_values, -np.inf)
    return found


def _measured(words: str, inside: Mask, losses: Floats) -> WorstPerformance | None:
    """The slice's mean loss and that of the rest, on other rows; None where hardly any are in it."""
    own, rest = losses[inside], losses[~inside]
    if min(own.size, rest.size) < EXPECTED / 2:
        return None
    mean, other = float(own.mean()), float(rest.mean())
    error, other_error = (float(np.sqrt(one.var(ddof=1) / one.size)) for one in (own, rest))
    if np.isin(own, (0.0, 1.0)).all():
        lower, upper = wilson(int(own.sum()), own.size)
    else:
        lower, upper = mean - Z95 * error, mean + Z95 * error
    both = float(np.hypot(error, other_error))
    p_value = float(special.ndtr((other - mean) / both)) if both else float(mean <= other)
    return WorstPerformance(words, own.size, losses.size, mean, lower, upper, other, p_value)
