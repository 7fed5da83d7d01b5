"""Drift of a number or of a category: the Jensen-Shannon distance."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from scipy import special

from detectors.distance import Pairs
from detectors.divergence import DivergenceDetector, filled
from profiles.counts import Floats


class JensenShannon(DivergenceDetector):
    """The Jensen-Shannon distance with logarithms to base 2: 0 to 1.

    Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information Theory 37
    (1991); the root is a metric: Endres and Schindelin, the same 49 (2003). It is what
    `scipy.spatial.distance.jensenshannon(p, q, base=2)` computes, except that a cell that only one of both
    has counts as half a row in the other.
    """

    curvature: ClassVar[float] = float(1 / (8 * np.log(2)))
    largest: ClassVar[float] = 1.0
    kind: Literal["jensen_shannon"] = "jensen_shannon"

    def squared(self, cells: Any, pairs: Pairs) -> Floats:  # noqa: ARG002 - the shares say it all
        """The divergence of each pair, in bits."""
        one, other = filled(pairs)
        mixed = (one + other) / 2
        nats = (special.rel_entr(one, mixed) + special.rel_entr(other, mixed)).sum(axis=1) / 2
        found: Floats = np.clip(nats / np.log(2), 0, 1)
        return found
