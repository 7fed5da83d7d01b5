"""Estimates a metric of windows without labels, with a band, and scores the estimates when labels come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.estimated.calibration import calibrations
from detectors.estimated.cells import Strata
from detectors.estimated.expected import Expected, Model
from detectors.estimated.folds import clearest, folds
from detectors.estimated.losses import LossTable
from detectors.judgement import Judgement, insufficient
from detectors.performance.metrics import metric_of
from detectors.proportion import Z95
from detectors.season import Phase, phases_at
from detectors.spread import FEW_WINDOWS, Spreads
from profiles import ClassScores
from profiles.counts import Floats

METRICS: Mapping[str, tuple[str, ...]] = {
    "binary": ("roc_auc", "accuracy", "f1"),
    "multiclass": ("accuracy", "macro_f1"),
    "regression": ("mae", "rmse"),
}
CAVEAT = "estimated: it cannot see concept drift"
MIN_ROWS = 50  # of a window
MIN_LABELS = 200  # of the reference
MOST_STRATA = 16
OUTSIDE = 0.05 / 2  # of each side of a band


@dataclass(frozen=True)
class Parts:
    """A window of the reference.

    Attributes:
        traffic: summaries of `TRAFFIC`'s part, by segment column and stratum; column "" is of all rows.
        outcomes: the same of `OUTCOMES`'s part.
        realised: the joined labels of all rows.
    """

    traffic: Mapping[str, Strata]
    outcomes: Mapping[str, Strata]
    realised: Any


@dataclass(frozen=True)
class Estimator:
    """One metric: how healthy estimates vary, and how far what is realised is from them.

    Attributes:
        task: of the model.
        metric: its name.
        estimates: of the reference's windows, each by what the others say.
        errors: realised minus estimated, of the same.
    """

    task: str
    metric: str
    estimates: Spreads
    errors: Spreads

    def judge(self, expected: Expected, alpha: float, phase: Phase = ()) -> Judgement:
        """Judge an estimate, with the band that the realised value is in, in 95 % of healthy windows.

        Args:
            expected: of the window.
            alpha: the p-value that alone is a breach, for the threshold that people are shown.
            phase: where the window lies in the day and the week.
        """
        if not np.isfinite(expected.value):
            return insufficient("the predictions of this window do not define the metric")
        metric, value = metric_of(self.task, self.metric), expected.value
        error = float(np.sqrt(expected.noise + expected.doubt))
        low, high = (
            value + self.errors.at(phase).threshold(OUTSIDE, error, higher_is_better=side)
            for side in (True, False)
        )
        lower, upper = map(float, np.clip([min(low, value), max(high, value)], *metric.span))
        healthy = self.estimates.at(phase)
        # rows that are more alike than the reference's make no stricter test: its spread is known no better
        own = float(np.sqrt(max(expected.drawn + expected.doubt, healthy.noise)))
        threshold = healthy.threshold(alpha, own, higher_is_better=metric.higher_is_better)
        return Judgement(
            value,
            lower,
            upper,
            threshold=float(np.clip(threshold, *metric.span)),
            p_value=healthy.p_value(value, own, higher_is_better=metric.higher_is_better),
            note=CAVEAT,
            weight=healthy.weight,
        )

    def check(
        self, estimated: float, expected: Expected, realised: Any, rows: int, alpha: float, phase: Phase = ()
    ) -> Judgement:
        """Judge how far the realised value is from what was estimated; either way is a change.

        Args:
            estimated: what was said of the window.
            expected: of its rows, for what chance may do.
            realised: its joined labels.
            rows: how many rows it has.
            alpha: the p-value that alone is a breach.
            phase: where the window lies in the day and the week.
        """
        if realised.count < MIN_ROWS:
            return insufficient(f"{realised.count} labels, fewer than {MIN_ROWS}")
        value = metric_of(self.task, self.metric).compute(realised)[0] - estimated
        if not np.isfinite(value):
            return insufficient("the labels of this window do not define the metric")
        noise = expected.noise * max(rows / realised.count, 1.0)
        healthy, error = self.errors.at(phase), float(np.sqrt(noise + expected.doubt))
        reach, below = Z95 * float(np.sqrt(noise)), value < healthy.mean
        return Judgement(
            value,
            value - reach,
            value + reach,
            threshold=healthy.threshold(alpha / 2, error, higher_is_better=below),
            p_value=min(2 * healthy.p_value(value, error, higher_is_better=below), 1.0),
            weight=healthy.weight,
        )


@dataclass(frozen=True)
class Estimators:
    """What estimates all metrics of some rows.

    Attributes:
        model: what labels are expected from.
        by_metric: an estimator for each metric.
    """

    model: Model
    by_metric: Mapping[str, Estimator]


def learn_estimators(task: str, windows: Sequence[Parts], phases: Sequence[Phase] = ()) -> Estimators | None:
    """Learn from the reference's windows in time order; None where their labels are too few.

    Of all ways to divide the rows by the values of a segment column, and not to divide them, that is taken
    which predicts labels that were left out clearly better: post-stratification, which corrects for a shift
    of what the segments tell apart.

    Args:
        task: binary, multiclass or regression.
        windows: those with labels.
        phases: of each window.
    """
    usable = [at for at, one in enumerate(windows) if _usable(one)]
    if len(usable) < FEW_WINDOWS or sum(windows[at].realised.count for at in usable) < MIN_LABELS:
        return None
    windows, phases = [windows[at] for at in usable], phases_at(phases, usable)
    parts = folds(len(windows))
    model = _model(task, windows, parts)
    if model is None:
        return None
    told = [
        model.expected(METRICS[task], one.traffic.get(model.column, one.traffic[""]), part)
        for one, part in zip(windows, parts.tolist(), strict=True)
    ]
    found = {
        metric: _estimator(task, metric, windows, [one[metric] for one in told], phases)
        for metric in METRICS[task]
    }
    known = {metric: one for metric, one in found.items() if one is not None}
    return Estimators(model, known) if known else None


def _usable(window: Parts) -> bool:
    traffic, realised = window.traffic.get("", {}).get(""), window.realised
    if traffic is None or realised is None or not window.outcomes.get(""):
        return False
    if isinstance(traffic.space, ClassScores) and len(traffic.space.codes) < len(
        traffic.space.classes.values
    ):
        return False  # of the other classes nothing is known
    return bool(traffic.count >= MIN_ROWS and realised.count >= MIN_ROWS)


def _model(task: str, windows: Sequence[Parts], parts: Any) -> Model | None:
    def fitted(column: str) -> list[Model]:
        outcomes = [one.outcomes.get(column, {}) for one in windows]
        strata = _largest(outcomes) if column else ()
        if column and len(strata) < 2:  # noqa: PLR2004 - to tell apart
            return []
        if task == "regression":
            return [LossTable.learn(column, strata, outcomes, parts)]
        return list(calibrations(task, column, strata, outcomes, parts))

    candidates = []
    for column in sorted({name for one in windows for name in one.outcomes}):
        each = fitted(column)
        if each:
            candidates.append(clearest(each, lambda one: one.losses))
    return clearest(candidates, lambda one: one.losses) if candidates else None


def _largest(outcomes: Sequence[Strata]) -> tuple[str, ...]:
    """The strata with the most labels, by name."""
    sizes: dict[str, int] = {}
    for window in outcomes:
        for name, summary in window.items():
            sizes[name] = sizes.get(name, 0) + summary.count
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_STRATA]
    return tuple(sorted(name for name in largest if name and sizes[name] >= MIN_ROWS))


def _estimator(
    task: str, metric: str, windows: Sequence[Parts], told: Sequence[Expected], phases: Sequence[Phase]
) -> Estimator | None:
    """How the reference's own windows were estimated by what the others say."""
    rows, places = [], []
    for place, (window, expected) in enumerate(zip(windows, told, strict=True)):
        realised, _ = metric_of(task, metric).compute(window.realised)
        if np.isfinite(realised) and np.isfinite(expected.value):
            missing = max(window.traffic[""][""].count / window.realised.count, 1.0)
            rows.append((expected.value, expected.drawn, realised - expected.value, expected.noise * missing))
            places.append(place)
    if len(rows) < FEW_WINDOWS:
        return None
    table: Floats = np.array(rows)
    seasons = phases_at(phases, places)
    estimates = Spreads.learn(table[:, 0], np.sqrt(table[:, 1]), seasons)
    return Estimator(task, metric, estimates, Spreads.learn(table[:, 2], np.sqrt(table[:, 3]), seasons))
