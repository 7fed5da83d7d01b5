"""Performance while there are no labels: estimated, with bands, and scored when the labels come."""

from detectors.estimated.agreement import Agreement
from detectors.estimated.cells import OUTCOMES, TRAFFIC, Strata
from detectors.estimated.estimator import (
    CAVEAT,
    METRICS,
    MIN_ROWS,
    Estimator,
    Estimators,
    Parts,
    learn_estimators,
)
from detectors.estimated.expected import Expected
from detectors.estimated.strata import strata_of

__all__ = [
    "CAVEAT",
    "METRICS",
    "MIN_ROWS",
    "OUTCOMES",
    "TRAFFIC",
    "Agreement",
    "Estimator",
    "Estimators",
    "Expected",
    "Parts",
    "Strata",
    "learn_estimators",
    "strata_of",
]
