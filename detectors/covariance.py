"""Drift of how the parts of vectors vary together, whatever their means do."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from detectors.distance import Null, Pairs
from detectors.moment_cells import LEAST, MomentCells, MomentDetector, split
from profiles.counts import Floats

DRAWS = 1000


class Covariance(MomentDetector):
    """The norm of the difference of two covariances, whitened by the reference.

    As the trace test of Nagao (Annals of Statistics 1, 1973), but with the 4-norm of the entries: in the
    Frobenius norm one pair of columns drowns among hundreds, in the largest entry a change of many is lost.
    How much products vary on independent rows is known from the reference's fourth moments.
    """

    kind: Literal["covariance"] = "covariance"
    rows_per_direction: ClassVar[int] = 8
    min_rows: int = Field(default=200, ge=1, description="Fewer rows than this in a window are insufficient.")

    def null(self, cells: MomentCells, share: Floats) -> Null:  # noqa: ARG002 - whitened, it is known
        """Of normal entries, as far as products vary as theirs; the largest variance makes the tail."""
        kept, r = cells.kept, cells.space.directions
        held = (kept.sum() ** 2 + np.square(kept).sum()) / (r * r + r)
        mean = max(float(cells.space.kurtosis * held) * _normal_mean(r * (r + 1) // 2), 1e-12)
        return Null(mean, max(mean / (cells.space.widest / 2), 1.0))

    def squared(self, cells: MomentCells, pairs: Pairs) -> Floats:
        """Squared norms of the whitened differences."""
        r = cells.space.directions
        one, other = (cells.white_spread(split(side, r)[1]) for side in (pairs.one, pairs.other))
        # by what both have: a scale that wanders moves the covariance further up than down
        scale = np.sqrt(np.maximum(np.einsum("pii->pi", one + other) / 2, LEAST))
        change = (one - other) / scale[:, :, None] / scale[:, None, :]
        rows, columns = np.triu_indices(r)
        entries = change[:, rows, columns] / np.where(rows == columns, np.sqrt(2), 1.0)  # of equal variance
        found: Floats = np.sqrt((entries**4).sum(axis=1))
        return found

    def note(self, cells: MomentCells, before: Floats, after: Floats) -> str:
        """The columns whose correlation changed most; of an embedding how much wider it is."""
        (_, one), (_, other) = cells.columns(before), cells.columns(after)
        if not cells.names:
            ratio = max(np.trace(other), 0.0) / max(np.trace(one), 1e-12)
            return f"spread of the vectors x{np.sqrt(ratio):.3g}"
        was, now = correlations(one), correlations(other)
        a, b = np.unravel_index(int(np.argmax(np.triu(np.abs(now - was), 1))), was.shape)
        pair = f"{cells.names[a]} and {cells.names[b]}"
        return f"correlation of {pair} {was[a, b]:.2f} -> {now[a, b]:.2f}"


@lru_cache
def _normal_mean(entries: int) -> float:
    """The mean squared 4-norm of so many standard normal entries; the draws are always the same."""
    normal = np.random.default_rng(0).normal(size=(DRAWS, entries))
    return float(np.sqrt((normal**4).sum(axis=1)).mean())


def correlations(spread: Floats) -> Floats:
    """Correlations from a covariance, shape (d, d); 0 where a column hardly varies."""
    deviations = np.sqrt(np.maximum(np.diag(spread), 0.0))
    held = deviations > 1e-3  # noqa: PLR2004 - of a standard deviation of the reference
    factors = np.where(held, 1 / np.where(held, deviations, 1.0), 0.0)
    found: Floats = spread * np.outer(factors, factors)
    return found
