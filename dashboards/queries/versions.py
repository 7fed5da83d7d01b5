"""Two versions of a model side by side, over the windows that both served in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any

import sqlalchemy as sa

from alerts.deployments import newest
from collector.schema import Schema
from collector.store import tables
from collector.store.read import Reader
from collector.summarize import AT_PREDICTION, EVERYTHING
from detectors.comparison.boundary import ALPHA
from detectors.comparison.compare import Difference, Verdict, compare
from detectors.comparison.drift import prediction_distance
from detectors.comparison.gate import Result, result, verdict
from detectors.comparison.measure import Measure, measure_of
from detectors.performance.metrics import DEFAULTS
from profiles import Profile

MOST_WINDOWS = 2000
PREDICTED = ("score", "prediction")
OF_REQUESTS = ("error_rate", "latency_p99")


@dataclass(frozen=True)
class Served:
    """A version's traffic: its rows, those before the newest deployment, and its first and last window."""

    version: str
    rows: int
    rows_before: int
    first: int
    last: int


@dataclass(frozen=True)
class Choice:
    """What is compared.

    Attributes:
        baseline: the version that is known to be good.
        candidate: the canary, or the shadow.
        metrics: the names of the measures; empty for the task's.
        margins: the smallest difference that matters by measure, and under "" that of all others.
        since: windows from this moment on, in microseconds; None for all.
        sliding: whether that moment moves with time.
        segment: which rows; "" for all.
    """

    baseline: str
    candidate: str
    metrics: Sequence[str] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    since: int | None = None
    sliding: bool = False
    segment: str = EVERYTHING

    def margin(self, name: str) -> float:
        """The smallest difference of a measure that matters."""
        return self.margins.get(name, self.margins.get("", 0.0))


@dataclass(frozen=True)
class Comparison:
    """Two versions compared.

    Attributes:
        choice: what was asked for.
        windows: the starts of the windows that both served in, ascending.
        differences: by measure, in the order asked for.
        starts: of the windows that each measure rests on, as the looks of its difference count them.
        distance: how far apart their predictions are (Jensen-Shannon, 0 to 1); NaN if unknown.
        sliding: whether the first window moves with time: then the error is that of one look, not of all.
        alpha: the error of all measures and looks together.
    """

    choice: Choice
    windows: Sequence[int]
    differences: Sequence[Difference]
    starts: Mapping[str, Sequence[int]]
    distance: float
    sliding: bool = False
    alpha: float = ALPHA

    @property
    def verdict(self) -> Verdict:
        """All measures in one word."""
        return verdict(self.differences)

    @property
    def result(self) -> Result:
        """What a delivery tool should do."""
        return result(self.differences)

    @property
    def reason(self) -> str:
        """Why, in a sentence."""
        if not self.windows:
            both = f"{self.choice.baseline} and {self.choice.candidate}"
            return f"no window in which both {both} serve"
        told = [f"{one.measure.name} {_told(one)}" for one in self.differences]
        return f"{self.choice.candidate} against {self.choice.baseline}: {'; '.join(told)}"


def _told(one: Difference) -> str:
    if one.missing:
        return f"insufficient: {one.missing}"
    look = one.looks[-1]
    more = ", not worse by the margin" if one.not_worse and one.verdict is Verdict.SAME else ""
    return f"{one.verdict} ({look.difference:+.4g}, from {look.lower:+.4g} to {look.upper:+.4g}){more}"


def served(connection: sa.Connection, model: str) -> list[Served]:
    """The versions that have traffic, the newest first; not in old windows that were summed into days."""
    deployed = newest(connection, model)
    held = tables.profiles.c
    before = sa.case((held.start < (deployed.at if deployed else 0), held.rows), else_=0)
    query = (
        sa.select(
            held.version,
            sa.func.sum(held.rows),
            sa.func.sum(before),
            sa.func.min(held.start),
            sa.func.max(held.start),
        )
        .where(held.model == model, held.role == "production")
        .where(held.known == AT_PREDICTION, held.segment == EVERYTHING)
        .group_by(held.version)
    )
    found = [Served(version, *map(int, counted)) for version, *counted in connection.execute(query)]
    return sorted(found, key=lambda one: (one.first, one.last, one.version), reverse=True)


