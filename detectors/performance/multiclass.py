"""Metrics of a multi-class task from its confusion counts: of each class, and averaged over classes.

Exact against scikit-learn, but that classes beyond the reference's may share a bucket (see `Vocabulary`).
Averages have the standard error of the infinitesimal jackknife.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.performance.estimate import UNDEFINED, Estimate, proportion, spread
from profiles import MulticlassOutcomes
from profiles.counts import Floats, Ints


@dataclass(frozen=True)
class Table:
    """The cells of a confusion matrix that hold rows, and its margins.

    Attributes:
        predicted: the class predicted, of each cell: a place in the margins, shape (cells,).
        actual: the class of the label, likewise.
        counts: the rows of each cell, shape (cells,).
        hits: rows predicted rightly, of each class that occurs, shape (classes,).
        predictions: rows predicted to be of each class.
        labels: rows that are of each class.
        codes: of the classes that occur, ascending.
    """

    predicted: Ints
    actual: Ints
    counts: Floats
    hits: Floats
    predictions: Floats
    labels: Floats
    codes: Ints

    @classmethod
    def of(cls, outcomes: MulticlassOutcomes) -> Table:
        """Read off the counts."""
        keys, counts = outcomes.confusion.keys, outcomes.confusion.values.astype(np.float64)
        pairs = np.stack(np.divmod(keys, outcomes.space.STRIDE))
        codes, places = np.unique(pairs, return_inverse=True)
        predicted, actual = places.reshape(pairs.shape)
        size, right = codes.size, predicted == actual
        return cls(
            *(predicted, actual, counts),
            hits=_sums(predicted[right], counts[right], size),
            predictions=_sums(predicted, counts, size),
            labels=_sums(actual, counts, size),
            codes=codes,
        )

    @property
    def total(self) -> float:
        """All rows."""
        return float(self.counts.sum())

    @property
    def right(self) -> Floats:
        """1 in the cells of right predictions, 0 in others."""
        return np.asarray(self.predicted == self.actual, np.float64)


def accuracy(outcomes: MulticlassOutcomes) -> Estimate:
    """The share of predictions that equal their label; each micro average is the same."""
    return proportion(outcomes.correct, outcomes.count)


def macro_precision(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean precision of the classes that occur in predictions or labels; 0 of one never predicted."""
    table = Table.of(outcomes)
    shares = _share(table.hits, table.predictions)
    return _average(table, shares, _of_share(shares, table.predictions, table.predicted, table))


def macro_recall(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean recall of the classes that occur in predictions or labels; 0 of one that no label is of."""
    table = Table.of(outcomes)
    shares = _share(table.hits, table.labels)
    return _average(table, shares, _of_share(shares, table.labels, table.actual, table))


def macro_f1(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean F1 of the classes that occur in predictions or labels."""
    table = Table.of(outcomes)
    return _average(table, _f1(table), _of_f1(table, np.ones(table.codes.size)))


def weighted_f1(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean F1 over rows: of each class by how many labels are of it."""
    table = Table.of(outcomes)
    if not table.total:
        return UNDEFINED
    scores = _f1(table)
    value = float((scores * table.labels).sum() / table.total)
    influences = (_of_f1(table, table.labels) + scores[table.actual] - value) / table.total
    return value, _at_least(spread(influences, table.counts), table)


def balanced_accuracy(outcomes: MulticlassOutcomes) -> Estimate:
    """The mean recall of the classes that labels are of."""
    table = Table.of(outcomes)
    if not table.total:
        return UNDEFINED
    shares, occur = _share(table.hits, table.labels), np.count_nonzero(table.labels)
    influences = _of_share(shares, table.labels, table.actual, table) / occur
    return float(shares.sum() / occur), _at_least(spread(influences, table.counts), table)


def precision_of(outcomes: MulticlassOutcomes, name: str) -> Estimate:
    """The precision of one class; undefined where it is never predicted, or is none of the reference's."""
    hits, predictions, _ = _class(outcomes, name)
    return proportion(hits, predictions)


def recall_of(outcomes: MulticlassOutcomes, name: str) -> Estimate:
    """The recall of one class; undefined where no label is of it, or it is none of the reference's."""
    hits, _, labels = _class(outcomes, name)
    return proportion(hits, labels)


def f1_of(outcomes: MulticlassOutcomes, name: str) -> Estimate:
    """The F1 of one class: see `confusion.f1`."""
    hits, predictions, labels = _class(outcomes, name)
    found = predictions + labels - hits
    if not found:
        return UNDEFINED
    shrunk = (hits + 2) / (found + 4)
    return 2 * hits / (hits + found), proportion(hits, found)[1] * 2 / (1 + shrunk) ** 2


def _class(outcomes: MulticlassOutcomes, name: str) -> tuple[int, int, int]:
    """The hits, predictions and labels of a class, 0 of one that is unknown."""
    if name not in outcomes.space.classes.values:
        return 0, 0, 0
    code, values = outcomes.space.classes.code(name), outcomes.confusion.values
    predicted, actual = (part == code for part in np.divmod(outcomes.confusion.keys, outcomes.space.STRIDE))
    return int(values[predicted & actual].sum()), int(values[predicted].sum()), int(values[actual].sum())


def _sums(places: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(places, values, size).astype(np.float64)  # of nothing numpy counts integers


def _share(hits: Floats, of: Floats) -> Floats:
    return np.divide(hits, of, out=np.zeros_like(hits), where=of > 0)


def _f1(table: Table) -> Floats:
    return 2 * table.hits / (table.predictions + table.labels)


def _of_share(shares: Floats, of: Floats, member: Ints, table: Table) -> Floats:
    """What one more row of each cell adds to the sum of shares, its class being `member`."""
    return (table.right - shares[member]) / of[member]


def _of_f1(table: Table, weights: Floats) -> Floats:
    """What one more row of each cell adds to the weighted sum of the classes' F1."""
    of = table.predictions + table.labels
    scores, weights = _f1(table), weights / of
    gained = 2 * table.right * weights[table.actual]
    lost = scores * weights
    return gained - lost[table.predicted] - lost[table.actual]


def _average(table: Table, values: Floats, influences: Floats) -> Estimate:
    """The plain mean over the classes that occur, `influences` being those of the sum."""
    if not table.total:
        return UNDEFINED
    error = spread(influences / values.size, table.counts)
    return float(values.mean()), _at_least(error, table)


def _at_least(error: float, table: Table) -> float:
    """All right or all wrong is no certainty (rule of three)."""
    return max(error, 1 / (3 * table.total))
