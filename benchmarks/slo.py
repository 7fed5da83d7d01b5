"""The SRE workbook's incidents through the judge of objectives: when it tells a person, and how often.

Beside it stand the workbook's closed form, and its bare rule as Prometheus evaluates it.
Beyer et al., "The Site Reliability Workbook", chapter 5: an alert is to fire after
(1 - SLO) / error ratio x long window x burn rate, and to end when the short window is over.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.metadata import version
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from alerts.line import Line
from benchmarks.crash import cpu
from benchmarks.detection_incidents import Incidents
from collector.store.read import Reader
from detectors import Budget, Verdict
from detectors.budget import FINE
from detectors.burn import RULES, rate_of
from modelwatch.judging import Judge, Moment
from modelwatch.monitor import Monitor
from modelwatch.objectives import ObjectiveJudge
from modelwatch.trackers import Trackers
from profiles import LatencyGrid, LatencySummary, Profile
from profiles.counts import Counts

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PERIOD, TARGET = 30 * DAY, 0.999
HEALTHY = 3 * DAY  # before every scenario
SHORT = 1 / 12  # the bare rule's short window, as a share of its long one
SEEDS = 5
MONITOR = Monitor.model_validate(
    {
        "model": "m",
        "task": "binary",
        "features": {"x": "numeric"},
        "slos": [{"name": "availability", "sli": "availability", "target": TARGET, "period": PERIOD}],
    }
)
Events = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scenario:
    """Something that happens to a healthy service.

    Attributes:
        name: what happens.
        window: the length of a window.
        per_hour: requests, on average.
        failing: for how long.
        ratio: of the failing requests, meanwhile.
        after: for how long it is watched afterwards.
        every: one failure at the beginning of each of these, in place of a ratio.
    """

    name: str
    window: timedelta
    per_hour: float
    failing: timedelta
    ratio: float
    after: timedelta
    every: timedelta | None = None

    def events(self, seed: int) -> tuple[Events, Events]:
        """The bad and all requests of each window, from the first that fails on."""
        random = np.random.default_rng(seed)
        many, hit = (self.failing + self.after) // self.window, self.failing // self.window
        came = random.poisson(self.per_hour * (self.window / HOUR), many).astype(np.int64)
        ratio = np.where(np.arange(many) < hit, self.ratio, 0.0)
        bad = random.binomial(came, ratio).astype(np.int64)
        if self.every is not None:
            at = np.arange(0, hit, self.every // self.window)
            came[at], bad[at] = np.maximum(came[at], 1), 1
        return bad, came

    @property
    def closed_form(self) -> timedelta | None:
        """When the workbook's rules fire: the first of them, if it does before the failing ends."""
        if self.every is not None:
            return None
        allowed = (1 - TARGET) / self.ratio
        times = [
            allowed * (PERIOD * rule.share) * rate_of(rule)
            for rule in RULES
            if allowed * rate_of(rule) <= 1 + 1e-9
        ]
        return min((time for time in times if time <= self.failing), default=None)


SCENARIOS = (
    Scenario("100 % outage, 1 h", MINUTE, 360_000, HOUR, 1.0, 12 * HOUR),
    Scenario("5 % of requests fail, 3 h", MINUTE, 360_000, 3 * HOUR, 0.05, 12 * HOUR),
    Scenario("slow burn at 1 x, 5 d", 5 * MINUTE, 360_000, 5 * DAY, 0.001, 2 * DAY),
    Scenario("blip: 100 %, 2 min", MINUTE, 360_000, 2 * MINUTE, 1.0, 6 * HOUR),
    Scenario("8 a minute, 10 % fail, 2 h", 5 * MINUTE, 480, 2 * HOUR, 0.1, 2 * DAY),
    Scenario("10 an hour, 1 failure a week", 5 * MINUTE, 10, 14 * DAY, 0.0, 7 * DAY, 7 * DAY),
    Scenario("10 an hour, 100 % outage, 3 h", 5 * MINUTE, 10, 3 * HOUR, 1.0, 4 * DAY),
    Scenario("10 an hour, 5 % fail, 2 d", 5 * MINUTE, 10, 2 * DAY, 0.05, 4 * DAY),
)


@dataclass(frozen=True)
class Outcome:
    """What became of it: minutes until told, from its end until over, and how often a person was told."""

    detected: float | None
    reset: float | None
    alerts: int
    page: bool | None = None


def outcome(breach: Sequence[bool], scenario: Scenario, alerts: int, page: bool | None = None) -> Outcome:
    """Read off when a scenario was in breach, window by window."""
    step = scenario.window / MINUTE
    held = np.flatnonzero(breach)
    if not held.size:
        return Outcome(None, None, alerts, page)
    over = (held[-1] + 2) * step - scenario.failing / MINUTE
    return Outcome((held[0] + 1) * step, max(over, 0.0), alerts, page)


