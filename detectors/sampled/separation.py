"""Can a classifier tell a window from its reference? How well, and by which features.

Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR 2017; with the area under the ROC curve in
place of the accuracy, and its error by DeLong, DeLong and Clarke-Pearson (Biometrics 44, 1988), made larger
because the folds share their training rows, by Nadeau and Bengio (Machine Learning 52, 2003).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special
from threadpoolctl import threadpool_limits

from detectors.sampled.table import Table
from profiles.counts import Floats
from profiles.sample import Sample

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

FOLDS = 3
SEED = 7
ROWS = 1000  # of each side
FEWEST = 10  # rows of each side in a fold that say anything
ROUNDS = 30
WIDER = (1 + FOLDS / (FOLDS - 1)) ** 0.5  # Nadeau and Bengio's correction of a standard error
CLEAR = 0.01  # a p-value below which it is said that it can tell


@dataclass(frozen=True)
class Separation:
    """How well window and reference can be told apart.

    Attributes:
        auc: the area under the ROC curve on rows that the classifier has not seen; 0.5 when it cannot tell.
        error: its standard error.
        healthy_error: the same when there is nothing to tell.
        p_value: the probability of so large an area when both come from one distribution.
        features: those it tells by, with the loss of area when their values are shuffled, the largest first.
            Features that say the same share it. Empty when it cannot tell, or was not asked.
    """

    auc: float
    error: float
    healthy_error: float
    p_value: float
    features: tuple[tuple[str, float], ...] = ()

    def sentence(self) -> str:
        """What it means, for people.

        >>> Separation(0.71, 0.02, 0.02, 1e-9, (("temp", 0.1), ("wind", 0.05))).sentence()
        'A classifier tells this window from its reference with AUC 0.71 +/- 0.02, mostly by temp, wind.'
        """
        area = f"AUC {self.auc:.2f} +/- {self.error:.2f}"
        if self.p_value >= CLEAR:
            return f"A classifier cannot tell this window from its reference ({area})."
        names = ", ".join(name for name, _ in self.features[:3])
        by = f", mostly by {names}" if names else ""
        return f"A classifier tells this window from its reference with {area}{by}."


def confirm(reference: Sample, window: Sample, rows: int = ROWS) -> Separation | None:
    """Cross-validate a classifier on the two samples, and rank the features that it tells them apart by.

    Args:
        reference: the known good.
        window: what is in question.
        rows: of each side, at most; more are slower and no clearer.

    Returns:
        None where there are too few rows, or no features.
    """
    return separate(Table.of(reference, window, rows), ranked=True)


def separate(table: Table, *, ranked: bool) -> Separation | None:
    """The same on a table; the ranking costs about as much again."""
    rows = min(int(table.window.sum()), int((~table.window).sum()))
    if rows < FOLDS * FEWEST or not table.values.shape[1]:
        return None
    areas, losses = [], []
    model = _classifier(table)  # loads the library whose threads are limited
    with threadpool_limits(1, "openmp"):  # so little work is slower on threads, by far where cores are busy
        for fold in range(FOLDS):
            held_out = _held_out(table.window, fold)
            model.fit(table.values[~held_out], table.window[~held_out])
            values, truth = table.values[held_out], table.window[held_out]
            area, variance = area_under_curve(model.decision_function(values), truth)
            areas.append((area, variance))
            if ranked:
                losses.append(_losses(model, values, truth, table, area))
    auc = float(np.mean([area for area, _ in areas]))
    error = WIDER * float(np.sqrt(np.sum([variance for _, variance in areas]))) / FOLDS
    healthy = _null_error(table.window)
    p_value = float(special.ndtr((0.5 - auc) / healthy))
    features = _ranking(table, losses) if ranked and p_value < CLEAR else ()
    return Separation(auc, error, healthy, p_value, features)


def _held_out(window: npt.NDArray[np.bool_], fold: int) -> npt.NDArray[np.bool_]:
    """The rows of a fold: of each side every third, which is random, for they are in the order of hashes."""
    place = np.where(window, np.cumsum(window), np.cumsum(~window))
    held: npt.NDArray[np.bool_] = place % FOLDS == fold
    return held


def _classifier(table: Table) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - takes seconds to import

    return HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        learning_rate=0.2,
        max_leaf_nodes=8,
        categorical_features=table.categorical,
        early_stopping=False,
        random_state=SEED,
    )


def _losses(
    model: HistGradientBoostingClassifier,
    values: Floats,
    truth: npt.NDArray[np.bool_],
    table: Table,
    area: float,
) -> Floats:
    """How much of the area is lost when the values of one feature are shuffled, shape (features,)."""
    order = np.random.default_rng(SEED).permutation(len(values))
    lost = np.zeros(len(table.names))
    for feature in range(lost.size):
        shuffled = values.copy()
        mine = table.owners == feature
        shuffled[:, mine] = values[order][:, mine]
        lost[feature] = area - area_under_curve(model.decision_function(shuffled), truth)[0]
    return lost


def _ranking(table: Table, losses: list[Floats]) -> tuple[tuple[str, float], ...]:
    mean = np.mean(losses, axis=0)
    order = np.argsort(-mean, kind="stable")
    return tuple((table.names[place], float(mean[place])) for place in order.tolist() if mean[place] > 0)


def _null_error(window: npt.NDArray[np.bool_]) -> float:
    """The standard error of an area when there is nothing to tell: Mann and Whitney's, made larger too."""
    ones = int(window.sum())
    zeros = window.size - ones
    return float(WIDER * np.sqrt((ones + zeros + FOLDS) / (12 * ones * zeros)))


def area_under_curve(scores: Floats, truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The area under the ROC curve, and its variance by DeLong's method.

    Args:
        scores: shape (n,).
        truth: shape (n,), with at least two of each.

    >>> area_under_curve(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, True, False, True]))[0]
    0.75
    """
    ranks = _ranks(scores)
    ones, zeros = int(truth.sum()), int((~truth).sum())
    above = (ranks[truth] - _ranks(scores[truth])) / zeros  # of each one the share of zeros below
    below = 1 - (ranks[~truth] - _ranks(scores[~truth])) / ones
    return float(above.mean()), float(above.var(ddof=1) / ones + below.var(ddof=1) / zeros)


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, of equal values their mean."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    means: Floats = np.cumsum(counts) - (counts - 1) / 2
    return means[places]
