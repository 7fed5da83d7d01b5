"""Rows of simulated features, drawn one by one: for peers, and where rows are correlated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.detection_changes import NONE, Change
from benchmarks.detection_features import FEATURES
from benchmarks.detection_stream import Column, Plan, column, known, space_of
from benchmarks.worlds import Level
from profiles import Vocabulary
from profiles.counts import Floats


def tables(
    plan: Plan, windows: Sequence[int], places: Sequence[int], change: Change = NONE
) -> Iterator[dict[str, Floats]]:
    """The rows of some windows, one window at a time: by feature, NaN for missing, categories as numbers."""
    levels = {place: plan.level(place) for place in places}
    volume, rows = plan.world.volume((plan.reference + plan.windows) * plan.hours), plan.rows()
    for window in windows:
        draw = plan.draws(6, window)
        hours = np.arange(window * plan.hours, (window + 1) * plan.hours)
        share = volume[hours] / volume[hours].sum()
        at = np.repeat(hours, draw.multinomial(rows[window], share))
        common = draw.normal(size=at.size)
        made, last = {}, common
        for place in places:
            feature, level = FEATURES[place], levels[place]
            own = at % level.mean.size
            now = Level(level.mean[own], level.scale[own], level.wave[own])
            normal = np.sqrt(plan.world.factor) * common
            normal += np.sqrt(1 - plan.world.factor) * draw.normal(size=at.size)
            what = change if feature.name == change.feature else NONE
            if what.correlation:
                normal = what.correlation * last + np.sqrt(1 - what.correlation**2) * normal
            last = normal
            values = feature.rows(draw, normal, now, what)
            values[draw.random(at.size) < feature.nulls(now, what)] = np.nan
            made[feature.name] = values
        yield made


def counted(plan: Plan) -> list[Column]:
    """The same as `column` for every feature, from rows that are drawn one by one."""
    spaces = [space_of(plan, place, plan.level(place)) for place in range(len(FEATURES))]
    found: list[list[Any]] = [[] for _ in FEATURES]
    every = range(plan.reference + plan.windows)
    for made in tables(plan, every, range(len(FEATURES))):
        for into, space, values in zip(found, spaces, made.values(), strict=True):
            if isinstance(space, Vocabulary):
                codes = np.where(np.isnan(values), -1, values).astype(np.int64)
                into.append(space.summarize(codes, space.values))
            else:
                into.append(space.summarize(values))
    return [
        known(made[: plan.reference], made) if isinstance(space, Vocabulary) else Column(space, made)
        for space, made in zip(spaces, found, strict=True)
    ]


def columns(plan: Plan) -> list[Column]:
    """All features of a healthy model."""
    if plan.world.factor:
        return counted(plan)
    return [column(plan, place) for place in range(len(FEATURES))]
