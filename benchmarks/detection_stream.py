"""Windows of a simulated model, as the profiles that the collector would have made of their rows.

Counts are drawn from the multinomial distribution of the bins, which is that of counted rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.detection_changes import NONE, Change
from benchmarks.detection_features import FEATURES, Count, Numeric, Words
from benchmarks.worlds import HOUR, REFERENCE_DAYS, START, WEEK_HOURS, Level, World
from profiles import CategoricalSummary, Counts, Grid, NumericSummary, Profile, Shape, Vocabulary
from profiles.counts import Floats, Ints

SAMPLE = 100_000  # rows that a grid is fitted on
Simulated = Numeric | Count | Words


@dataclass(frozen=True)
class Plan:
    """Which windows of which world are wanted.

    Attributes:
        world: the world.
        hours: of a window.
        windows: how many to judge, after a reference of `REFERENCE_DAYS`.
        seed: of all draws.
    """

    world: World
    hours: int
    windows: int
    seed: int

    @property
    def reference(self) -> int:
        """How many windows the reference has."""
        return REFERENCE_DAYS * 24 // self.hours

    @property
    def starts(self) -> list[int]:
        """The starts of all windows, in microseconds."""
        return [START + place * self.hours * HOUR for place in range(self.reference + self.windows)]

    @property
    def run_length(self) -> float:
        """How many windows a healthy model is to go without an alarm: 30 days of them."""
        return 30 * 24 / self.hours

    def draws(self, *what: int) -> np.random.Generator:
        """Draws that depend on the seed and on what they are for."""
        return np.random.default_rng([self.seed, self.hours, *what])

    def rows(self) -> Ints:
        """The rows of each window."""
        mean = self._windowed(self.world.volume((self.reference + self.windows) * self.hours)).mean(axis=1)
        return np.asarray(self.draws(1).poisson(mean) if self.world.day else mean, np.int64)

    def _windowed(self, hourly: Any) -> Any:
        return hourly.reshape(-1, self.hours, *hourly.shape[1:])

    def level(self, place: int) -> Level:
        """The level of a feature in each hour: of one week, where all weeks are alike."""
        hours = (self.reference + self.windows) * self.hours if self.world.wander else WEEK_HOURS
        wander = self.draws(3, 0 if self.world.shared else place)
        return self.world.level(self.draws(2, place), wander, hours)

    def mixed(self, shares: Floats) -> Floats:
        """Shares of each hour, shape (hours, cells), as those of each window, shape (windows, cells)."""
        volume = self.world.volume(len(shares))
        windows = self._windowed(shares * volume[:, None]).sum(axis=1)
        windows /= self._windowed(volume).sum(axis=1)[:, None]
        total = self.reference + self.windows
        found: Floats = windows[np.arange(total) % len(windows)]
        return found


@dataclass(frozen=True)
class Column:
    """One feature's summaries of all windows of a plan."""

    space: Any
    windows: list[Any]


def column(plan: Plan, place: int, change: Change = NONE, since: int = 0) -> Column:
    """Draw the windows of a feature; from window `since` on they have changed."""
    feature, level, draw = FEATURES[place], plan.level(place), plan.draws(4, place)
    rows = plan.rows()
    parts = (
        [(NONE, slice(0, None))]
        if change is NONE
        else [(NONE, slice(0, since)), (change, slice(since, None))]
    )
    space = space_of(plan, place, level)
    windows: list[Any] = []
    for now, where in parts:
        nulls = draw.binomial(rows[where], plan.mixed(feature.nulls(level, now)[:, None])[where, 0])
        if isinstance(feature, Words):
            keys, shares = np.arange(feature.categories), feature.shares(level, now)
        else:
            keys, shares = feature.bins(space, level, now)
        counts = draw.multinomial(rows[where] - nulls, plan.mixed(shares)[where])
        made = _words if isinstance(feature, Words) else _numbers
        windows += [made(space, keys, row, int(missing)) for row, missing in zip(counts, nulls, strict=True)]
    if isinstance(feature, Words):
        return known(windows[: plan.reference], windows)
    return Column(space, windows)


def space_of(plan: Plan, place: int, level: Level) -> Any:
    """The grid of a sample of the reference's rows, as the collector fits it."""
    feature, draw = FEATURES[place], plan.draws(5, place)
    if isinstance(feature, Words):
        return Vocabulary(tuple(f"v{code:03d}" for code in range(feature.categories)))
    hours = min(level.mean.size, plan.reference * plan.hours)
    volume = plan.world.volume(hours)
    at = draw.choice(hours, SAMPLE, p=volume / volume.sum())
    levels = Level(level.mean[at], level.scale[at], level.wave[at])
    return Grid.fit(feature.rows(draw, draw.normal(size=SAMPLE), levels))


def _numbers(space: Grid, keys: Ints, row: Ints, nulls: int) -> NumericSummary:
    held = np.flatnonzero(row)
    counts = Counts(keys[held].astype(np.int64), row[held])
    lower, upper = space.lower(counts.keys), space.upper(counts.keys)
    off = (lower + upper) / 2 - space.center
    total, squares = float(off @ counts.values), float(np.square(off) @ counts.values)
    return NumericSummary(space, counts, nulls, total, squares, float(lower[0]), float(upper[-1]))


def _words(space: Vocabulary, keys: Ints, row: Ints, nulls: int) -> CategoricalSummary:
    held = np.flatnonzero(row)
    return CategoricalSummary(space, Counts(keys[held].astype(np.int64), row[held]), nulls)


def known(reference: Sequence[Any], windows: Sequence[Any]) -> Column:
    """The same on the vocabulary of the reference: other categories are unseen."""
    every = windows[0].space
    seen = np.unique(np.concatenate([window.counts.keys for window in reference]))
    space = Vocabulary(tuple(every.values[code] for code in seen))
    codes = np.array([space.code(name) for name in every.values], np.int64)
    found = []
    for window in windows:
        keys = window.counts.keys
        new = tuple(every.values[code] for code in np.setdiff1d(keys, seen)[:8])
        counts = Counts.weighted(codes[keys], window.counts.values)
        found.append(CategoricalSummary(space, counts, window.nulls, new))
    return Column(space, found)


def profiles(plan: Plan, drawn: Sequence[Column], names: Sequence[str]) -> tuple[Shape, dict[int, Profile]]:
    """The shape, and the profile of each window by its start."""
    parts = [f"features.{name}" for name in names]
    shape = Shape({part: one.space for part, one in zip(parts, drawn, strict=True)})
    rows = plan.rows()
    made = {
        start: Profile(int(rows[at]), {part: one.windows[at] for part, one in zip(parts, drawn, strict=True)})
        for at, start in enumerate(plan.starts)
    }
    return shape, made
