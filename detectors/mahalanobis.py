"""Drift of the mean of whole vectors: Hotelling's T2."""

from __future__ import annotations

from typing import Literal

import numpy as np

from detectors.distance import Null, Pairs
from detectors.moment_cells import LEAST, MomentCells, MomentDetector
from profiles.counts import Floats
from profiles.moments import STEPS


class Mahalanobis(MomentDetector):
    """The Mahalanobis distance of two means, in standard deviations of a row.

    Hotelling, "The generalization of Student's ratio", Annals of Mathematical Statistics 2 (1931).
    """

    kind: Literal["mahalanobis"] = "mahalanobis"

    def null(self, cells: MomentCells, share: Floats) -> Null:  # noqa: ARG002 - whitened, it is known
        """A chi-square with as many degrees of freedom as there are directions."""
        mean = max(float(cells.kept.sum()), 1e-12)
        return Null(mean, max(mean, 1.0))

    def squared(self, cells: MomentCells, pairs: Pairs) -> Floats:
        """Squared distances of the means."""
        moved = (pairs.one - pairs.other)[:, : cells.space.directions] / STEPS
        found: Floats = np.square(cells.white(moved)).sum(axis=1)
        return found

    def note(self, cells: MomentCells, before: Floats, after: Floats) -> str:
        """The columns whose means moved most, in standard deviations; of an embedding how far all did."""
        (mean, spread), (moved, _) = cells.columns(before), cells.columns(after)
        shift = (moved - mean) / np.sqrt(np.maximum(np.diag(spread), LEAST))
        if not cells.names:
            return (
                f"mean of the vectors moved by {np.sqrt(np.mean(np.square(shift))):.3g} sd in each dimension"
            )
        most = np.argsort(-np.abs(shift))[:3]
        return "means moved: " + ", ".join(f"{cells.names[place]} {shift[place]:+.2g} sd" for place in most)
