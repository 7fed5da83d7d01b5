"""For every detector: healthy windows, a changed one, windows of few rows and windows of strange ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from detectors import Detector
from detectors.anderson_darling import AndersonDarling
from detectors.chi_square import ChiSquare
from detectors.constant import Constant
from detectors.contract_fault import ContractFault
from detectors.covariance import Covariance
from detectors.cramer_von_mises import CramerVonMises
from detectors.duplicates import Duplicates
from detectors.error_rate import ErrorRate
from detectors.frechet import Frechet
from detectors.g_test import GTest
from detectors.hellinger import Hellinger
from detectors.jensen_shannon import JensenShannon
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.largest_change import LargestChange
from detectors.latency_quantile import LatencyQuantile
from detectors.mahalanobis import Mahalanobis
from detectors.mean_embedding import MeanEmbedding
from detectors.missing import Missing
from detectors.out_of_range import OutOfRange
from detectors.performance_drop import PerformanceDrop
from detectors.population_stability import PopulationStability
from detectors.sampled.domain_classifier import DomainClassifier
from detectors.sampled.evidently_drift import EvidentlyDrift
from detectors.sampled.worst_slice import WorstSlice
from detectors.smooth import SmoothTest
from detectors.type_fault import TypeFault
from detectors.unseen import Unseen
from detectors.vanished import Vanished
from detectors.wasserstein import Wasserstein
from profiles import (
    ARRIVALS,
    CONTRACT,
    Grid,
    LatencyGrid,
    Moments,
    Outcomes,
    Projection,
    Status,
    Violation,
    Vocabulary,
)
from profiles.sample import BottomK

Rng = np.random.Generator
ROOM = BottomK(400)
ROWS = 1000
GRID = Grid(0.0, 1.35)
COLOURS = Vocabulary(("blue", "green", "red"))
PLAIN = Moments(("features.a", "features.b", "features.c"), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
SPACE = Projection((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def numbers(rng: Rng, rows: int, changed: float) -> Any:
    return GRID.summarize(rng.normal(changed, 1.0, rows))


def categories(rng: Rng, rows: int, changed: float) -> Any:
    codes = rng.choice(3, rows, p=np.array([0.5 - 0.3 * changed, 0.3, 0.2 + 0.3 * changed]))
    return COLOURS.summarize(codes, COLOURS.values)


def vectors(rng: Rng, rows: int, changed: float) -> Any:
    return SPACE.summarize(rng.normal(changed, 1.0, (rows, 3)))


def shifted(rng: Rng, rows: int, changed: float) -> Any:
    return PLAIN.summarize(list(rng.normal(changed, 1.0, (3, rows))))


def turned(rng: Rng, rows: int, changed: float) -> Any:
    values = rng.normal(size=(3, rows))
    values[1] = 0.6 * changed * values[0] + np.sqrt(1 - 0.36 * changed**2) * values[1]
    return PLAIN.summarize(list(values))


def holes(rng: Rng, rows: int, changed: float) -> Any:
    values = rng.normal(size=rows)
    values[rng.random(rows) < 0.01 + 0.3 * changed] = np.nan
    return GRID.summarize(values)


def strangers(rng: Rng, rows: int, changed: float) -> Any:
    codes = np.where(rng.random(rows) < 0.01 + 0.3 * changed, 3, rng.integers(0, 3, rows))
    return COLOURS.summarize(codes, [*COLOURS.values, "violet"])


def wide(rng: Rng, rows: int, changed: float) -> Any:
    return GRID.summarize(rng.normal(0.0, 1.0 + 10 * changed, rows))


def stuck(rng: Rng, rows: int, changed: float) -> Any:
    values = rng.normal(size=rows)
    values[rng.random(rows) < changed] = 0.0
    return GRID.summarize(values)


def vanishing(rng: Rng, rows: int, changed: float) -> Any:
    green = max(0.2 - 0.6 * changed, 0.0)
    codes = rng.choice(3, rows, p=np.array([0.5, green, 0.5 - green]))
    return COLOURS.summarize(codes, COLOURS.values)


def unreadable(rng: Rng, rows: int, changed: float) -> Any:
    bad = int(rng.binomial(rows, 0.01 + 0.3 * changed))
    return replace(CONTRACT.summarize(Violation.WRONG_TYPE, bad, ["'abc': expected a number"]), rows=rows)


def beyond(rng: Rng, rows: int, changed: float) -> Any:
    bad = int(rng.binomial(rows, 0.01 + 0.3 * changed))
    return replace(CONTRACT.summarize(Violation.OUT_OF_BOUNDS, bad, ["999"]), rows=rows)


def repeated(rng: Rng, rows: int, changed: float) -> Any:
    again = int(rng.binomial(rows, 0.01 + 0.3 * changed))
    return ARRIVALS.summarize(accepted=rows - again, duplicates=again)


def outcomes(rng: Rng, rows: int, changed: float) -> Any:
    labels = (rng.random(rows) < 0.4).astype(np.float64)
    scores = 1 / (1 + np.exp(-rng.normal((2 - 2 * changed) * (labels - 0.5), 1.0)))
    return Outcomes().summarize(scores, (scores > 0.5).astype(np.float64), labels)


def answered(rng: Rng, rows: int, changed: float) -> Any:
    ended = np.where(rng.random(rows) < 0.02 + changed, Status.SERVER, Status.OK)
    return LatencyGrid().summarize(None, ended.astype(np.float64))


def latencies(rng: Rng, rows: int, changed: float) -> Any:
    return LatencyGrid().summarize(
        rng.lognormal(3 + 2 * changed, 0.5, rows), np.where(rng.random(rows) < 0.01, 1.0, 0.0)
    )


def sampled(features: int) -> Callable[[Rng, int, float], Any]:
    """A sample of some rows; all features move when something has changed."""

    def window(rng: Rng, rows: int, changed: float) -> Any:
        names = [f"features.x{place}" for place in range(features)]
        hashes = rng.integers(0, 1 << 63, rows).astype(np.uint64)
        return ROOM.summarize(hashes, {name: rng.normal(3 * changed, 1.0, rows) for name in names})

    return window


@dataclass(frozen=True)
class Example:
    """A detector, and how a window that it reads is made: `changed` is 0 when healthy, and 1 when not."""

    detector: Detector
    window: Callable[[Rng, int, float], Any]

    def windows(self, count: int, rows: int = ROWS, seed: int = 0) -> list[Any]:
        rng = np.random.default_rng(seed)
        return [self.window(rng, rows, 0.0) for _ in range(count)]

    def one(self, changed: float = 0.0, rows: int = ROWS, seed: int = 99) -> Any:
        return self.window(np.random.default_rng(seed), rows, changed)


EXAMPLES: dict[type[Detector], Example] = {
    type(example.detector): example
    for example in (
        Example(SmoothTest(), numbers),
        Example(AndersonDarling(), numbers),
        Example(KolmogorovSmirnov(), numbers),
        Example(Wasserstein(), numbers),
        Example(CramerVonMises(), numbers),
        Example(PopulationStability(), numbers),
        Example(JensenShannon(), numbers),
        Example(Hellinger(), numbers),
        Example(ChiSquare(), categories),
        Example(GTest(), categories),
        Example(LargestChange(), categories),
        Example(MeanEmbedding(), vectors),
        Example(Mahalanobis(), shifted),
        Example(Covariance(), turned),
        Example(Frechet(), shifted),
        Example(Missing(), holes),
        Example(Unseen(), strangers),
        Example(OutOfRange(), wide),
        Example(Constant(), stuck),
        Example(Vanished(), vanishing),
        Example(TypeFault(), unreadable),
        Example(ContractFault(), beyond),
        Example(Duplicates(), repeated),
        Example(PerformanceDrop(metric="roc_auc"), outcomes),
        Example(LatencyQuantile(percentile=95), latencies),
        Example(ErrorRate(), answered),
        Example(DomainClassifier(rows=400), sampled(2)),
        Example(EvidentlyDrift(), sampled(60)),
        Example(WorstSlice(rows=400), sampled(2)),
    )
}
