"""Confidence-based performance estimation (CBPE) from counts.

If scores are calibrated, the labels of many rows are known on average: of rows with chance p of being
positive, p are. So the confusion matrix and the ROC curve can be expected without labels. Kuberski et al.,
NannyML's "Confidence-based Performance Estimation". The scores are calibrated on the reference's joined
labels; a class of a multi-class task against the rest. Concept drift, a change of what scores mean, cannot be
seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.estimated.cells import Strata, cells_of, labelled, place_of
from detectors.estimated.curves import CURVES, Curve, Kind
from detectors.estimated.expected import UNKNOWN, Expected
from detectors.estimated.folds import left_out
from detectors.estimated.metrics import BINARY, MACRO, right
from detectors.estimated.seen import Seen
from profiles.counts import Floats, Ints

POWERS = (("value", 1), ("noise", 2), ("drawn", 2), ("doubt", 2))
PRIOR = 100.0  # rows of all strata that a stratum is calibrated with, beside its own


@dataclass(frozen=True, eq=False)
class Labels:
    """The reference's joined labels of one class, by stratum, fold and bin.

    Attributes:
        keys: bins of the score grid, ascending, shape (k,).
        positives: rows with the class as label, shape (strata + 1, folds, k): last the rows of no stratum.
        rows: all rows.
    """

    keys: Ints
    positives: Floats
    rows: Floats


def gather(windows: Sequence[Strata], parts: Ints, strata: Sequence[str]) -> dict[int, Labels]:
    """The joined labels of the reference's windows by class.

    Args:
        windows: outcomes by stratum.
        parts: the fold of each window.
        strata: the names that are told apart.
    """
    held: dict[int, list[tuple[int, int, Ints, Ints, Ints]]] = {}
    for window, part in zip(windows, parts.tolist(), strict=True):
        for name, outcomes in window.items():
            for code, keys, positives, rows in labelled(outcomes):
                held.setdefault(code, []).append((place_of(name, strata), part, keys, positives, rows))
    found = {}
    for code, pieces in held.items():
        every = np.unique(np.concatenate([keys for _, _, keys, _, _ in pieces]))
        sums = np.zeros((2, len(strata) + 1, int(parts.max()) + 1, every.size))
        for place, part, keys, positives, rows in pieces:
            at = np.searchsorted(every, keys)
            sums[0, place, part, at] += positives
            sums[1, place, part, at] += rows
        found[code] = Labels(every, sums[0], sums[1])
    return found


@dataclass(frozen=True, eq=False)
class Calibration:
    """Curves that turn the bins of scores into probabilities, by class and stratum.

    Attributes:
        task: binary or multiclass.
        column: the segment column whose values are the strata; "" for none.
        strata: their names.
        curves: of each stratum, and of all rows together; fitted to the whole reference, then without each
            fold.
        losses: the squared differences from the labels of each fold left out, shape (folds,).
    """

    task: str
    column: str
    strata: tuple[str, ...]
    curves: Mapping[int, tuple[Curve, ...]]
    losses: Floats

    @classmethod
    def learn(
        cls, task: str, column: str, strata: tuple[str, ...], labels: Mapping[int, Labels], kind: Kind
    ) -> Calibration:
        """Calibrate by one kind of curve."""
        curves: dict[int, tuple[Curve, ...]] = {}
        losses = np.zeros(max(one.rows.shape[1] for one in labels.values()))
        for code, one in labels.items():
            whole = left_out(one.positives.sum(axis=0)), left_out(one.rows.sum(axis=0))
            share = PRIOR / np.maximum(whole[1].sum(axis=1, keepdims=True), PRIOR)
            own = []
            for place, (positives, rows) in enumerate(zip(one.positives, one.rows, strict=True)):
                told = whole
                if place < len(strata):
                    told = left_out(positives) + share * whole[0], left_out(rows) + share * whole[1]
                curve = kind(one.keys, *told)
                chance = np.nan_to_num(curve.at(one.keys)[1:], nan=0.5)
                wrong = positives * np.square(1 - chance) + (rows - positives) * np.square(chance)
                losses[: len(wrong)] += wrong.sum(axis=1)
                own.append(curve)
            curves[code] = tuple(own)
        return cls(task, column, strata, curves, losses)

    def expected(
        self, metrics: Sequence[str], window: Strata, fold: int | None = None
    ) -> dict[str, Expected]:
        """Metrics that are expected of a window: see `Model.expected`."""
        told = [
            Seen.of(cells, self.curves[code], fold)
            for code, cells in cells_of(window, self.strata).items()
            if code in self.curves and cells.keys.size
        ]
        return {metric: self._one(metric, told) for metric in metrics}

    def _one(self, metric: str, told: Sequence[Seen]) -> Expected:
        if self.task == "binary":
            parts = [one.expected(BINARY[metric](one.cells, one.chance)) for one in told]
            return parts[0] if parts else UNKNOWN
        if metric in MACRO:
            parts = [one.expected(MACRO[metric](one.cells, one.chance)) for one in told]
            return _mean([one for one in parts if np.isfinite(one.value)])
        # a row is predicted as one class: its right predictions are those of its class
        rows = sum(float(one.cells.rows[one.cells.predicted].sum()) for one in told)
        if not rows:
            return UNKNOWN
        return _sum([one.expected(right(one.cells, one.chance, rows)) for one in told])


def calibrations(
    task: str, column: str, strata: tuple[str, ...], windows: Sequence[Strata], parts: Ints
) -> list[Calibration]:
    """A calibration by each kind of curve; none where no labels have scores."""
    labels = gather(windows, parts, strata)
    if not labels:
        return []
    return [Calibration.learn(task, column, strata, labels, kind) for kind in CURVES]


def _sum(parts: Sequence[Expected]) -> Expected:
    totals = [sum(getattr(one, name) for one in parts) for name in ("value", "noise", "drawn", "doubt")]
    return Expected(*totals)


def _mean(parts: Sequence[Expected]) -> Expected:
    """The mean over classes, whose errors are taken to be independent."""
    if not parts:
        return UNKNOWN
    total, size = _sum(parts), len(parts)
    return Expected(*(getattr(total, name) / size**power for name, power in POWERS))