def judged(scenario: Scenario, bad: Events, came: Events) -> Outcome:
    """Modelwatch: the judge of objectives, and one incident for one trouble."""
    length = scenario.window // timedelta(microseconds=1)
    start = HEALTHY // scenario.window * length
    monitor = MONITOR.model_copy(
        update={"window": MONITOR.window.model_copy(update={"size": scenario.window})}
    )
    trackers = Trackers(budgets={"availability": _healthy(scenario)})
    judge = ObjectiveJudge(monitor, Judge((), ("",), 1000.0, length), trackers)
    incidents, lines = Incidents(), list[Line]()
    for place, (failed, every) in enumerate(zip(bad.tolist(), came.tolist(), strict=True)):
        moment = Moment(start + place * length, start + (place + 1) * length, start + (place + 1) * length)
        profile = Profile(every, {"latency": LatencySummary(LatencyGrid(), Counts(), every, failed)})
        made = judge.of_requests(cast("Reader", None), moment, {"": profile})
        incidents.step(place, made)
        lines += made
    breach = [line.verdict is Verdict.BREACH for line in lines]
    first = next((line.diagnosis or "" for line in lines if line.verdict is Verdict.BREACH), None)
    page = None if first is None else first.startswith("page")
    return outcome(breach, scenario, len(incidents.opened) + incidents.updates, page)


def _healthy(scenario: Scenario) -> Budget:
    """The budget before a scenario, in steps that a budget's finest bins resolve."""
    budget, step = Budget(), max(scenario.window, PERIOD / FINE)
    for place in range(HEALTHY // step):
        events = round(scenario.per_hour * ((place + 1) * step / HOUR)) - budget.events
        budget = budget.add(place * (step // timedelta(microseconds=1)), 0, events, PERIOD)
    return budget


def bare(scenario: Scenario, bad: Events, came: Events) -> Outcome:
    """The workbook's rule alone: no fewest events, told whenever it begins to hold."""
    before = HEALTHY // scenario.window
    usual = np.full(before, scenario.per_hour * (scenario.window / HOUR))
    sums = [np.concatenate([[0.0], np.cumsum(np.concatenate([first, of]))])
            for first, of in ((np.zeros(before), bad), (usual, came))]  # fmt: skip
    ends = np.arange(before + 1, before + len(bad) + 1)
    holds = np.zeros(len(bad), bool)
    for rule in RULES:
        long = PERIOD * rule.share
        holds |= np.logical_and.reduce(
            [
                _ratio(sums, ends, max(int(time / scenario.window), 1)) >= rate_of(rule) * (1 - TARGET)
                for time in (long, long * SHORT)
            ]
        )
    begun = sum(now and not earlier for earlier, now in pairwise([False, *holds.tolist()]))
    return outcome(holds.tolist(), scenario, begun)


def _ratio(sums: Sequence[Any], ends: Events, windows: int) -> Any:
    bad, came = (one[ends] - one[np.maximum(ends - windows, 0)] for one in sums)
    return np.divide(bad, came, out=np.zeros_like(bad), where=came > 0)


def replayed(scenario: Scenario, seeds: int) -> dict[str, Any]:
    """A scenario's figures: medians over seeds, and the alerts of the worst seed."""
    drawn = [scenario.events(seed) for seed in range(seeds)]
    told = scenario.closed_form
    found: dict[str, Any] = {
        "scenario": scenario.name,
        "window_minutes": scenario.window / MINUTE,
        "closed_form_minutes": None if told is None else told / MINUTE,
    }
    judges: tuple[tuple[str, Callable[..., Outcome]], ...] = (("modelwatch", judged), ("bare_rule", bare))
    for name, judge in judges:
        runs = [asdict(judge(scenario, *events)) for events in drawn]
        found[name] = {
            "detected_minutes": _median([run["detected"] for run in runs]),
            "reset_minutes": _median([run["reset"] for run in runs]),
            "alerts": _median([run["alerts"] for run in runs]),
            "most_alerts": max(run["alerts"] for run in runs),
            "missed": sum(run["detected"] is None for run in runs),
        }
        if name == "modelwatch":
            found[name]["pages"] = sum(bool(run["page"]) for run in runs)
    return found


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _shown(minutes: float | None) -> str:
    if minutes is None:
        return "-"
    if minutes < 120:  # noqa: PLR2004 - two hours
        return f"{minutes:.3g} min"
    return f"{minutes / 60:.3g} h" if minutes < 2880 else f"{minutes / 1440:.3g} d"  # noqa: PLR2004 - two days


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one draw of each scenario")
    given = parser.parse_args(arguments)
    seeds = 1 if given.quick else SEEDS
    print(f"SLO {TARGET:.1%} over 30 d; medians of {seeds} draws; alerts of the median and the worst draw")
    print(f"{'':32}{'workbook':>10}   {'Modelwatch':^36}   {'bare rule':^30}")
    told = f"{'told after':>11}{'over after':>11}{'alerts':>8}"
    print(f"{'':32}{'fires':>10}   {told}{'first':>8}   {told}")
    rows = []
    for scenario in SCENARIOS:
        row = replayed(scenario, seeds)
        rows.append(row)
        cells = [f"{scenario.name:32}{_shown(row['closed_form_minutes']):>10}"]
        for name in ("modelwatch", "bare_rule"):
            one = row[name]
            cell = f"{_shown(one['detected_minutes']):>11}{_shown(one['reset_minutes']):>11}"
            cell += f"{one['alerts']:g}/{one['most_alerts']}".rjust(8)
            if name == "modelwatch":
                first = "-" if one["missed"] == seeds else "page" if one["pages"] else "ticket"
                cell += f"{first:>8}"
            cells.append(cell)
        print("   ".join(cells), flush=True)
    if given.json:
        record = {"target": TARGET, "period_days": 30, "draws": seeds, "scenarios": rows}
        versions = {"modelwatch": version("modelwatch"), "python": platform.python_version()}
        print(json.dumps(record | {"versions": versions, "cpu": cpu()}))


if __name__ == "__main__":
    main()
