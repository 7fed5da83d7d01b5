"""Expected metrics of rows whose labels are not known, and what a row of either label adds to each.

The influence of a row is the derivative of the metric by the share of such rows (Hampel, JASA 69, 1974): its
variance over labels says how far chance takes the realised metric from the expected one, its variance over
rows how far another window of the same traffic would be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from detectors.estimated.cells import Cells
from profiles.counts import Floats
from profiles.score import ScoreGrid

GRID = ScoreGrid()
LOWEST = 2.0**-51  # the middle of the outermost bin


@dataclass(frozen=True, eq=False)
class Influence:
    """A metric's expected value, and what one row of each cell adds to it.

    Attributes:
        value: NaN where the rows do not define it.
        positive: what a row with the class as its label adds, shape (cells,).
        negative: what a row with another label adds.
    """

    value: float
    positive: Floats
    negative: Floats


Expectation = Callable[[Cells, Floats], Influence]


def roc_auc(cells: Cells, chance: Floats) -> Influence:
    """The area under the ROC curve, in the order of the scores; rows of one bin are ties."""
    place = cells.keys - cells.keys.min()
    positives, negatives = (
        np.bincount(place, cells.rows * chance),
        np.bincount(place, cells.rows * (1 - chance)),
    )
    p, n = positives.sum(), negatives.sum()
    if not (p > 0 and n > 0):
        return _undefined(chance)
    below = (np.cumsum(negatives) - negatives / 2) / n
    above = 1 - (np.cumsum(positives) - positives / 2) / p
    area = float((positives * below).sum() / p)
    return Influence(area, (below[place] - area) / p, (above[place] - area) / n)


def _undefined(chance: Floats) -> Influence:
    return Influence(np.nan, np.zeros(chance.size), np.zeros(chance.size))


def _ratio(
    top: tuple[Floats, Floats], bottom: tuple[Floats, Floats], cells: Cells, chance: Floats
) -> Influence:
    """A ratio of two sums over rows; each is given as what a row of either label adds."""
    above, below = (
        float((cells.rows * (chance * one + (1 - chance) * other)).sum()) for one, other in (top, bottom)
    )
    if not below > 0:
        return _undefined(chance)
    value = above / below
    return Influence(value, (top[0] - value * bottom[0]) / below, (top[1] - value * bottom[1]) / below)


def _constants(cells: Cells) -> tuple[Floats, Floats, Floats, Floats]:
    """Predicted, not predicted, 0, 1; as numbers of each cell."""
    hit = cells.predicted.astype(np.float64)
    return hit, 1 - hit, np.zeros(hit.size), np.ones(hit.size)


def accuracy(cells: Cells, chance: Floats) -> Influence:
    """The share of rows whose prediction is right."""
    hit, miss, _, one = _constants(cells)
    return _ratio((hit, miss), (one, one), cells, chance)


def right(cells: Cells, chance: Floats, rows: float) -> Influence:
    """What right predictions of one class add to the accuracy over `rows` rows of all classes."""
    hit = cells.predicted / rows
    return Influence(float((hit * cells.rows * chance).sum()), hit, np.zeros(hit.size))


def precision(cells: Cells, chance: Floats) -> Influence:
    """The share of the class among the rows predicted as it."""
    hit, _, zero, _ = _constants(cells)
    return _ratio((hit, zero), (hit, hit), cells, chance)


def recall(cells: Cells, chance: Floats) -> Influence:
    """The share of the class's rows that are predicted as it."""
    hit, _, zero, one = _constants(cells)
    return _ratio((hit, zero), (one, zero), cells, chance)


def specificity(cells: Cells, chance: Floats) -> Influence:
    """The share of the other rows that are predicted as such."""
    _, miss, zero, one = _constants(cells)
    return _ratio((zero, miss), (zero, one), cells, chance)


def f1(cells: Cells, chance: Floats) -> Influence:
    """The harmonic mean of precision and recall."""
    hit, _, zero, _ = _constants(cells)
    return _ratio((2 * hit, zero), (hit + 1, hit), cells, chance)


def log_loss(cells: Cells, chance: Floats) -> Influence:
    """The mean negative log-likelihood of the scores, in nats."""
    score = np.clip(GRID.middle(cells.keys), LOWEST, 1 - LOWEST)
    one = np.ones(chance.size)
    return _ratio((-np.log(score), -np.log1p(-score)), (one, one), cells, chance)


def brier(cells: Cells, chance: Floats) -> Influence:
    """The mean squared difference of score and label."""
    score, one = GRID.middle(cells.keys), np.ones(chance.size)
    return _ratio((np.square(1 - score), np.square(score)), (one, one), cells, chance)


BINARY: Mapping[str, Expectation] = {
    one.__name__: one for one in (roc_auc, accuracy, f1, precision, recall, specificity, log_loss, brier)
}
MACRO: Mapping[str, Expectation] = {"macro_f1": f1, "macro_roc_auc": roc_auc}
