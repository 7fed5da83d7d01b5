"""Metrics of a binary task from its confusion counts: true and false negatives and positives.

Exact against scikit-learn. A share has the standard error of an Agresti-Coull proportion, what is made of
several shares that of the delta method; both stay above 0 however good or bad the model is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from detectors.performance.estimate import UNDEFINED, Estimate, proportion, spread
from profiles import BinaryOutcomes
from profiles.counts import Floats


@dataclass(frozen=True)
class Confusion:
    """The four counts, as exact integers."""

    tn: int
    fn: int
    fp: int
    tp: int

    @classmethod
    def of(cls, outcomes: BinaryOutcomes) -> Confusion:
        """Read off the counts."""
        return cls(*outcomes.confusion.tolist())


def accuracy(outcomes: BinaryOutcomes) -> Estimate:
    """The share of predictions that equal their label."""
    n = Confusion.of(outcomes)
    return proportion(n.tn + n.tp, n.tn + n.fn + n.fp + n.tp)


def precision(outcomes: BinaryOutcomes) -> Estimate:
    """The share of predicted positives that are positive; undefined without any."""
    n = Confusion.of(outcomes)
    return proportion(n.tp, n.tp + n.fp)


def recall(outcomes: BinaryOutcomes) -> Estimate:
    """The share of positives that are predicted so (sensitivity); undefined without any."""
    n = Confusion.of(outcomes)
    return proportion(n.tp, n.tp + n.fn)


def specificity(outcomes: BinaryOutcomes) -> Estimate:
    """The share of negatives that are predicted so; undefined without any."""
    n = Confusion.of(outcomes)
    return proportion(n.tn, n.tn + n.fp)


def f1(outcomes: BinaryOutcomes) -> Estimate:
    """The harmonic mean of precision and recall; undefined where nothing is positive or predicted so.

    It is 2 J / (1 + J) of the share J (Jaccard's) of true positives among all rows but the true negatives.
    """
    n = Confusion.of(outcomes)
    found = n.tp + n.fp + n.fn
    if not found:
        return UNDEFINED
    shrunk = (n.tp + 2) / (found + 4)
    return 2 * n.tp / (n.tp + found), proportion(n.tp, found)[1] * 2 / (1 + shrunk) ** 2


def balanced_accuracy(outcomes: BinaryOutcomes) -> Estimate:
    """The mean of recall and specificity; of those that are defined, as scikit-learn's."""
    shares = [share for share in (recall(outcomes), specificity(outcomes)) if not np.isnan(share[0])]
    if not shares:
        return UNDEFINED
    values, errors = zip(*shares, strict=True)
    return float(np.mean(values)), float(np.linalg.norm(errors)) / len(shares)


def mcc(outcomes: BinaryOutcomes) -> Estimate:
    """Matthews' correlation of prediction and label; undefined where either is constant (scikit-learn: 0).

    Its standard error is of the delta method at counts that are one larger each.
    """
    cells = outcomes.confusion.astype(float)
    if not _margins(cells).all():
        return UNDEFINED
    smooth = cells + 1.0
    value, (tn, fn, fp, tp) = _correlation(smooth), smooth
    labels, predictions = 1 / np.array([tn + fp, tp + fn]), 1 / np.array([tn + fn, tp + fp])
    root = np.sqrt(_margins(smooth).prod())
    slopes = np.array([tp, -fp, -fn, tn]) / root  # by tn, fn, fp, tp
    margins = np.array([labels[0], labels[1], labels[0], labels[1]]) + predictions[[0, 0, 1, 1]]
    return _correlation(cells), spread(slopes - value / 2 * margins, smooth)


def _margins(cells: Floats) -> Floats:
    tn, fn, fp, tp = cells
    return np.array([tp + fp, tp + fn, tn + fp, tn + fn])


def _correlation(cells: Floats) -> float:
    tn, fn, fp, tp = cells
    return float((tp * tn - fp * fn) / np.sqrt(_margins(cells)).prod())


class Costs(BaseModel):
    """What one prediction of each outcome is worth, in any unit; less than 0 for what it costs.

    >>> Costs(true_positive=5, false_negative=-10).of_cells.tolist()
    [0.0, -10.0, 0.0, 5.0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    true_positive: float = 0.0
    false_positive: float = 0.0
    false_negative: float = 0.0
    true_negative: float = 0.0

    @property
    def of_cells(self) -> Floats:
        """In the order of the confusion counts, shape (4,)."""
        return np.array([self.true_negative, self.false_negative, self.false_positive, self.true_positive])

    def value(self, outcomes: BinaryOutcomes) -> Estimate:
        """The mean worth of a prediction; its standard error at counts that are one larger each."""
        cells, worth = outcomes.confusion, self.of_cells
        if not cells.sum():
            return UNDEFINED
        smooth = cells + 1.0
        center = (worth * smooth).sum() / smooth.sum()
        error = spread((worth - center) / smooth.sum(), smooth)
        return float((worth * cells).sum() / cells.sum()), error
