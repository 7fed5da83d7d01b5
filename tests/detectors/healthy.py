"""Simulated models: windows of features, healthy or changed, judged as `modelwatch.judging` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors import Check, Evidence, checks, default_detectors, p_of_evidence
from profiles import Grid, Shape
from profiles.counts import Floats

GRID = Grid(0.0, 1.35)
PART = "features.x"
EVERY: list[Check] = checks(default_detectors("regression"), Shape({PART: GRID}))
CHECKS = [check for check in EVERY if check.part == PART]  # the others read no values
FEATURES = 25
RUN_LENGTH = 30.0  # windows of a day, and "1 per 30d"
LIMIT = RUN_LENGTH * FEATURES * len(CHECKS)  # as modelwatch.judging.Judge.limit without segments


@dataclass(frozen=True)
class World:
    """How the mean of a healthy feature wanders from window to window, in standard deviations of its rows.

    Attributes:
        name: for the table.
        wander: standard deviation of the windows' means.
        persistence: their correlation from one window to the next.
    """

    name: str
    wander: float = 0.0
    persistence: float = 0.0

    def means(self, rng: np.random.Generator, windows: int) -> Floats:
        steps = rng.normal(0.0, self.wander, windows)
        means = steps.copy()
        for place in range(1, windows):
            fresh = np.sqrt(1 - self.persistence**2) * steps[place]
            means[place] = self.persistence * means[place - 1] + fresh
        return means


WORLDS = (
    World("independent rows"),
    World("random effect 0.05", 0.05),
    World("random effect 0.2", 0.2),
    World("random effect 0.5", 0.5),
    World("AR(1) 0.5", 0.2, 0.5),
    World("AR(1) 0.8", 0.2, 0.8),
)


@dataclass
class Watch:
    """All checks of one feature."""

    baselines: list[Any]
    states: list[Evidence]

    @classmethod
    def over(cls, reference: list[Any]) -> Watch:
        return cls([check.detector.learn(reference) for check in CHECKS], [Evidence()] * len(CHECKS))

    def step(self, window: Any) -> int:
        """Judge a window; returns how many signals began a breach."""
        begun = 0
        for place, (check, baseline) in enumerate(zip(CHECKS, self.baselines, strict=True)):
            before = self.states[place]
            judged = check.detector.judge(baseline, window, p_of_evidence(LIMIT))
            self.states[place] = before.step(judged, LIMIT)
            begun += self.states[place].in_breach and not before.in_breach
        return begun


def alarms(world: World, seed: int, *, reference: int, windows: int, rows: int = 1000) -> int:
    """How many breaches begin in so many windows of a healthy model of `FEATURES` features."""
    rng = np.random.default_rng([seed, reference])
    begun = 0
    for _ in range(FEATURES):
        means = world.means(rng, reference + windows)
        made = [GRID.summarize(rng.normal(mean, 1.0, rows)) for mean in means]
        watch = Watch.over(made[:reference])
        begun += sum(watch.step(window) for window in made[reference:])
    return begun


def delay(shift: float, scale: float, seed: int, *, wander: float = 0.0, most: int = 60) -> int:
    """Windows of 10,000 rows until one feature of `FEATURES` is in breach after it has changed."""
    rng = np.random.default_rng(seed)

    def window(shift: float, scale: float) -> Any:
        return GRID.summarize(rng.normal(shift + rng.normal(0.0, wander), scale, 10_000))

    watch = Watch.over([window(0.0, 1.0) for _ in range(30)])
    for _ in range(10):
        watch.step(window(0.0, 1.0))
    for waited in range(1, most + 1):
        if watch.step(window(shift, scale)):
            return waited
    return most + 1