def candidate_of(
    connection: sa.Connection, model: str, known: Sequence[Served], baseline: str = ""
) -> str | None:
    """The newest deployed version if it serves, else the newest that serves; None without another."""
    deployed = newest(connection, model)
    names = [one.version for one in known if one.version != baseline or not baseline]
    return deployed.version if deployed and deployed.version in names else next(iter(names), None)


def baseline_of(known: Sequence[Served], candidate: str) -> str | None:
    """The version, other than the candidate, with most traffic before the newest deployment; None without."""
    others = [one for one in known if one.version != candidate]
    best = max(others, key=lambda one: (one.rows_before, one.rows), default=None)
    return best.version if best else None


def compare_versions(reader: Reader, schema: Schema, choice: Choice) -> Comparison:
    """Compare two versions over the newest windows that both served in.

    Raises:
        ValueError: the task has no such measure.
    """
    names, costs = (
        choice.metrics or defaults(schema.task),
        getattr(schema, "costs", None),
    )  # a monitor has them
    measures = [measure_of(schema.task, name, costs) for name in names]
    pair = (choice.baseline, choice.candidate)
    one, other = (set(reader.starts("production", choice.since, version=version)) for version in pair)
    shared = sorted(one & other)
    starts = shared[-MOST_WINDOWS:]
    parts = {*PREDICTED, *(one.part for one in measures)}
    traffic = [reader.traffic("production", starts, choice.segment, one, parts) for one in pair]
    labelled = any(one.of_labels for one in measures)
    wanted = starts if labelled else ()
    outcomes = [reader.outcomes("production", wanted, choice.segment, version=one) for one in pair]
    if not choice.metrics:
        measures = [one for one in measures if one.of_labels or _has(one, traffic)]
    both = {one.name: _both(one, outcomes if one.of_labels else traffic) for one in measures}
    differences = [
        compare(one, *_columns(both[one.name]), choice.margin(one.name), ALPHA / len(measures))
        for one in measures
    ]
    sliding = choice.sliding or len(starts) < len(shared)
    held = {name: list(windows) for name, windows in both.items()}
    return Comparison(choice, starts, differences, held, _distance(traffic), sliding)


def defaults(task: str) -> tuple[str, ...]:
    """What is compared when nothing is named: those of the task that have a better way, and of requests."""
    return (*(name for name in DEFAULTS[task] if measure_of(task, name).better), *OF_REQUESTS)


Windows = Sequence[Mapping[int, Profile]]


def _has(measure: Measure, windows: Windows) -> bool:
    """Whether there is anything to compute a measure from."""
    return any(measure.rows(part) for held in windows for part in _parts(held, measure.part))


def _both(measure: Measure, windows: Windows) -> dict[int, tuple[Any, Any]]:
    """The measure's part of the profile of either version, in the windows in which both have it."""
    baseline, candidate = (
        {start: one.parts[measure.part] for start, one in held.items() if measure.part in one.parts}
        for held in windows
    )
    return {
        start: (baseline[start], candidate[start]) for start in sorted(baseline.keys() & candidate.keys())
    }


def _columns(both: Mapping[int, tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [one for one, _ in both.values()], [other for _, other in both.values()]


def _distance(traffic: Windows) -> float:
    """How far apart the predictions of both are: of scores, or else of what is predicted."""
    for part in PREDICTED:
        sums = [reduce(add, found) for held in traffic if (found := _parts(held, part))]
        if len(sums) == len(traffic):
            return prediction_distance(*sums)
    return float("nan")


def _parts(held: Mapping[int, Profile], part: str) -> list[Any]:
    return [profile.parts[part] for profile in held.values() if part in profile.parts]
