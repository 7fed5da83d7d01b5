"""Metrics of a binary task's scores, from counts on score grid x label, with scores at their bin's middle.

The grid's bins are at most 1/128 as wide as they are far from the nearer end of [0, 1], so a score is off by
at most 1/256 of that.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from detectors.performance.estimate import UNDEFINED, Estimate, spread, variance
from profiles import BinaryOutcomes
from profiles.counts import Floats, aligned
from profiles.score import TINY

BINS = 10
EPSILON = 2.0**-52


def by_score(outcomes: BinaryOutcomes) -> tuple[Floats, Floats, Floats]:
    """The middle of each occupied score bin in ascending order, and its positives and negatives."""
    keys, (positives, negatives) = aligned([outcomes.positives, outcomes.negatives])
    return outcomes.space.scores.middle(keys), positives.astype(float), negatives.astype(float)


def roc_auc(outcomes: BinaryOutcomes) -> Estimate:
    """The area under the ROC curve: a pair in one bin counts one half.

    The error is DeLong's (Biometrics 44, 1988). Off the exact value by at most half the share of pairs of a
    positive and a negative that fall into the same bin.
    """
    _, positives, negatives = by_score(outcomes)
    p, n = positives.sum(), negatives.sum()
    if not p or not n:
        return UNDEFINED
    below = (np.cumsum(negatives) - negatives / 2) / n  # what a positive in this bin wins
    above = 1 - (np.cumsum(positives) - positives / 2) / p  # what a negative in this bin loses
    area = float((positives * below).sum() / p)
    var = variance(below, positives) / p + variance(above, negatives) / n
    # an area of 0 or 1 has no spread between its rows, but is no certainty (rule of three)
    return area, float(np.sqrt(max(var, 1 / (9 * min(p, n) ** 2))))


def pr_auc(outcomes: BinaryOutcomes) -> Estimate:
    """Average precision: the mean over positives of the precision at their score; undefined without any.

    The rows of one bin are ties. Off scikit-learn's `average_precision_score` by at most the mean over
    positives of what the order of the rows in their bin can change of the precision. The error is of the
    infinitesimal jackknife.
    """
    _, positives, negatives = (column[::-1] for column in by_score(outcomes))
    p = positives.sum()
    if not p:
        return UNDEFINED
    hits, found = np.cumsum(positives), np.cumsum(positives + negatives)
    precision = hits / found
    area = min(float((positives * precision).sum() / p), 1.0)
    # a further row changes the precision at its own score and at all that are lower
    by_positive = np.cumsum((positives * (found - hits) / found**2)[::-1])[::-1] / p
    by_negative = -np.cumsum((positives * hits / found**2)[::-1])[::-1] / p
    influences = np.concatenate([(precision - area) / p + by_positive, by_negative])
    error = spread(influences, np.concatenate([positives, negatives]))
    return area, float(np.hypot(error, 1 / (3 * p)))  # rule of three, as above


def lift_at(outcomes: BinaryOutcomes, percent: float) -> Estimate:
    """How many times as frequent positives are among the `percent` % highest scores as among all.

    The bin in which the limit falls is shared proportionally, as ties are; off the exact value by at most
    what the order of its rows can change. Undefined without positives.

    The error is of the influence function; the limit is estimated, too, so a row counts as far as it differs
    from those that are near the limit.
    """
    _, positives, negatives = (column[::-1] for column in by_score(outcomes))
    p, n = positives.sum(), positives.sum() + negatives.sum()
    if not p:
        return UNDEFINED
    top = percent / 100
    ranks = np.concatenate([[0.0], np.cumsum(positives + negatives)])
    hits = np.concatenate([[0.0], np.cumsum(positives)])
    captured = float(np.interp(top * n, ranks, hits)) / p
    near = np.clip(top * n + np.sqrt(n * top * (1 - top)) * np.array([-1.0, 1.0]), 0, n)
    rate = float(np.diff(np.interp(near, ranks, hits))[0] / max(near[1] - near[0], 1.0))
    inside = np.diff(np.minimum(ranks, top * n)) / np.diff(ranks)
    influences = np.concatenate(
        [inside - captured - rate * (inside - top), -rate * (inside - top)],
    ) / p  # fmt: skip
    error = spread(influences, np.concatenate([positives, negatives]))
    return captured / top, max(error, float(1 / (3 * p))) / top


def log_loss(outcomes: BinaryOutcomes) -> Estimate:
    """The mean negative log-likelihood, in nats.

    Off scikit-learn's `log_loss` by at most 0.004, and by 2 log 2 for each row with a score that is between
    2**-52 and 2**-50 away from 0 or 1 (see `clipped`).
    """
    score, positives, negatives = by_score(outcomes)
    total = positives.sum() + negatives.sum()
    if not total:
        return UNDEFINED
    score = clipped(score)
    losses = np.concatenate([-np.log(score), -np.log1p(-score)])
    weights = np.concatenate([positives, negatives])
    error = np.sqrt(variance(losses, weights) / total)
    return float((losses * weights).sum() / total), float(max(error, 1e-9))


def clipped(score: Floats) -> Floats:
    """Scores in (0, 1) as log loss takes them: the outermost bins, 2**-50 wide, stand for 2**-52.

    That is where scikit-learn clips what is nearer to 0 or 1, so that scores of 0 and 1 cost the same here.
    """
    return np.where(score < TINY, EPSILON, np.where(score > 1 - TINY, 1 - EPSILON, score))


def brier(outcomes: BinaryOutcomes) -> Estimate:
    """The mean squared distance of score and label; off scikit-learn's by at most 0.002."""
    score, positives, negatives = by_score(outcomes)
    total = positives.sum() + negatives.sum()
    if not total:
        return UNDEFINED
    losses = np.concatenate([np.square(1 - score), np.square(score)])
    weights = np.concatenate([positives, negatives])
    error = np.sqrt(variance(losses, weights) / total)
    return float((losses * weights).sum() / total), float(max(error, 1e-9))


