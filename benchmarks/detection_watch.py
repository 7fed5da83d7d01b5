"""Runs the service's own judge over windows of profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.detection_features import FEATURES, Words
from benchmarks.detection_incidents import Incidents
from benchmarks.detection_stream import Column, Plan, profiles
from benchmarks.worlds import HOUR
from collector.summarize import EVERYTHING
from detectors import checks, default_detectors
from modelwatch.judging import Judge, Moment, learn
from modelwatch.trackers import Trackers
from profiles import Grid, Profile, Shape, Vocabulary

TASK = "regression"
MONTH = 30 * 24  # hours
ANEW = 7  # windows; the service chooses a trailing reference anew for each


@dataclass(frozen=True)
class Series:
    """Windows in time order.

    Attributes:
        shape: of the profiles.
        profiles: by the start of each window.
        reference: how many of the first windows are the reference.
        hours: of a window.
        trailing: whether the reference is the latest windows instead, as many.
    """

    shape: Shape
    profiles: Mapping[int, Profile]
    reference: int
    hours: int
    trailing: bool = False


def follow(series: Series, sharing: int | None = None) -> Incidents:
    """Learn from the reference's windows, then judge the others.

    Args:
        series: the windows.
        sharing: how many checks share the budget; None for those of this shape.
    """
    found = checks(default_detectors(TASK), series.shape)
    length, starts = series.hours * HOUR, list(series.profiles)
    run_length = MONTH / series.hours * (sharing or len(found)) / len(found)
    trackers, incidents = Trackers(), Incidents()
    judge: Judge | None = None
    for place in range(series.reference, len(starts)):
        if judge is None or (series.trailing and (place - series.reference) % ANEW == 0):
            chosen = starts[place - series.reference : place]
            reference = {start: series.profiles[start] for start in chosen}
            learned = learn(found, {EVERYTHING: (reference, {})}, length)
            judge = Judge(found, [EVERYTHING], run_length, length, learned, series.reference)
        start = starts[place]
        moment = Moment(start, start + length, start + length)
        held = {EVERYTHING: series.profiles[start]}
        lines = judge.lines(moment, held, trackers, performance=False, learning=False)
        incidents.step(place - series.reference, lines)
    return incidents


def watch(plan: Plan, drawn: Sequence[Column], names: Sequence[str], sharing: int | None = None) -> Incidents:
    """Watch simulated features; see `follow`."""
    shape, made = profiles(plan, drawn, names)
    return follow(Series(shape, made, plan.reference, plan.hours), sharing)


def all_checks() -> int:
    """How many checks a model with all simulated features has."""
    spaces = {
        f"features.{feature.name}": Vocabulary(("a",)) if isinstance(feature, Words) else Grid(0.0, 1.0)
        for feature in FEATURES
    }
    return len(checks(default_detectors(TASK), Shape(spaces)))
