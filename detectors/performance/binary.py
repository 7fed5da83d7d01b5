"""Metrics of a binary task, from counts on score grid x label and prediction x label.

Each returns the value and its standard error, both NaN when the counts do not define it.
"""

from __future__ import annotations

import numpy as np

from profiles import BinaryOutcomes
from profiles.counts import Floats, aligned

Estimate = tuple[float, float]
UNDEFINED: Estimate = (float("nan"), float("nan"))


def _by_score(outcomes: BinaryOutcomes) -> tuple[Floats, Floats, Floats]:
    """The middle of each occupied score bin, and its positives and negatives."""
    keys, (positives, negatives) = aligned([outcomes.positives, outcomes.negatives])
    return outcomes.space.scores.middle(keys), positives.astype(float), negatives.astype(float)


def roc_auc(outcomes: BinaryOutcomes) -> Estimate:
    """The area under the ROC curve: a pair in one bin counts one half.

    The error is DeLong's (Biometrics 44, 1988). Off the exact value by at most half the share of pairs of a
    positive and a negative that fall into the same bin.
    """
    _, positives, negatives = _by_score(outcomes)
    p, n = positives.sum(), negatives.sum()
    if not p or not n:
        return UNDEFINED
    below = (np.cumsum(negatives) - negatives / 2) / n  # what a positive in this bin wins
    above = 1 - (np.cumsum(positives) - positives / 2) / p  # what a negative in this bin loses
    area = float((positives * below).sum() / p)
    variance = _variance(below, positives) / p + _variance(above, negatives) / n
    # an area of 0 or 1 has no spread between its rows, but is no certainty (rule of three)
    return area, float(np.sqrt(max(variance, 1 / (9 * min(p, n) ** 2))))


def _variance(values: Floats, weights: Floats) -> float:
    total = weights.sum()
    mean = (values * weights).sum() / total
    return float((np.square(values - mean) * weights).sum() / max(total - 1, 1))


def log_loss(outcomes: BinaryOutcomes) -> Estimate:
    """The mean negative log-likelihood, in nats, with scores at the middle of their bins."""
    score, positives, negatives = _by_score(outcomes)
    total = positives.sum() + negatives.sum()
    if not total:
        return UNDEFINED
    losses = np.concatenate([-np.log(score), -np.log1p(-score)])
    weights = np.concatenate([positives, negatives])
    error = np.sqrt(_variance(losses, weights) / total)
    return float((losses * weights).sum() / total), float(max(error, 1e-9))


def accuracy(outcomes: BinaryOutcomes) -> Estimate:
    """The share of predictions that equal their label, with the error of an Agresti-Coull proportion."""
    tn, _, _, tp = outcomes.confusion
    return proportion(int(tn + tp), outcomes.count)


def proportion(hits: int, total: int) -> Estimate:
    """A share and its standard error, which stays above 0 for a share of 0 or 1 (Agresti and Coull, 1998).

    >>> proportion(50, 100)[0]
    0.5
    """
    if not total:
        return UNDEFINED
    share = (hits + 2) / (total + 4)
    return hits / total, float(np.sqrt(share * (1 - share) / (total + 4)))
