"""Drift of a categorical column: the largest change of a share."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from detectors.bridge import POINTS, bridges
from detectors.cells import CategoricalCells
from detectors.chi_square import CategoryDetector
from detectors.distance import Null, Pairs
from profiles.counts import Floats


class LargestChange(CategoryDetector):
    """The largest change of a category's share, the L-infinity distance: 0 to 1.

    Good for a change of one frequent category, that is easily told: 0.02 is two points. Changes that are
    spread over many categories, or of a rare one, are for `chi_square` or `g_test`.
    """

    largest: ClassVar[float] = 1.0
    kind: Literal["largest_change"] = "largest_change"

    def null(self, cells: CategoricalCells, share: Floats) -> Null:  # noqa: ARG002 - the shares say it all
        """The largest of normal variables with the covariance of shares, by draws; rare ones do not count."""
        frequent = np.sort(share)[::-1][:POINTS]
        few = np.append(frequent, max(1 - frequent.sum(), 0.0))
        changes = np.diff(bridges(few), axis=1, prepend=0.0)[:, : frequent.size]
        mean = float(np.square(np.abs(changes).max(axis=1)).mean())
        variance = float((frequent * (1 - frequent)).max())
        return Null(mean, mean / variance) if variance > 0 and mean > 0 else Null(1.0, 1.0)

    def squared(self, cells: CategoricalCells, pairs: Pairs) -> Floats:  # noqa: ARG002 - as above
        """The squared change."""
        found: Floats = np.square(np.abs(pairs.one - pairs.other).max(axis=1, initial=0.0))
        return found
