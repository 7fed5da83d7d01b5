from __future__ import annotations

import numpy as np
import pytest

from benchmarks.detection_changes import CHANGES, NONE, Change
from benchmarks.detection_features import FEATURES
from benchmarks.detection_power import PLACES
from benchmarks.detection_rows import tables
from benchmarks.detection_stream import Column, Plan, column
from benchmarks.worlds import WORLDS, World
from profiles import Vocabulary
from profiles.counts import Counts, Floats, aligned

IID, WANDERING = WORLDS[0], WORLDS[4]


def whole(drawn: Column, windows: slice) -> tuple[Counts, int]:
    held = drawn.windows[windows]
    found = sum(held[1:], held[0])
    return found.counts, found.nulls


def counted(drawn: Column, values: Floats) -> tuple[Counts, int]:
    """Rows on the space of what was drawn."""
    if isinstance(drawn.space, Vocabulary):
        codes = np.where(np.isnan(values), -1, values).astype(np.int64)
        found = drawn.space.summarize(codes, [f"v{code:03d}" for code in range(200)])
    else:
        found = drawn.space.summarize(values)
    return found.counts, found.nulls


def same(one: Counts, other: Counts) -> bool:
    """Whether two counts are of one distribution: Kolmogorov-Smirnov, far beyond its 0.1 % quantile."""
    _, matrix = aligned([one, other])
    below = np.cumsum(matrix / matrix.sum(axis=1, keepdims=True), axis=1)
    sizes = matrix.sum(axis=1)
    return bool(np.abs(below[0] - below[1]).max() * np.sqrt(sizes.prod() / sizes.sum()) < 2.2)


@pytest.mark.parametrize("world", [IID, WANDERING], ids=lambda world: world.name)
def test_counts_that_are_drawn_are_those_of_rows(world: World) -> None:
    plan = Plan(world, 24, 2, 3)
    made = list(tables(plan, range(5), range(len(FEATURES))))
    for place, feature in enumerate(FEATURES):
        drawn = column(plan, place)
        counts, nulls = whole(drawn, slice(5))
        rows, missing = counted(drawn, np.concatenate([table[feature.name] for table in made]))
        assert same(counts, rows), feature.name
        assert abs(nulls - missing) < 5 * np.sqrt(nulls + missing + 1)


@pytest.mark.parametrize("change", CHANGES, ids=[change.name for change in CHANGES])
def test_changes_of_counts_are_those_of_rows(change: Change) -> None:
    plan, place = Plan(IID, 24, 10, 4), PLACES[change.feature]
    after = slice(plan.reference, None)
    changed, healthy = (column(plan, place, one, plan.reference) for one in (change, NONE))
    made = tables(plan, range(plan.reference, plan.reference + 10), [place], change)
    counts, nulls = whole(changed, after)
    rows, missing = counted(changed, np.concatenate([table[change.feature] for table in made]))
    assert same(counts, rows)
    assert abs(nulls - missing) < 5 * np.sqrt(nulls + missing + 1)
    before, few = whole(healthy, after)
    assert not same(counts, before) or nulls > 2 * few > 0


def test_autocorrelated_levels_are_as_they_are_said_to_be() -> None:
    level = World("", wander=0.2, persistence=0.8).level(
        np.random.default_rng(1), np.random.default_rng(2), 50_000
    )
    assert abs(level.mean.std() - 0.2) < 0.01
    assert abs(np.corrcoef(level.mean[1:], level.mean[:-1])[0, 1] - 0.8) < 0.02


def test_features_share_a_level_only_where_the_world_says_so() -> None:
    shared, own = WORLDS[6], WORLDS[4]
    for world, related in ((shared, True), (own, False)):
        plan = Plan(world, 24, 200, 1)
        one, other = (plan.level(place).mean for place in (0, 1))
        days = (len(one) // 168) * 168
        rest = [x[:days].reshape(-1, 168) - x[:days].reshape(-1, 168).mean(axis=0) for x in (one, other)]
        assert bool(np.corrcoef(rest[0].ravel(), rest[1].ravel())[0, 1] > 0.9) is related
