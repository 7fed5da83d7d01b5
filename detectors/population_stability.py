"""Drift of a number or of a category: the population stability index."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from detectors.distance import Pairs
from detectors.divergence import DivergenceDetector, filled
from profiles.counts import Floats

FLOOR = 1e-4  # the usual share of a cell that is empty


class PopulationStability(DivergenceDetector):
    """PSI: the sum over cells of (q - p) ln(q / p), with p the reference's share and q the window's.

    That is Jeffreys' divergence (Proceedings of the Royal Society A 186, 1946); Siddiqi, "Credit Risk
    Scorecards" (2006), for the ten cells and the rule of thumb: from 0.1 some change, from 0.25 much. A cell
    that only one of both has counts as 0.0001 in the other, or as half a row where that is more.
    """

    power: ClassVar[float] = 1.0
    curvature: ClassVar[float] = 1.0
    kind: Literal["psi"] = "psi"

    def squared(self, cells: Any, pairs: Pairs) -> Floats:  # noqa: ARG002 - the shares say it all
        """The index of each pair."""
        one, other = filled(pairs, FLOOR)
        tiny = np.finfo(float).tiny  # a cell that neither has
        logs = np.log(np.maximum(one, tiny)) - np.log(np.maximum(other, tiny))
        found: Floats = ((one - other) * logs).sum(axis=1)
        return found
