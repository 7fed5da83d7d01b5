"""Rows of predictions and labels, ordinary and adversarial, and their outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from profiles import ClassOutcomes, Grid, Outcomes, ResidualGrid, Vocabulary

Array = npt.NDArray[np.float64]
Scored = tuple[Array, Array, Array]
CLASSES = Vocabulary(tuple("abcde"))
SCORES = (0.0, 1.0, 0.5, 0.25, 0.1, 0.3, 0.7, 5e-324, 1e-12, 1 - 1e-12, float(np.nextafter(0.5, 0.0)))

score = st.sampled_from(SCORES) | st.floats(0, 1)
bit = st.integers(0, 1).map(float)
scored = st.lists(st.tuples(score, bit, bit), max_size=40)
"""Scores, predictions and labels of a binary task; the prediction is not always the score cut in two."""

classified = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40)
"""Codes of predictions and labels."""

number = st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 5e-324, 1.0, -1.0])
measured = st.lists(st.tuples(number, number), max_size=40)
"""Predictions and labels of a regression task."""


def columns(rows: list[Any], width: int) -> list[Any]:
    return list(np.array(rows, np.float64).reshape(len(rows), width).T)


def binary(rows: list[Any]) -> Any:
    return Outcomes().summarize(*columns(rows, 3))


def multiclass(rows: list[Any]) -> Any:
    predictions, labels = (column.astype(np.int64) for column in columns(rows, 2))
    return ClassOutcomes(CLASSES).summarize(predictions, labels)


def regression(rows: list[Any], center: float = 0.0, scale: float = 1.0) -> Any:
    return ResidualGrid(Grid(0.0, scale), center).summarize(*columns(rows, 2))


def sampled_binary(rng: np.random.Generator, rows: int, separation: float = 1.5) -> list[Any]:
    """Scores that are calibrated but for a shift, with as many positives as the base rate says."""
    labels = (rng.random(rows) < 0.3).astype(np.float64)
    scores = 1 / (1 + np.exp(-rng.normal(separation * (labels - 0.5), 1.0)))
    return list(zip(scores, scores >= 0.5, labels, strict=True))


def sampled_multiclass(rng: np.random.Generator, rows: int) -> list[Any]:
    """Three classes of different size, a third of the predictions by chance."""
    labels = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    guesses = rng.choice(3, rows, p=[0.4, 0.4, 0.2])
    return list(zip(np.where(rng.random(rows) < 0.35, guesses, labels), labels, strict=True))


def sampled_regression(rng: np.random.Generator, rows: int) -> list[Any]:
    """Labels well away from 0, errors that are skewed, larger for large labels, and biased."""
    labels = rng.normal(10.0, 2.0, rows)
    errors = (rng.gamma(2.0, 0.5, rows) - 0.8) * labels / 10
    return list(zip(labels + errors, labels, strict=True))
