"""Directions in which a reference's standardised vectors vary, and how much the products of them do."""

from __future__ import annotations

import numpy as np

from profiles.counts import Floats

ROUNDS = 10  # of the subspace iteration
LEAST = 0.01  # of a column's variance: directions that vary less are not told apart
FEW = 40  # rows for each direction: fewer do not tell how products vary


def principal_axes(vectors: Floats, most: int) -> Floats:
    """The first `most` principal axes of vectors, shape (n, d), each divided by its standard deviation.

    By subspace iteration (Golub and Van Loan, Matrix Computations, section 7.3.2). As many rows as there are
    axes speak for columns that are independent, so that few rows give as many axes.

    Returns:
        Shape (d, most).
    """
    rows, width = vectors.shape
    cut = vectors - vectors.mean(axis=0) if rows else vectors
    weight = rows / (rows + most)

    def spread(axes: Floats) -> Floats:
        found: Floats = weight * (cut.T @ (cut @ axes)) / max(rows, 1) + (1 - weight) * axes
        return found

    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(width, most)))[0]
    for _ in range(ROUNDS):
        axes = np.linalg.qr(spread(axes))[0]
    variances, turn = np.linalg.eigh(axes.T @ spread(axes))
    found: Floats = (axes @ turn)[:, ::-1] / np.sqrt(variances[::-1])
    return found


def variation(vectors: Floats) -> tuple[float, float]:
    """How much the products of whitened vectors vary: of vectors, shape (n, r).

    Returns:
        The sum of the variances of all products, as a multiple of what it is for a normal distribution
        (Mardia, Biometrika 57, 1970), and the largest variance of one: 1 and 2 where there are few rows.
    """
    rows, width = vectors.shape
    if rows < FEW * width:
        return 1.0, 2.0
    cut = vectors - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(cut.T @ cut / rows)
    kept = variances > LEAST
    if not kept.any():
        return 1.0, 2.0
    squares = np.square(cut @ (axes[:, kept] / np.sqrt(variances[kept])))
    fourth, r = squares.T @ squares / rows, int(kept.sum())
    total, own = float(fourth.sum()), np.diag(fourth)
    other = 2 * float((fourth - np.diag(own)).max())
    widest = max(float(own.max()) - 1, other, (total - r * r) / r, 1.0)
    return max((total - r) / (r * r + r), LEAST), widest
