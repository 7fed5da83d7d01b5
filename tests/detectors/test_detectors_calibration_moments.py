"""Small p-values of whole rows are rare on healthy windows: independent, heavy-tailed, wandering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from detectors.covariance import Covariance
from detectors.frechet import Frechet
from detectors.mahalanobis import Mahalanobis
from detectors.moment_cells import MomentDetector
from profiles import Moments
from profiles.counts import Floats
from tests.detectors.test_detectors_calibration import assert_rare, healthy

Rng = np.random.Generator
ROWS, WIDTH = 300, 6
MIX = (
    np.linalg.qr(np.random.default_rng(1).normal(size=(WIDTH, WIDTH)))[0]
    * np.geomspace(3, 0.1, WIDTH)[:, None]
)


def normal(rng: Rng, wander: float, rows: int) -> Floats:
    return rng.normal(size=(rows, WIDTH)) @ MIX + rng.normal(0.0, wander, WIDTH)


def heavy(rng: Rng, wander: float, rows: int) -> Floats:
    return rng.standard_t(3, (rows, WIDTH)) @ MIX + rng.normal(0.0, wander, WIDTH)


def bursts(rng: Rng, wander: float, rows: int) -> Floats:
    """Rows of which some are wild in all columns at once; how many changes from window to window."""
    return normal(rng, 0.0, rows) * np.exp(rng.normal(0.0, 0.6, (rows, 1)) + rng.normal(0.0, wander))


def skewed(rng: Rng, wander: float, rows: int) -> Floats:
    """Counts, shares and rare events beside each other."""
    made = np.exp(normal(rng, wander, rows))
    made[:, 0] = rng.poisson(0.3, rows)
    made[:, 1] = rng.random(rows) < 0.02
    made[:, 2] = 0.0
    return made


WORLDS: list[Any] = [
    (normal, 0.1),
    (heavy, 0.0),
    (bursts, 0.1),
    (skewed, 0.05),
    pytest.param(normal, 0.0, marks=pytest.mark.slow),
    pytest.param(heavy, 0.2, marks=pytest.mark.slow),
    pytest.param(bursts, 0.0, marks=pytest.mark.slow),
    pytest.param(skewed, 0.0, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("rows_of", "wander"), WORLDS, ids=lambda one: getattr(one, "__name__", str(one)))
@pytest.mark.parametrize("detector", [Mahalanobis(), Covariance(), Frechet()], ids=lambda one: one.kind)
def test_small_p_values_are_rare_on_healthy_rows(
    detector: MomentDetector, rows_of: Callable[[Rng, float, int], Floats], wander: float
) -> None:
    known = np.concatenate([rows_of(np.random.default_rng(seed), wander, 500) for seed in range(10)])
    space = Moments.fit(list(known.T))

    def window(rng: Rng, wander: float) -> Any:
        return space.summarize(list(rows_of(rng, wander, ROWS).T))

    p_values = healthy(detector, window, wander, reference=30)
    if isinstance(detector, Frechet) and rows_of is bursts and wander:
        # the scale moves the distance further up than down, so it is not switched on by default
        assert (p_values <= 0.001).mean() < 0.02
        return
    # windows that vary in one direction: as the tail of a dispersion learned from 30 of them
    assert_rare(p_values, 2.0 if rows_of is bursts and wander else 1.5)


@pytest.mark.parametrize("detector", [Mahalanobis(), Covariance()], ids=lambda one: one.kind)
def test_windows_of_any_size_are_judged_alike(detector: MomentDetector) -> None:
    """What was learned from windows of one size holds for smaller and larger ones."""
    rng = np.random.default_rng(2)
    space = Moments.fit(list(heavy(rng, 0.0, 10_000).T))
    found: dict[int, list[float]] = {200: [], 2000: []}
    for _ in range(30):
        windows = [space.summarize(list(heavy(rng, 0.0, ROWS).T)) for _ in range(30)]
        baseline = detector.learn(windows)
        for rows, p_values in found.items():
            judged = [
                detector.judge(baseline, space.summarize(list(heavy(rng, 0.0, rows).T)), 1e-6)
                for _ in range(20)
            ]
            p_values += [one.p_value for one in judged if one.p_value is not None]
    for p_values in found.values():
        assert len(p_values) == 600
        assert_rare(np.array(p_values))
