"""Detectors of moments: against numpy on the raw rows, and what they find that single columns do not show."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from scipy import linalg

from detectors import p_of_evidence
from detectors.covariance import Covariance
from detectors.frechet import Frechet
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.mahalanobis import Mahalanobis
from detectors.moment_cells import MomentDetector
from profiles import Grid, Moments
from profiles.counts import Floats
from profiles.moments import LIMIT

FEATURES = 25
NAMES = tuple(f"features.x{place:02d}" for place in range(FEATURES))
ALARM = p_of_evidence(30 * 10 * FEATURES)  # what alone is a breach with ten signals a feature
WINDOWS = 30


def pair(rng: np.random.Generator, rows: int, rho: float) -> Floats:
    """Rows of 25 standard normal features, of which two are correlated."""
    made = rng.normal(size=(rows, FEATURES))
    made[:, 7] = rho * made[:, 3] + np.sqrt(1 - rho**2) * made[:, 7]
    return made


def space_of(rows: Floats, names: tuple[str, ...] = NAMES) -> Moments:
    return Moments.fit(list(rows.T), names)


def learned(detector: MomentDetector, space: Moments, windows: list[Floats]) -> Any:
    return detector.learn([space.summarize(list(window.T)) for window in windows])


def test_a_change_of_one_correlation_is_found_in_one_window_and_named() -> None:
    rng = np.random.default_rng(0)
    space = space_of(pair(rng, 20_000, 0.5))
    # of 10,000 rows a window an eighth is counted
    windows = [pair(rng, 1250, 0.5) for _ in range(WINDOWS)]
    changed = pair(rng, 1250, 0.3)
    detector = Covariance()
    judged = detector.judge(learned(detector, space, windows), space.summarize(list(changed.T)), ALARM)
    assert judged.p_value is not None
    assert judged.p_value < ALARM
    assert judged.value is not None
    assert judged.threshold is not None
    assert judged.value > judged.threshold
    assert judged.note is not None
    assert judged.note.startswith("correlation of x03 and x07 0.5")
    for column in (3, 7):  # by itself each is as it was
        grid = Grid.fit(windows[0][:, column])
        alone = KolmogorovSmirnov()
        baseline = alone.learn([grid.summarize(window[:, column]) for window in windows])
        p_value = alone.judge(baseline, grid.summarize(changed[:, column]), ALARM).p_value
        assert p_value is not None
        assert p_value > 0.001


@pytest.mark.parametrize("seed", range(4))
def test_a_small_shift_of_an_embedding_is_found_in_two_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(20_000, 16))
    space = space_of(rows, ())
    direction = rng.normal(size=16)
    shift = 0.1 * np.sqrt(16) * direction / np.linalg.norm(direction)  # of 0.1 sd in a typical dimension
    detector = Mahalanobis()
    baseline = learned(detector, space, [rng.normal(size=(2000, 16)) for _ in range(WINDOWS)])
    p_values = [
        detector.judge(
            baseline, space.summarize(list((rng.normal(size=(2000, 16)) + shift).T)), ALARM
        ).p_value
        for _ in range(2)
    ]
    assert min(p for p in p_values if p is not None) < ALARM


def test_a_shift_of_all_features_too_small_for_each_is_found() -> None:
    rng = np.random.default_rng(2)
    space = space_of(pair(rng, 20_000, 0.5))
    detector = Mahalanobis()
    baseline = learned(detector, space, [pair(rng, 2500, 0.5) for _ in range(WINDOWS)])
    judged = detector.judge(baseline, space.summarize(list((pair(rng, 2500, 0.5) + 0.05).T)), ALARM)
    assert judged.p_value is not None
    assert judged.p_value < ALARM
    assert judged.note is not None
    assert judged.note.startswith("means moved: ")


def within(space: Moments, rows: Floats) -> Floats:
    """The rows standardised and cut off, as the space has them, but for its steps."""
    exact: Floats = np.clip((rows - np.array(space.centers)) / np.array(space.scales), -LIMIT, LIMIT)
    return exact


def test_the_distances_are_those_of_the_raw_rows() -> None:
    rng = np.random.default_rng(3)
    mix = np.linalg.qr(rng.normal(size=(5, 5)))[0] * np.array([3.0, 1.0, 1.0, 0.5, 0.5])
    before, after = rng.normal(size=(6000, 5)) @ mix, rng.normal(0.1, 1.1, (3000, 5)) @ mix
    space = space_of(before, ())
    one, other = within(space, before), within(space, after)
    spread = np.cov(one.T, bias=True)
    summaries = [space.summarize(list(rows.T)) for rows in (before, after)]

    def found(detector: MomentDetector) -> float:
        value = detector.judge(detector.learn(summaries[:1]), summaries[1], ALARM).value
        assert value is not None
        return value

    moved = other.mean(axis=0) - one.mean(axis=0)
    assert found(Mahalanobis()) == pytest.approx(np.sqrt(moved @ np.linalg.inv(spread) @ moved), rel=0.01)
    root = linalg.inv(linalg.sqrtm(spread))
    change = root @ (np.cov(other.T, bias=True) - spread) @ root
    both = np.sqrt(1 + np.diag(change) / 2)
    change /= np.outer(both, both)
    entries = np.concatenate([change[np.triu_indices(5, 1)], np.diag(change) / np.sqrt(2)])
    assert found(Covariance()) == pytest.approx(np.linalg.norm(entries, 4), rel=0.02)
    white = root @ np.cov(other.T, bias=True) @ root
    squared = np.square(root @ moved).sum() + np.trace(np.eye(5) + white - 2 * np.real(linalg.sqrtm(white)))
    assert found(Frechet()) == pytest.approx(np.sqrt(squared), rel=0.02)


def test_many_columns_name_the_pair_whose_correlation_changed() -> None:
    rng = np.random.default_rng(4)
    factor = rng.normal(size=(3, 40)) * 2
    names = tuple(f"features.f{place:02d}" for place in range(40))

    def rows(*, turned: bool) -> Floats:
        made = rng.normal(size=(3000, 3)) @ factor + rng.normal(size=(3000, 40))
        if turned:
            made[:, 5] *= -1
        return made

    space = space_of(rows(turned=False), names)
    detector = Covariance()
    baseline = learned(detector, space, [rows(turned=False) for _ in range(10)])
    judged = detector.judge(baseline, space.summarize(list(rows(turned=True).T)), ALARM)
    assert judged.p_value is not None
    assert judged.p_value < ALARM
    assert judged.note is not None
    assert "f05" in judged.note


@pytest.mark.parametrize("detector", [Mahalanobis(), Covariance(), Frechet()], ids=lambda one: one.kind)
def test_whole_rows_are_judged_in_a_millisecond(detector: MomentDetector) -> None:
    rng = np.random.default_rng(5)
    space = space_of(pair(rng, 5000, 0.5))
    baseline = learned(detector, space, [pair(rng, 500, 0.5) for _ in range(10)])
    window = space.summarize(list(pair(rng, 500, 0.5).T))
    taken = []
    for _ in range(20):
        began = time.process_time()
        detector.judge(baseline, window, ALARM)
        taken.append(time.process_time() - began)
    assert min(taken) < 1e-3


@pytest.mark.parametrize("detector", [Covariance(), Frechet()], ids=lambda one: one.kind)
def test_a_covariance_needs_rows_for_every_direction(detector: MomentDetector) -> None:
    rng = np.random.default_rng(6)
    space = space_of(pair(rng, 5000, 0.5))
    baseline = learned(detector, space, [pair(rng, 500, 0.5) for _ in range(5)])
    for rows, enough in ((8 * FEATURES - 1, False), (8 * FEATURES, True)):
        window = space.summarize(list(pair(rng, rows, 0.5).T))
        assert detector.judge(baseline, window, ALARM).sufficient is enough
