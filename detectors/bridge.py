"""The null distribution of distances between distribution functions: functionals of a Brownian bridge.

Values that tie move together, so what a distance is worth depends on how the reference's shares lie. It is
computed from them, with the cells merged to at most `POINTS`.
"""

from __future__ import annotations

import numpy as np

from profiles.counts import Floats

POINTS = 64
DRAWS = 2000


def merged(share: Floats) -> Floats:
    """Shares, shape (cells,), merged into at most about `POINTS` cells; a cell that holds much stays alone.

    >>> merged(np.full(1000, 0.001)).size <= POINTS + 1
    True
    """
    below = np.concatenate([[0.0], np.cumsum(share)])
    large = np.flatnonzero(share > 1 / POINTS)
    spread = np.searchsorted(below, np.arange(1, POINTS) / POINTS)
    edges = np.unique(np.concatenate([[0], spread, large, large + 1, [share.size]]))
    return np.add.reduceat(share, edges[:-1]) if share.size else share


def middle(share: Floats) -> Floats:
    """The mid-distribution function of shares along the last axis: what is below, and half of what ties."""
    return np.cumsum(share, axis=-1) - share / 2


def covariance(share: Floats) -> Floats:
    """The covariance of the mid-distribution function of one row, shape (cells, cells)."""
    below, middles = np.cumsum(share), middle(share)
    joint = np.minimum(middles[:, None], middles[None, :])
    # the same cell: both are 1 below it, and one half in it
    np.fill_diagonal(joint, below - 0.75 * share)
    return joint - middles[:, None] * middles[None, :]


def largest_eigenvalue(matrix: Floats) -> float:
    """The largest eigenvalue of a symmetric matrix, at least 0."""
    return max(float(np.linalg.eigvalsh(matrix)[-1]), 0.0) if matrix.size else 0.0


def bridges(share: Floats) -> Floats:
    """Differences of distribution functions at the cells' ends, times the root of n, shape (DRAWS, cells).

    The draws are always the same.
    """
    normal = np.random.default_rng(0).normal(size=(DRAWS, share.size)) * np.sqrt(share)
    return np.cumsum(normal - share * normal.sum(axis=1, keepdims=True), axis=1)
