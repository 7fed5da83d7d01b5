"""Judging costs little: a window of 25 features, all their checks, in 20 ms of CPU."""

from __future__ import annotations

import sys
import time

import numpy as np

from detectors import p_of_evidence
from tests.detectors.healthy import CHECKS, FEATURES, GRID, LIMIT

AIM_MS = 20.0


def test_a_window_of_25_features_is_judged_in_20_ms() -> None:
    rng = np.random.default_rng(0)
    reference = [GRID.summarize(rng.normal(size=10_000)) for _ in range(30)]
    window = GRID.summarize(rng.normal(size=10_000))
    baselines = [check.detector.learn(reference) for check in CHECKS]
    alpha = p_of_evidence(LIMIT)
    taken = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(FEATURES):
            for check, baseline in zip(CHECKS, baselines, strict=True):
                check.detector.judge(baseline, window, alpha)
        taken.append(1000 * (time.process_time() - began))
    sys.stdout.write(f"{FEATURES} features x {len(CHECKS)} checks: {min(taken):.1f} ms\n")
    assert min(taken) < AIM_MS
