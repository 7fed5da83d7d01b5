"""Peers at their defaults, and at the same false-alarm rate, on rows of the same simulated models."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import detection_scores
from benchmarks.detection_alarms import Alarms
from benchmarks.detection_changes import NONE, Change
from benchmarks.detection_features import FEATURES, Words
from benchmarks.detection_incidents import RULE
from benchmarks.detection_power import PLACES, WITHIN, Power
from benchmarks.detection_rows import tables
from benchmarks.detection_stream import Plan
from benchmarks.peers import environment
from profiles.counts import Floats

PACKAGES: dict[str, tuple[str, ...] | None] = {  # of its environment; None: ours
    "evidently": None,
    "scipy": None,
    "nannyml": (
        "nannyml==0.13.1",
        "statsmodels",
        "category-encoders<2.7",
        "scikit-learn<1.6",
        "setuptools<81",
    ),
    "river": ("river==0.26.1", "pandas<3", "pyarrow"),
    "alibi-detect": ("alibi-detect==0.13.0", "pyarrow<20"),
}
REFERENCE = 28  # windows
MOST_COLUMNS = 0.5  # the share of columns from which on evidently calls a whole table drifted
MOST_FLAGGED = 0.2  # of healthy windows, at a threshold that keeps the budget
SPREAD = 25  # of hourly windows every so many hours one is the peers' reference: all hours and days


@dataclass(frozen=True)
class Scene:
    """Windows for the peers: some to set thresholds by, then as many to judge, and changed ones.

    Attributes:
        plan: has at least `2 * healthy` and `healthy + repeats * WITHIN` windows after its reference.
        healthy: windows of each healthy part.
        repeats: how many times a change begins.
    """

    plan: Plan
    healthy: int
    repeats: int

    def write(self, folder: Path, changes: Sequence[Change]) -> None:
        """Write the files that `detection_scores` reads."""
        first, plan = self.plan.reference, self.plan
        step = SPREAD if plan.reference > REFERENCE else 1
        every = [feature.name for feature in FEATURES]
        _write(folder / "reference.parquet", plan, [step * i % first for i in range(REFERENCE)], every)
        for name, start in (("set", first), ("healthy", first + self.healthy)):
            _write(folder / f"now-{name}.parquet", plan, range(start, start + self.healthy), every)
        since = first + self.healthy
        for number, change in enumerate(changes):
            windows = range(since, since + self.repeats * WITHIN)
            _write(folder / f"now-change{number}.parquet", plan, windows, [change.feature], change)


def _write(
    file: Path, plan: Plan, windows: Iterable[int], names: Sequence[str], change: Change = NONE
) -> None:
    frames = []
    places = [PLACES[name] for name in names]
    for number, made in enumerate(tables(plan, list(windows), places, change)):
        columns: dict[str, Any] = {}
        for place, (name, values) in zip(places, made.items(), strict=True):
            feature = FEATURES[place]
            if isinstance(feature, Words):
                codes = np.where(np.isnan(values), -1, values).astype(np.int64)
                columns[name] = pd.Categorical.from_codes(
                    codes.tolist(), pd.Index([f"v{code:03d}" for code in range(feature.categories)])
                )
            else:
                columns[name] = values.astype(np.float32)
        frames.append(pd.DataFrame(columns).assign(window=number))
    pd.concat(frames).to_parquet(file, index=False)


def scored(name: str, folder: Path) -> dict[str, Any]:
    """Run a peer over a folder: its scores, seconds and version; or `error`."""
    packages = PACKAGES[name]
    try:
        python = sys.executable if packages is None else str(environment(name, packages))
        command = [python, str(Path(detection_scores.__file__)), name, str(folder)]
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=1800)  # noqa: S603 - ours
        found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except subprocess.CalledProcessError as error:
        return {"error": (error.stderr or str(error)).strip().splitlines()[-1][:200]}
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
    return found


def opened(flags: Sequence[bool]) -> int:
    """How many incidents a series of flagged windows makes, by the rule that ours are counted by.

    >>> opened([True, False, True, False, False, True])
    2
    """
    count, quiet = 0, RULE.resolve_after
    for flag in flags:
        count += flag and quiet >= RULE.resolve_after
        quiet = 0 if flag else quiet + 1
    return count


def within_budget(scores: Floats, budget: float) -> float:
    """The lowest threshold down to which windows, shape (features, windows), keep the budget of alarms.

    One alarm that does not end is no lower rate: at most `MOST_FLAGGED` of the windows may be flagged.
    """
    highest = scores.max(axis=0)
    for threshold in np.unique(highest)[::-1]:
        flags = highest >= threshold
        if opened(flags.tolist()) > budget or flags.mean() > MOST_FLAGGED:
            return float(np.nextafter(threshold, np.inf))
    return float(np.nextafter(highest.min(), np.inf))


@dataclass(frozen=True)
class Outcome:
    """What a peer found in a scene."""

    alarms: list[tuple[str, Alarms]]
    powers: list[Power]
    threshold: float
    version: str


def judged(name: str, scene: Scene, found: dict[str, Any], changes: Sequence[Change]) -> Outcome:
    """Alarms and power of a peer at its defaults, and with the threshold that keeps the budget."""
    plan, scores = scene.plan, found["scores"]
    setting, healthy = (np.array(list(scores[part].values())) for part in ("now-set", "now-healthy"))
    threshold = within_budget(setting, scene.healthy / plan.run_length)
    rules = [(name, healthy >= 1.0), (f"{name}, same rate", healthy >= threshold)]
    if name == "evidently":
        rules.insert(
            0,
            (
                "evidently, half of the columns",
                np.mean(healthy >= 1.0, axis=0, keepdims=True) >= MOST_COLUMNS,
            ),
        )
    alarms = []
    for label, flags in rules:
        any_of = [bool(flag) for flag in np.any(flags, axis=0)]
        one = Alarms(plan.world.name, plan.hours, scene.healthy, opened(any_of))
        one.breaches = sum(any_of)
        alarms.append((label, one))
    powers = [
        Power(label, plan.world.name, plan.hours, change.name, _delays(scores, number, change, least))
        for label, least in ((name, 1.0), (f"{name}, same rate", threshold))
        for number, change in enumerate(changes)
    ]
    return Outcome(alarms, powers, threshold, found["version"])


def _delays(scores: dict[str, Any], number: int, change: Change, least: float) -> list[int | None]:
    """The first window of each repeat that is flagged."""
    flags = np.array(scores[f"now-change{number}"][change.feature]).reshape(-1, WITHIN) >= least
    return [int(row.argmax()) + 1 if row.any() else None for row in flags]


def compare(scene: Scene, changes: Sequence[Change]) -> dict[str, Outcome | str]:
    """Run every peer over a scene; an error is a text."""
    results: dict[str, Outcome | str] = {}
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        scene.write(folder, changes)
        for name in PACKAGES:
            found = scored(name, folder)
            results[name] = found["error"] if "error" in found else judged(name, scene, found, changes)
    return results
