"""Drift of a categorical column: the likelihood ratio of one distribution against two."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import special

from detectors.cells import CategoricalCells
from detectors.chi_square import CategoryDetector
from detectors.distance import Null, Pairs
from profiles.counts import Floats


class GTest(CategoryDetector):
    """The two-sample G of window and reference, per effective row.

    Wilks (Annals of Mathematical Statistics 9, 1938); Sokal and Rohlf, "Biometry", for the name. The value is
    sqrt(G / n) with n the effective rows, as that of `chi_square`, and close to it where changes are small.
    """

    kind: Literal["g_test"] = "g_test"

    def null(self, cells: CategoricalCells, share: Floats) -> Null:  # noqa: ARG002 - how many cells is enough
        """A chi-square with one degree of freedom less than there are cells."""
        df = max(int((share > 0).sum()) - 1, 1)
        return Null(df, df)

    def squared(self, cells: CategoricalCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """G of each pair, over its effective rows."""
        rows, others = pairs.rows[:, None], pairs.others[:, None]
        ratios = rows * special.rel_entr(pairs.one, pairs.pooled)
        ratios = ratios + others * special.rel_entr(pairs.other, pairs.pooled)
        found: Floats = np.maximum(2 * ratios.sum(axis=1), 0) / np.maximum(pairs.sizes, 1e-300)
        return found
