"""Whole rows and embeddings: false alarms, and changes that no single column shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.detection_alarms import Alarms
from benchmarks.detection_changes import NONE, Change
from benchmarks.detection_features import FEATURES, Words
from benchmarks.detection_power import BEFORE, WITHIN, Power
from benchmarks.detection_rows import tables
from benchmarks.detection_stream import Plan
from benchmarks.detection_watch import Series, all_checks, follow
from benchmarks.worlds import World
from profiles import Moments, Profile, Projection, Shape
from profiles.counts import Floats
from profiles.moments import EMBEDDING, ROW

NUMERIC = [place for place, feature in enumerate(FEATURES) if not isinstance(feature, Words)]
DIMENSIONS = 32
APART = 2.0  # standard deviations in each dimension: where the new cluster is
NAME = "photo"
PARTS = (ROW, EMBEDDING + NAME)


@dataclass(frozen=True)
class Shift:
    """A change of an embedding.

    Attributes:
        name: for the table.
        mean: what is added in each dimension, in standard deviations.
        share: of rows that come from a cluster of their own.
    """

    name: str
    mean: float = 0.0
    share: float = 0.0


CORRELATIONS = (
    Change("correlation of a pair 0 -> 0.1", "normal 1", correlation=0.1),
    Change("correlation of a pair 0 -> 0.3", "normal 1", correlation=0.3),
)
SHIFTS = (Shift("embedding +0.05 sd", mean=0.05), Shift("embedding, 3 % from a new cluster", share=0.03))
STILL = Shift("none")
Rows = list[Floats]


def whole_rows(plan: Plan, windows: Iterable[int], change: Change = NONE) -> Iterator[Rows]:
    """The numeric columns of each window."""
    for made in tables(plan, list(windows), NUMERIC, change):
        yield list(made.values())


def embeddings(plan: Plan, windows: Iterable[int], shift: Shift = STILL) -> Iterator[Rows]:
    """Embeddings whose dimensions are correlated; where the world has cycles, they have them too."""
    mixing = np.random.default_rng(0).normal(size=(DIMENSIONS, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    towards = np.random.default_rng(1).choice([-1.0, 1.0], DIMENSIONS)
    level, rows = plan.level(0).mean, plan.rows()
    for window in windows:
        draw = plan.draws(7, window)
        vectors = draw.normal(size=(rows[window], DIMENSIONS)) @ mixing
        at = draw.integers(window * plan.hours, (window + 1) * plan.hours, rows[window])
        vectors += 0.5 * level[at % level.size][:, None] * np.roll(towards, 1) + shift.mean
        vectors[draw.random(len(vectors)) < shift.share] += APART * towards
        yield list(vectors.T)


def _spaces(part: str, sample: Rows, rows: int) -> dict[str, Any]:
    """The spaces of whole rows, or of an embedding."""
    names = tuple(f"features.{FEATURES[place].name}" for place in NUMERIC) if part == ROW else ()
    spaces: dict[str, Any] = {part: Moments.fit(sample, names, rows)}
    if part != ROW:
        spaces[f"features.{NAME}"] = Projection.fit(np.column_stack(sample))
    return spaces


def _profile(spaces: dict[str, Any], rows: Rows) -> Profile:
    """The profile of a window; of moments every so many rows are counted."""
    parts = {}
    for part, space in spaces.items():
        if isinstance(space, Moments):
            parts[part] = space.summarize([column[:: space.every] for column in rows])
        else:
            parts[part] = space.summarize(np.column_stack(rows))
    return Profile(rows[0].size, parts)


@dataclass
class Healthy:
    """The healthy windows of a plan, counted once."""

    plan: Plan
    part: str
    spaces: dict[str, Any]
    profiles: list[Profile]

    @classmethod
    def of(cls, plan: Plan, part: str, windows: int) -> Healthy:
        """Draw them: whole rows, or embeddings."""
        drawn = whole_rows if part == ROW else embeddings
        sample = [np.concatenate(columns) for columns in zip(*drawn(plan, range(0, 28, 7)), strict=True)]
        spaces = _spaces(part, sample, int(plan.rows().mean()))
        made = [_profile(spaces, rows) for rows in drawn(plan, range(windows))]
        return cls(plan, part, spaces, made)

    def series(self, changed: Sequence[Profile]) -> Series:
        """The healthy windows, then changed ones."""
        every = [*self.profiles, *changed]
        shape = Shape(self.spaces)
        return Series(
            shape, dict(zip(self.plan.starts, every, strict=False)), self.plan.reference, self.plan.hours
        )


def false_alarms(world: World, part: str, windows: int, seeds: Iterable[int]) -> Alarms:
    """Watch healthy models in windows of a day."""
    found = Alarms(f"{world.name}: {'rows' if part == ROW else 'embedding'}", 24)
    for seed in seeds:
        plan = Plan(world, 24, windows, seed)
        incidents = follow(Healthy.of(plan, part, plan.reference + windows).series(()), all_checks())
        found.windows += windows
        found.opened += len(incidents.opened)
        found.breaches += len(incidents.breaches)
        for _, keys in incidents.opened:
            found.causes.update(" ".join(key.split("|")[:2]) for key in keys)
    return found


def powers(world: World, seeds: Iterable[int]) -> list[Power]:
    """Changes of correlation and of embeddings, in windows of a day."""
    delays: dict[str, list[int | None]] = {}
    for seed in seeds:
        plan = Plan(world, 24, BEFORE + WITHIN, seed)
        since = plan.reference + BEFORE
        later = range(since, since + WITHIN)
        for part, changes in ((ROW, CORRELATIONS), (EMBEDDING + NAME, SHIFTS)):
            healthy = Healthy.of(plan, part, since)
            for change in changes:
                rows = (
                    whole_rows(plan, later, change)
                    if isinstance(change, Change)
                    else embeddings(plan, later, change)
                )
                incidents = follow(
                    healthy.series([_profile(healthy.spaces, one) for one in rows]), all_checks()
                )
                after = [window - BEFORE + 1 for window in incidents.breaches if window >= BEFORE]
                delays.setdefault(change.name, []).append(min(after, default=None))
    return [Power("Modelwatch", world.name, 24, name, found) for name, found in delays.items()]
