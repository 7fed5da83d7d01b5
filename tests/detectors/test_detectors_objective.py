"""Objectives: how they are written, and how they decide by metrics and by requests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from detectors import Budget, Objective, Verdict
from detectors.evidence import Evidence
from profiles import ClassOutcomes, Grid, LatencyGrid, LatencySummary, Outcomes, ResidualGrid, Vocabulary
from profiles.counts import Counts
from profiles.status import Status

DAY = timedelta(days=1)


def slo(**fields: Any) -> Objective:
    return Objective.model_validate({"name": "n"} | fields)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"sli": "availability"}, "slo n: give a target below 100%"),
        ({"sli": "availability", "target": "100%"}, "slo n: give a target below 100%"),
        ({"sli": "availability", "target": 99.9}, "99.9 is not a share; write a percentage such as 99.9%"),
        ({"sli": "availability", "target": "101%"}, "'101%' is not a share"),
        (
            {"sli": "availability >= 99%"},
            "slo n: sli 'availability >= 99%' is not understood; write `availability`",
        ),
        ({"sli": "latency < 300", "target": "99%"}, "write `availability`, `latency < 300ms`"),
        ({"sli": "latency > 300ms", "target": "99%"}, "is not understood"),
        ({"sli": "latency < 300ms"}, "give a target"),
        ({"sli": "roc_auc >= 300ms"}, "is not understood"),
        ({"sli": "roc_auc"}, "or a metric such as `roc_auc >= 0.85`"),
        ({"sli": "auc >= 0.8"}, "names no metric; known are .*'roc_auc'"),
        (
            {"sli": "availability", "target": "99%", "period": "a month"},
            "period\n.*'a month' is not a duration",
        ),
        (
            {"sli": "availability", "target": "99%", "peroid": "30d"},
            "peroid\n.*Extra inputs are not permitted",
        ),
        ({"name": "Good Enough", "sli": "availability", "target": "99%"}, "name\n.*should match pattern"),
        ({}, "sli\n.*Field required"),
    ],
)
def test_a_mistake_is_named_with_the_fix(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        slo(**fields)


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"sli": "availability", "target": "99.9%"}, "latency"),
        ({"sli": "latency < 300ms", "target": 0.99, "period": "7d"}, "latency"),
        ({"sli": "latency <= 0.3 s", "target": "99%"}, "latency"),
        ({"sli": "roc_auc >= 0.85"}, "performance"),
        ({"sli": "accuracy >= 85%"}, "performance"),
        ({"sli": "mae<5"}, "performance"),
    ],
)
def test_an_objective_comes_back_from_its_configuration(fields: dict[str, Any], part: str) -> None:
    objective = slo(**fields)
    assert objective.part == part
    assert objective.signal == "slo.n"
    assert Objective.model_validate(objective.model_dump()) == objective
    assert Objective.model_validate_json(objective.model_dump_json()) == objective
    with pytest.raises(ValidationError, match="frozen"):
        objective.sli = "availability"  # type: ignore[misc]


def test_requests_are_counted() -> None:
    latency = np.concatenate([np.full(90, 100.0), np.full(10, 400.0), [np.nan]])
    failed = (np.arange(101) < 3).astype(np.float64)
    requests = LatencyGrid().summarize(latency, failed)
    assert slo(sli="availability", target="99%").count(requests) == (3, 101)
    assert slo(sli="latency < 300ms", target="99%").count(requests) == (10, 100)
    assert slo(sli="latency < 0.3s", target="99%").count(requests) == (10, 100)
    assert slo(sli="latency < 500ms", target="99%").count(requests) == (0, 100)


def test_failures_may_be_excepted() -> None:
    status = np.repeat([Status.OK, Status.CLIENT, Status.THROTTLED, Status.TIMEOUT], [90, 5, 3, 2])
    requests = LatencyGrid().summarize(np.full(100, 9.0), status.astype(np.float64))
    counts = {"availability": 10, "availability except client": 5, "availability except client,throttled": 2}
    for sli, bad in counts.items():
        assert slo(sli=sli, target="99%").count(requests) == (bad, 100)


def test_no_requests_are_insufficient() -> None:
    judged = slo(sli="availability", target="99%").judge_requests(LatencyGrid().zero(), Budget(), DAY)
    assert not judged.sufficient
    assert Evidence().step(judged, 1.0).verdict is Verdict.INSUFFICIENT


def test_a_judged_window_shows_its_share_its_limit_and_the_budget_left() -> None:
    """99.9 % over 30 days: 10 % of it in one day is a burn rate of 3."""
    objective = slo(sli="availability", target="99.9%")
    requests = LatencySummary(LatencyGrid(), Counts(), 10_000, 20)
    judged = objective.judge_requests(requests, Budget().add(0, 20, 10_000, objective.period), DAY)
    assert judged.value == pytest.approx(0.998)
    assert judged.threshold == pytest.approx(1 - 3 * 0.001)
    assert judged.note == "burn rate 2.0, 93% of the error budget left"
    assert judged.breach is False


def binary(separation: float, rows: int) -> Any:
    rng = np.random.default_rng(1)
    labels = (rng.random(rows) < 0.5).astype(np.float64)
    scores = 1 / (1 + np.exp(-rng.normal(separation * (labels - 0.5), 1.0)))
    return Outcomes().summarize(scores, (scores > 0.5).astype(np.float64), labels)


@pytest.mark.parametrize(
    ("sli", "breach"),
    [
        ("roc_auc >= 0.5", False),
        ("roc_auc > 0.99", True),
        ("accuracy >= 99%", True),
        ("accuracy >= 0.6", False),
        ("log_loss <= 0.1", True),
        ("log_loss < 1", False),
    ],
)
def test_a_metric_breaches_when_its_whole_interval_misses(sli: str, breach: bool) -> None:
    judged = slo(sli=sli).judge_outcomes(binary(2.0, 2000))
    assert judged.breach is breach
    assert judged.lower is not None
    assert judged.upper is not None
    assert judged.value is not None
    assert judged.threshold is not None
    assert judged.lower <= judged.value <= judged.upper
    assert breach == (judged.threshold > judged.upper if ">" in sli else judged.threshold < judged.lower)


def test_a_metric_that_might_be_met_is_no_breach() -> None:
    value = slo(sli="roc_auc >= 0.5").judge_outcomes(binary(2.0, 200)).value
    assert value is not None
    assert slo(sli=f"roc_auc >= {value + 0.01:.4f}").judge_outcomes(binary(2.0, 200)).breach is False


def test_a_metric_without_enough_labels_or_of_another_task_is_insufficient() -> None:
    objective = slo(sli="roc_auc >= 0.8")
    others = (
        binary(2.0, 49),
        Outcomes().zero(),
        ClassOutcomes(Vocabulary(("a",))).zero(),
        ResidualGrid(Grid(0.0, 1.0)).zero(),
        Outcomes().summarize(np.full(99, 0.5), np.ones(99), np.ones(99)),
    )
    for outcomes in others:
        judged = objective.judge_outcomes(outcomes)
        assert not judged.sufficient
        assert judged.note
