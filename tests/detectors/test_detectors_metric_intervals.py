"""The 95 % intervals of metrics hold the truth as often as they say, and are no wider than need be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from detectors.performance.confusion import Costs
from detectors.performance.estimate import Estimate
from detectors.performance.metrics import METRICS, every_metric
from detectors.performance_drop import PerformanceDrop
from detectors.proportion import Z95
from tests.detectors import joined

Rng = np.random.Generator
COSTS = Costs(true_positive=5, false_positive=-1, false_negative=-10)
SAMPLES = 400
MANY = 400_000


def calibrated(rng: Rng, rows: int) -> list[Any]:
    scores = rng.random(rows)
    labels = (rng.random(rows) < scores).astype(np.float64)
    return list(zip(scores, scores >= 0.5, labels, strict=True))


def tied(rng: Rng, rows: int) -> list[Any]:
    scores = rng.integers(0, 6, rows) / 5
    labels = (rng.random(rows) < 0.2 + 0.6 * scores).astype(np.float64)
    return list(zip(scores, scores >= 0.5, labels, strict=True))


@dataclass(frozen=True)
class World:
    """Rows, what is counted of them, and how many there are in a sample."""

    rows: Callable[[Rng, int], list[Any]]
    count: Callable[[list[Any]], Any]
    size: int

    def metrics(self, rng: Rng, size: int) -> dict[str, Estimate]:
        found = every_metric(self.count(self.rows(rng, size)), COSTS)
        return {name: estimate for name, estimate in found.items() if not np.isnan(estimate[0])}


WORLDS = {
    "binary": World(joined.sampled_binary, joined.binary, 500),
    "few rows": World(joined.sampled_binary, joined.binary, 200),
    "multiclass": World(joined.sampled_multiclass, joined.multiclass, 500),
    "regression": World(joined.sampled_regression, joined.regression, 500),
    "calibrated": World(calibrated, joined.binary, 500),
    "tied": World(tied, joined.binary, 500),
}


@pytest.mark.parametrize("name", WORLDS)
def test_intervals_cover_the_truth_and_errors_are_the_spread_of_samples(name: str) -> None:
    world, rng = WORLDS[name], np.random.default_rng(11)
    truth = world.metrics(rng, MANY)
    samples = [world.metrics(rng, world.size) for _ in range(SAMPLES)]
    assert len(truth) >= 9
    for metric, (true, _) in truth.items():
        values, errors = np.array([sample[metric] for sample in samples]).T
        covered = np.mean(np.abs(values - true) <= Z95 * errors)
        assert 0.9 <= covered <= 0.99, (metric, covered)
        if metric != "ece":  # holds the bias as well
            assert errors.mean() == pytest.approx(values.std(), rel=0.15), metric


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_healthy_window_is_seldom_held_to_be_worse(task: str) -> None:
    world, rng = WORLDS[task], np.random.default_rng(5)
    tails: dict[str, list[float]] = {}
    for _ in range(25):
        windows = [world.count(world.rows(rng, world.size)) for _ in range(28)]
        for metric in METRICS[task]:
            detector = PerformanceDrop(metric=metric)
            baseline = detector.learn(windows[:20])
            judged = [detector.judge(baseline, window, 1e-6).p_value for window in windows[20:]]
            tails.setdefault(metric, []).extend(p for p in judged if p is not None)
    seen = {metric: np.array(p_values) for metric, p_values in tails.items() if p_values}
    assert len(seen) >= 9
    for metric, p_values in seen.items():
        assert np.mean(p_values < 0.05) <= 0.09, metric
        assert np.mean(p_values < 0.01) <= 0.03, metric
