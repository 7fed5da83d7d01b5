"""Metrics of a multi-class task's probabilities, from counts on class x score bin x label.

Only rows that came with probabilities count; a probability stands at the middle of its bin, as those of a
binary task do. Of a model with more classes than are counted (`profiles.class_scores.MOST_COUNTED`) only
`top_k_accuracy` knows all of them.
"""

from __future__ import annotations

import numpy as np

from detectors.performance import scores
from detectors.performance.estimate import UNDEFINED, Estimate, proportion, variance
from profiles import BinaryOutcomes, Counts, MulticlassOutcomes, Outcomes
from profiles.counts import Ints


def top_k_accuracy(outcomes: MulticlassOutcomes, k: int) -> Estimate:
    """The share of labels among the `k` most likely classes, `k` at most 10; exact.

    Of equally likely classes the last by name comes first, as in scikit-learn's `top_k_accuracy_score`.
    """
    hits = outcomes.ranks.at(np.arange(1, k + 1))
    return proportion(int(hits.sum()), outcomes.ranks.total)


def log_loss(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean negative log-likelihood, in nats, over the labels whose probability was sent.

    Off scikit-learn's by at most 0.004, and by 2 log 2 for each label with a probability between 2**-52 and
    2**-50.
    """
    by_class = [outcomes.scores_of_class(code) for code in outcomes.scored_classes.tolist()]
    weights = np.concatenate([np.zeros(0), *(labels for _, labels, _ in by_class)])
    total = weights.sum()
    if not total:
        return UNDEFINED
    bins = np.concatenate([bins for bins, *_ in by_class])
    losses = -np.log(scores.clipped(outcomes.space.grid.middle(bins)))
    error = np.sqrt(variance(losses, weights) / total)
    return float((losses * weights).sum() / total), float(max(error, 1e-9))


def roc_auc(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean over classes of the area under the ROC curve of the class against the rest.

    Classes that all labels are, or none is, are left out. Off scikit-learn's `roc_auc_score` (one against
    the rest, macro) by at most the mean over classes of `detectors.performance.scores.roc_auc`'s bound. The
    error is that of areas that move together, an upper bound.
    """
    areas = [
        scores.roc_auc(_binary(*outcomes.scores_of_class(code))) for code in outcomes.scored_classes.tolist()
    ]
    known = np.array([area for area in areas if np.isfinite(area[0])])
    return (float(known[:, 0].mean()), float(known[:, 1].mean())) if known.size else UNDEFINED


def ece(outcomes: MulticlassOutcomes) -> Estimate:
    """The expected calibration error of the most likely class: see `detectors.performance.scores.ece`.

    Guo et al., "On calibration of modern neural networks", ICML 2017, with ten bins of equal width.
    """
    return scores.ece(_binary(*outcomes.by_confidence()))


def _binary(bins: Ints, positives: Ints, negatives: Ints) -> BinaryOutcomes:
    """A class against the rest, as the outcomes of a binary task."""
    right, wrong = (Counts(bins[rows > 0], rows[rows > 0]) for rows in (positives, negatives))
    return BinaryOutcomes(Outcomes(), right, wrong, np.zeros(4, np.int64))
