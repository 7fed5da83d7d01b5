"""The rows of a window, and what the labels of one class are expected to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.estimated.cells import Cells
from detectors.estimated.curves import Curve
from detectors.estimated.expected import Expected
from detectors.estimated.folds import jackknife
from detectors.estimated.metrics import Influence
from profiles.counts import Floats


@dataclass(frozen=True, eq=False)
class Seen:
    """The rows of a window by the curves of one class.

    Attributes:
        cells: the rows.
        chance: the probability of the class in each cell.
        parts: the cells of each curve.
        doubted: whether other references would have said something else.
    """

    cells: Cells
    chance: Floats
    parts: Sequence[tuple[Any, Curve]]
    doubted: bool

    @classmethod
    def of(cls, cells: Cells, curves: Sequence[Curve], fold: int | None) -> Seen:
        """Rows by the curves of their strata, as fitted without a fold."""
        fit = slice(0, 1) if fold is None else slice(fold + 1, fold + 2)
        parts: list[tuple[Any, Curve]] = [(slice(None), curves[0])]
        if len(curves) > 1:
            parts = [(np.flatnonzero(cells.strata == place), curve) for place, curve in enumerate(curves)]
        chance = np.zeros(cells.keys.size)
        for own, curve in parts:
            chance[own] = curve.at(cells.keys[own], fit)[0]
        return cls(cells, chance, parts, fold is None)

    def expected(self, influence: Influence) -> Expected:
        """From what rows add to a metric."""
        rows, chance = self.cells.rows, self.chance
        difference = influence.positive - influence.negative
        mean = influence.negative + chance * difference
        return Expected(
            influence.value,
            float((rows * chance * (1 - chance)) @ np.square(difference)),
            float(rows @ np.square(mean)),
            jackknife(self._deviations(rows * difference)) if self.doubted else 0.0,
        )

    def _deviations(self, weights: Floats) -> Floats:
        total = np.zeros(1)
        for own, curve in self.parts:
            total = total + curve.deviations(self.cells.keys[own], weights[own])
        return total
