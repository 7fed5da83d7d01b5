"""Drift of a number or of a category: the Hellinger distance."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from detectors.distance import Pairs
from detectors.divergence import DivergenceDetector, filled
from profiles.counts import Floats


class Hellinger(DivergenceDetector):
    """The Hellinger distance of shares: the root of half the squared distance of their roots, 0 to 1.

    Hellinger (Journal fuer die reine und angewandte Mathematik 136, 1909). A cell that only one of both has
    counts as half a row in the other.
    """

    curvature: ClassVar[float] = 1 / 8
    largest: ClassVar[float] = 1.0
    kind: Literal["hellinger"] = "hellinger"

    def squared(self, cells: Any, pairs: Pairs) -> Floats:  # noqa: ARG002 - the shares say it all
        """The squared distance of each pair."""
        one, other = filled(pairs)
        found: Floats = np.clip(np.square(np.sqrt(one) - np.sqrt(other)).sum(axis=1) / 2, 0, 1)
        return found
