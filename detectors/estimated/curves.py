"""What a score is worth: the probability of the label given the score's bin, learned from joined labels."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
from scipy import optimize, special

from profiles.counts import Floats, Ints
from profiles.score import TOP, ScoreGrid

GRID = ScoreGrid()
ROUNDS = 30
ENOUGH = 1e-6  # a step of this size is the last
LONGEST = 2.0  # a step: so that the first ones do not overshoot
RIDGE = 1.0  # so many rows' worth of belief that scores are probabilities
EDGE = 1e-12
ALL = slice(None)


class Curve(Protocol):
    """Gives the bins of scores their probabilities."""

    def at(self, keys: Ints, fits: slice = ALL) -> Floats:
        """The probabilities of bins of the score grid by some fits, shape (fits, k)."""

    def deviations(self, keys: Ints, weights: Floats) -> Floats:
        """How far a weighted sum of probabilities is off without each fold, shape (fits - 1,).

        Args:
            keys: bins of the score grid, shape (k,).
            weights: of their probabilities, shape (k,).
        """


class Isotonic:
    """Probabilities that never fall as the score rises.

    Weighted isotonic regression by pooling adjacent violators: Barlow et al., "Statistical Inference under
    Order Restrictions" (1972). Between the bins that were seen it is linear in the bin's number.

    Args:
        keys: bins of the score grid, ascending, shape (k,).
        positives: rows with the label, shape (r, k): r sets of rows are fitted.
        rows: all rows, shape (r, k).

    >>> Isotonic(np.array([0, 1, 2]), np.array([[1.0, 3.0, 1.0]]), np.full((1, 3), 4.0)).at(np.arange(3))
    array([[0.25, 0.5 , 0.5 ]])
    """

    def __init__(self, keys: Ints, positives: Floats, rows: Floats) -> None:
        self._fits = []
        for one, all_rows in zip(positives, rows, strict=True):
            seen = all_rows > 0
            share = one[seen] / all_rows[seen]
            fitted = optimize.isotonic_regression(share, weights=all_rows[seen]).x if seen.any() else share
            self._fits.append((keys[seen].astype(np.float64), np.clip(fitted, 0.0, 1.0)))

    def at(self, keys: Ints, fits: slice = ALL) -> Floats:
        """The probabilities of bins, shape (fits, k); NaN of a fit without rows."""
        chosen = self._fits[fits]
        chance = np.full((len(chosen), keys.size), np.nan)
        for one, (seen, fitted) in zip(chance, chosen, strict=True):
            if seen.size:
                one[:] = np.interp(keys, seen, fitted)
        return chance

    def deviations(self, keys: Ints, weights: Floats) -> Floats:
        """How far a weighted sum of probabilities is off without each fold, shape (fits - 1,)."""
        sums = self.at(keys) @ weights
        off: Floats = np.nan_to_num(sums[1:] - sums[0])  # a fold may be all there is
        return off


class Beta:
    """Beta calibration: the log odds are a ln(s) - b ln(1 - s) + c.

    Kull, Silva Filho and Flach, AISTATS 2017. Three numbers are known well from few rows, where isotonic
    regression is not. Scores that are probabilities are a = b = 1, c = 0.

    Args:
        keys: bins of the score grid, ascending, shape (k,).
        positives: rows with the label, shape (r, k): r sets of rows are fitted.
        rows: all rows, shape (r, k).
    """

    def __init__(self, keys: Ints, positives: Floats, rows: Floats) -> None:
        design = _design(keys)
        belief = np.array([1.0, 1.0, 0.0])
        self._weights = np.tile(belief, (len(rows), 1))
        for _ in range(ROUNDS):  # Newton's method
            chance = special.expit(self._weights @ design.T)
            slope = (positives - rows * chance) @ design - RIDGE * (self._weights - belief)
            bend = np.einsum("rk,ki,kj->rij", rows * chance * (1 - chance), design, design, optimize=True)
            step = np.linalg.solve(bend + RIDGE * np.eye(3), slope[:, :, None])[:, :, 0]
            length = np.abs(step).max(axis=1, keepdims=True)
            self._weights = self._weights + step * np.minimum(1.0, LONGEST / np.maximum(length, EDGE))
            if length.max(initial=0.0) < ENOUGH:
                break

    def at(self, keys: Ints, fits: slice = ALL) -> Floats:
        """The probabilities of bins, shape (fits, k)."""
        chance: Floats = special.expit(self._weights[fits] @ _design(keys).T)
        return chance

    def deviations(self, keys: Ints, weights: Floats) -> Floats:
        """How far a weighted sum of probabilities is off without each fold, to the first order."""
        design = _design(keys)
        chance = special.expit(design @ self._weights[0])
        off: Floats = (self._weights[1:] - self._weights[0]) @ ((weights * chance * (1 - chance)) @ design)
        return off


Kind = type[Isotonic] | type[Beta]
CURVES: tuple[Kind, ...] = (Isotonic, Beta)  # which supposes less comes first


@cache
def _designs() -> Floats:
    """What beta calibration sees of every bin, in their order."""
    score = np.clip(GRID.middle(np.arange(-TOP, TOP + 1)), EDGE, 1 - EDGE)
    return np.stack([np.log(score), -np.log1p(-score), np.ones(score.size)], axis=1)


def _design(keys: Ints) -> Floats:
    rows: Floats = _designs()[keys + TOP]
    return rows
