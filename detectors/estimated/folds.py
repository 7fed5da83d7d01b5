"""The reference left out in parts: each of its windows is estimated by what the others say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from profiles.counts import Floats, Ints

FOLDS = 10
CLEARLY = 2.0  # standard errors
Candidate = TypeVar("Candidate")


def folds(windows: int) -> Ints:
    """The part that each window is in: neighbours together, shape (windows,).

    >>> folds(4).tolist(), folds(20).max()
    ([0, 1, 2, 3], np.int64(9))
    """
    return np.arange(windows) * min(FOLDS, windows) // max(windows, 1)


def left_out(by_fold: Floats) -> Floats:
    """Sums of all folds, then without each, along the first axis: shape (folds, ...) to (1 + folds, ...).

    >>> left_out(np.array([1.0, 2.0])).tolist()
    [3.0, 2.0, 1.0]
    """
    whole = by_fold.sum(axis=0, keepdims=True)
    return np.concatenate([whole, np.maximum(whole - by_fold, 0.0)])


def clearest(candidates: Sequence[Candidate], losses: Callable[[Candidate], Floats]) -> Candidate:
    """The first of some candidates, or a later one that predicts clearly better what was left out.

    Args:
        candidates: from simple to detailed.
        losses: the loss on each fold when it is left out, shape (folds,).
    """
    best = candidates[0]
    known = losses(best)
    for one in candidates[1:]:
        mine = losses(one)
        gain = known - mine
        doubt = gain.std(ddof=1) / np.sqrt(gain.size) if gain.size > 1 else np.inf
        if gain.mean() > CLEARLY * doubt:
            best, known = one, mine
    return best


def jackknife(values: Floats) -> float:
    """The variance of an estimate, by its values with each fold left out, shape (folds,).

    Efron, "The Jackknife, the Bootstrap and Other Resampling Plans" (1982), chapter 3.
    """
    if not values.size:
        return 0.0
    apart = values - values.sum() / values.size
    return float(apart @ apart) * (values.size - 1) / values.size
