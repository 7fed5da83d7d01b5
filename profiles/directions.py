"""Directions in which a reference's standardised vectors vary, and how much the products of them do."""

from __future__ import annotations

from collections.abc import Callable

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
    spread = _spread(vectors, most)
    width = vectors.shape[1]
    axes = np.linalg.qr(np.random.default_rng(0).normal(size=(width, most)))[0]
    for _ in range(ROUNDS):
        axes = np.linalg.qr(spread(axes))[0]
    variances, turn = np.linalg.eigh(axes.T @ spread(axes))
    found: Floats = (axes @ turn)[:, ::-1] / np.sqrt(variances[::-1])
    return found


def whitening(vectors: Floats) -> Floats:
    """The symmetric root of the inverse covariance of vectors, shape (n, d): columns stay recognisable.

    Returns:
        Shape (d, d).
    """
    width = vectors.shape[1]
    variances, axes = np.linalg.eigh(_spread(vectors, width)(np.eye(width)))
    found: Floats = (axes / np.sqrt(np.maximum(variances, LEAST))) @ axes.T
    return found


def _spread(vectors: Floats, prior: int) -> Callable[[Floats], Floats]:
    """What multiplies by the covariance of vectors, of which `prior` more rows have independent columns."""
    rows = len(vectors)
    cut = vectors - vectors.mean(axis=0) if rows else vectors
    weight = rows / (rows + prior)

    def spread(axes: Floats) -> Floats:
        found: Floats = weight * (cut.T @ (cut @ axes)) / max(rows, 1) + (1 - weight) * axes
        return found

    return spread


def variation(vectors: Floats) -> tuple[float, float]:
    """How much the products of whitened vectors vary: of vectors, shape (n, r).

    Returns:
        The sum of the variances of all products, as a multiple of what it is for a normal distribution
        (Mardia, Biometrika 57, 1970), and the largest variance of one, or of what all share: 1 and 2 where
        there are few rows.
    """
    rows, width = vectors.shape
    if rows < FEW * width:
        return 1.0, 2.0
    cut = vectors - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(cut.T @ cut / rows)
    floor = np.maximum(variances, LEAST)
    squares = np.square(cut @ (axes / np.sqrt(floor)) @ axes.T)
    fourth, left = squares.T @ squares / rows, variances / floor  # of a column that hardly varies less than 1
    total, own, held = float(fourth.sum()), np.diag(fourth), float(left.sum())
    other = 2 * float((fourth - np.diag(own)).max())
    common = (total - held**2) / width**1.5  # what all columns vary by together, as the 4-norm weighs it
    widest = max(float(own.max()) - 1, other, common, 1.0)
    normal = held**2 + float(np.square(left).sum())
    return max((total - float(np.square(left).sum())) / max(normal, LEAST), LEAST), widest
