"""Direct loss estimation (DLE) from sums: a regression's error is expected from the predicted value.

NannyML's method fits a model to the loss. Here the loss is averaged over cells of the predicted value and,
where that predicts better, by segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.estimated.cells import Strata, place_of
from detectors.estimated.expected import UNKNOWN, Expected
from detectors.estimated.folds import jackknife, left_out
from profiles import Losses
from profiles.counts import Floats, Ints

PRIOR = 5.0  # rows of all cells that a cell is averaged with
STRATUM_PRIOR = 50.0  # rows of the same cell in all strata that a stratum's is averaged with


@dataclass(frozen=True, eq=False)
class LossTable:
    """The mean loss by stratum and cell of the predicted value.

    Attributes:
        column: the segment column whose values are the strata; "" for none.
        strata: their names.
        space: the cells.
        absolute: the mean absolute error, shape (1 + folds, strata + 1, cells): of the whole reference, then
            without each fold; last the rows of no stratum.
        squared: the mean squared error.
        fourth: the mean of the error's fourth power.
        losses: the squared differences from the errors of each fold left out, shape (folds,).
    """

    column: str
    strata: tuple[str, ...]
    space: Losses
    absolute: Floats
    squared: Floats
    fourth: Floats
    losses: Floats

    @classmethod
    def learn(cls, column: str, strata: tuple[str, ...], windows: Sequence[Strata], parts: Ints) -> LossTable:
        """Average the reference's losses.

        Args:
            column: the segment column.
            strata: the names that are told apart.
            windows: loss sums by stratum, at least one.
            parts: the fold of each window.
        """
        space = next(one.space for window in windows for one in window.values())
        sums = np.zeros((4, int(parts.max()) + 1, len(strata) + 1, len(space.edges) + 1))
        for window, part in zip(windows, parts.tolist(), strict=True):
            for name, one in window.items():
                place = place_of(name, strata)
                for power, held in enumerate((one.rows, one.absolute, one.squared, one.fourth)):
                    sums[power, part, place] += held
        means = _means(np.stack([left_out(one) for one in sums]), len(strata))
        rows, absolute, squared, _ = sums
        mean = means[0, 1:]
        wrong = squared - 2 * mean * absolute + rows * np.square(mean)
        first, second, fourth = means
        return cls(column, strata, space, first, second, fourth, wrong.sum(axis=(1, 2)))

    def expected(
        self, metrics: Sequence[str], window: Strata, fold: int | None = None
    ) -> dict[str, Expected]:
        """Metrics that are expected of a window: see `Model.expected`."""
        rows = np.zeros(self.absolute.shape[1:])
        for name, summary in window.items():
            rows[place_of(name, self.strata)] += self.space.rows(summary.counts)
        if not rows.any():
            return dict.fromkeys(metrics, UNKNOWN)
        fits = slice(None) if fold is None else slice(fold + 1, fold + 2)
        powers = self.absolute[fits], self.squared[fits], self.fourth[fits]
        found = {"mae": _mean(*powers[:2], rows), "rmse": _root(_mean(*powers[1:], rows))}
        return {metric: found[metric] for metric in metrics}


def _mean(first: Floats, second: Floats, rows: Floats) -> Expected:
    """The mean of a loss, from its own and its square's mean in each cell by some fits, shape (fits, ...)."""
    total = rows.sum()
    share = rows / total
    means = (first * share).sum(axis=(1, 2))
    within = np.maximum(second[0] - np.square(first[0]), 0.0)
    return Expected(
        float(means[0]),
        float((share * within).sum() / total),
        float((share * np.square(first[0] - means[0])).sum() / total),
        jackknife(means[1:]),
    )


def _root(mean: Expected) -> Expected:
    """The root of a mean, by the delta method."""
    if mean.value <= 0:
        return mean
    slope = 1 / (4 * mean.value)
    variances = (slope * one for one in (mean.noise, mean.drawn, mean.doubt))
    return Expected(float(np.sqrt(mean.value)), *variances)


def _means(sums: Floats, strata: int) -> Floats:
    """Mean losses from sums, both shape (4 or 3, fits, strata + 1, cells); few rows lean on more."""
    rows, powers = sums[0], sums[1:]
    by_cell = powers.sum(axis=2, keepdims=True), rows.sum(axis=1, keepdims=True)
    overall = by_cell[0].sum(axis=3, keepdims=True) / np.maximum(by_cell[1].sum(axis=2, keepdims=True), 1)
    pooled: Floats = (by_cell[0] + PRIOR * overall) / (by_cell[1] + PRIOR)
    if not strata:
        return pooled
    own: Floats = (powers + STRATUM_PRIOR * pooled) / (rows + STRATUM_PRIOR)
    own[:, :, -1] = pooled[:, :, 0]
    return own
