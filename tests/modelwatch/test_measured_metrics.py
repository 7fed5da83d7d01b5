"""Metrics on request and business value, from a monitor file to the lines of analyze."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn import metrics

from modelwatch.monitor import Monitor
from tests.modelwatch.flows import HOUR, START, Workplace, of_signal

PLAIN: dict[str, Any] = {"model": "m", "columns": {"timestamp": "ts"}, "features": {"x": "numeric"}}
COSTS = {"true_positive": 5, "false_positive": -1, "false_negative": -10}
ROWS = 400
HOURS = 20


def windows(start: int) -> tuple[pd.Series, Any]:
    seconds = np.repeat(np.arange(HOURS), ROWS) * HOUR + np.tile(np.arange(ROWS), HOURS)
    return pd.Series(pd.to_datetime(start + seconds, unit="s", utc=True)), seconds // HOUR


def binary(rng: np.random.Generator, start: int, wrong: float) -> pd.DataFrame:
    when, _ = windows(start)
    label = (rng.random(len(when)) < 0.3).astype(int)
    prediction = np.where(rng.random(len(when)) < wrong, 1 - label, label)
    return pd.DataFrame(
        {"ts": when, "x": rng.normal(size=len(when)), "prediction": prediction, "label": label}
    )


def regression(rng: np.random.Generator, start: int, noise: float) -> pd.DataFrame:
    when, _ = windows(start)
    label = 1e9 + rng.normal(0, 1, len(when))
    prediction = label + rng.normal(0, noise, len(when))
    return pd.DataFrame(
        {"ts": when, "x": rng.normal(size=len(when)), "prediction": prediction, "label": label}
    )


def monitored(folder: Path, task: str, **changes: Any) -> Monitor:
    return Workplace(folder).monitor(**PLAIN, task=task, segments=None, slos=None, **changes)


def by_window(lines: list[dict[str, Any]], signal: str) -> dict[int, dict[str, Any]]:
    start = START + HOURS * HOUR
    return {
        (int(pd.Timestamp(line["window_start"]).timestamp()) - start) // HOUR: line
        for line in of_signal(lines, signal)
        if line["value"] is not None
    }


def test_what_predictions_are_worth_is_judged_beside_the_usual(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    reference, production = binary(rng, START, 0.05), binary(rng, START + HOURS * HOUR, 0.4)
    asked = ["defaults", {"kind": "performance", "metric": "precision"}]
    monitor = monitored(tmp_path, "binary", costs=COSTS, detectors=asked)
    lines = Workplace(tmp_path).lines(reference, production, monitor=monitor)
    worth = np.select(
        [
            (production.prediction == 1) & (production.label == 1),
            (production.prediction == 1) & (production.label == 0),
            (production.prediction == 0) & (production.label == 1),
        ],
        [5, -1, -10],
        0,
    ).reshape(HOURS, ROWS)
    judged = by_window(lines, "performance.business_value")
    assert len(judged) >= HOURS - 1
    for place, line in judged.items():
        assert line["value"] == pytest.approx(worth[place].mean())
        assert line["lower"] < line["value"] < line["upper"]
    assert {line["verdict"] for place, line in judged.items() if place < HOURS - 1} == {"breach"}
    for place, line in by_window(lines, "performance.precision").items():
        rows = production[place * ROWS : (place + 1) * ROWS]
        assert line["value"] == pytest.approx(metrics.precision_score(rows.label, rows.prediction))
    assert by_window(lines, "performance.f1")


def test_r2_of_labels_far_from_0_is_exact_from_the_file_to_the_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    reference, production = regression(rng, START, 0.5), regression(rng, START + HOURS * HOUR, 0.9)
    monitor = monitored(tmp_path, "regression", detectors=[{"kind": "performance", "metric": "r2"}])
    lines = Workplace(tmp_path).lines(reference, production, monitor=monitor)
    judged = by_window(lines, "performance.r2")
    assert len(judged) >= HOURS - 1
    for place, line in judged.items():
        rows = production[place * ROWS : (place + 1) * ROWS]
        assert line["value"] == pytest.approx(metrics.r2_score(rows.label, rows.prediction), abs=1e-6)
    assert {line["verdict"] for place, line in judged.items() if place < HOURS - 1} == {"breach"}


@pytest.mark.parametrize(
    ("task", "changes", "told"),
    [
        ("regression", {"costs": COSTS}, "costs: they are of a binary task, this one is regression"),
        ("binary", {"costs": {"true_positives": 5}}, "true_positives"),
        ("binary", {"costs": {"true_positive": "much"}}, "true_positive"),
        ("binary", {"metric": "business_value"}, "business_value needs the monitor's costs"),
        ("binary", {"metric": "mae"}, "mae is no metric of a binary task; there are roc_auc"),
        ("multiclass", {"metric": "specificity"}, "there are accuracy, .*recall:CLASS"),
        ("regression", {"metric": "nothing"}, "'nothing' is no metric; there are .*quantile_loss_K"),
    ],
)
def test_what_cannot_be_measured_is_told(task: str, changes: dict[str, Any], told: str) -> None:
    if "metric" in changes:
        changes = {"detectors": [{"kind": "performance", "metric": changes["metric"]}]}
    with pytest.raises(ValidationError, match=told):
        Monitor.model_validate(PLAIN | {"task": task} | changes)