def ece(outcomes: BinaryOutcomes) -> Estimate:
    """The expected calibration error: the mean over rows of their tenth's distance of score and positives.

    Tenths of [0, 1] are of equal width (Naeini et al., AAAI 2015); a bin of the grid falls into the tenth of
    its middle. Off the exact value by at most 0.002, and by twice the share of rows in bins that two
    tenths share, or on the limit between two, where definitions differ.

    What is estimated as an absolute value is estimated too high, by chance: of a model that is calibrated
    perfectly as well. The error holds that bias beside the spread.
    """
    score, positives, negatives = by_score(outcomes)
    rows = positives + negatives
    total = rows.sum()
    if not total:
        return UNDEFINED
    tenth = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(tenth, score * rows - positives, BINS).astype(np.float64)
    signs = np.sign(gaps)[tenth]
    value = float(np.abs(gaps).sum() / total)
    losses = np.concatenate([signs * (score - 1), signs * score])
    weights = np.concatenate([positives, negatives])
    noise = np.bincount(tenth, np.square(score - 1) * positives + np.square(score) * negatives, BINS)
    left = noise - np.square(gaps) / np.maximum(np.bincount(tenth, rows, BINS), 1)
    left = np.maximum(left, 0.0)
    true = np.sqrt(np.maximum(np.square(gaps) - left, 0.0))  # a gap is as large as that and its noise
    bias = _folded(true, np.sqrt(left)).sum() / total
    error = np.sqrt(variance(losses, weights) / total + bias**2)
    return value, float(max(error, 1e-9))


def _folded(center: Floats, scale: Floats) -> Floats:
    """How much larger the mean of a normal's absolute value is than that of its centre; both shape (k,)."""
    steps: Floats = np.divide(center, scale, out=np.full_like(center, np.inf), where=scale > 0)
    density = np.exp(-np.square(steps) / 2) / np.sqrt(2 * np.pi)
    more: Floats = 2 * (scale * density - center * special.ndtr(-steps))
    return more
