"""Healthy worlds: how traffic and the level of every feature move while nothing is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from profiles.counts import Floats

HOUR = 3_600_000_000  # microseconds
DAY_HOURS, WEEK_HOURS, WEEKEND = 24, 168, 120
START = 1_704_067_200_000_000  # Monday, 1 January 2024, 0:00 UTC
ROWS = 10_000  # of a window, on average
REFERENCE_DAYS = 28
WEEKEND_ROWS = 0.7


@dataclass(frozen=True)
class World:
    """How the level of a feature moves, in standard deviations of its rows.

    Attributes:
        name: for the table.
        day: amplitude of the daily cycle.
        week: how far weekends are off; on them days are also flatter.
        wander: standard deviation of what is left of the hourly level, an AR(1) process.
        persistence: its correlation from one hour to the next.
        shared: whether all features have the same level.
        factor: correlation of any two features of a row; such rows are drawn one by one.
    """

    name: str
    day: float = 0.0
    week: float = 0.0
    wander: float = 0.0
    persistence: float = 0.0
    shared: bool = False
    factor: float = 0.0

    def volume(self, hours: int) -> Floats:
        """The mean rows of each hour, on average `ROWS`, shape (hours,)."""
        hour = np.arange(hours)
        if not self.day:
            return np.full(hours, float(ROWS))
        rows = 1 + 0.6 * np.cos(2 * np.pi * (hour - 14) / DAY_HOURS)
        if self.week:
            rows *= np.where(hour % WEEK_HOURS >= WEEKEND, WEEKEND_ROWS, 1.0)
            rows /= (5 + 2 * WEEKEND_ROWS) / 7
        return ROWS * rows

    def level(self, rng: np.random.Generator, wander: np.random.Generator, hours: int) -> Level:
        """The level of one feature: draws of its cycles, and of what is left."""
        hour = np.arange(hours)
        peak, strength = rng.uniform(0, DAY_HOURS), rng.uniform(0.5, 1.0)
        wave = np.cos(2 * np.pi * (hour - peak) / DAY_HOURS)
        weekend = (hour % WEEK_HOURS >= WEEKEND) * (self.week > 0)
        wave *= np.where(weekend, 0.6, 1.0)
        mean = strength * (self.day * wave + rng.choice([-1.0, 1.0]) * self.week * weekend)
        scale = np.exp(0.3 * strength * self.day * wave)
        return Level(mean + self._wander(wander, hours), scale, wave * (self.day > 0))

    def _wander(self, rng: np.random.Generator, hours: int) -> Floats:
        if not self.wander:
            return np.zeros(hours)
        steps = rng.normal(0.0, self.wander * np.sqrt(1 - self.persistence**2), hours)
        steps[0] = rng.normal(0.0, self.wander)
        found: Floats = signal.lfilter([1.0], [1.0, -self.persistence], steps)
        return found


@dataclass(frozen=True)
class Level:
    """Mean and scale of a feature in each hour, and the wave of its day, shape (hours,)."""

    mean: Floats
    scale: Floats
    wave: Floats


DAY, WEEK, WANDER = 0.5, 0.3, 0.2
WORLDS = (
    World("i.i.d."),
    World("daily cycle", day=DAY),
    World("daily and weekly cycle", day=DAY, week=WEEK),
    World("cycles, AR(1) 0.5", day=DAY, week=WEEK, wander=WANDER, persistence=0.5),
    World("cycles, AR(1) 0.8", day=DAY, week=WEEK, wander=WANDER, persistence=0.8),
    World("cycles, AR(1) 0.95", day=DAY, week=WEEK, wander=WANDER, persistence=0.95),
    World("cycles, one AR(1) 0.8 for all", day=DAY, week=WEEK, wander=WANDER, persistence=0.8, shared=True),
    World("correlated rows 0.7", factor=0.7),
)
