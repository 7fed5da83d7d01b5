"""What a breach is said to look like, from files to the line."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from modelwatch import diagnosing
from modelwatch.circumstances import Circumstances
from modelwatch.cli import app
from tests.modelwatch.flows import CONFIG, HOUR, START, Workplace, events_of, traffic
from tests.modelwatch.loops import Loop

FROM = 14  # the hour in which something happens
DETECTORS = [
    {"kind": "kolmogorov_smirnov"},
    {"kind": "chi_square"},
    {"kind": "missing"},
    {"kind": "performance", "metric": "roc_auc"},
]
Table = pd.DataFrame


def salaried(table: Table, seed: int) -> Table:
    """With two more features."""
    rng = np.random.default_rng(seed)
    table["income"] = rng.lognormal(10, 0.5, len(table))
    table["age"] = rng.normal(40, 10, len(table))
    return table


@pytest.fixture(scope="module")
def known() -> Table:
    return salaried(traffic(40, 200, seed=1, first=START - 100 * HOUR), 1)


@pytest.fixture
def now() -> Table:
    return salaried(traffic(20, 200, seed=2, bad_from=99), 2)


def hours(table: Table) -> Any:
    return (table["ts"] - pd.Timestamp(START, unit="s", tz="UTC")).dt.total_seconds() / HOUR


def judged(workplace: Workplace, known: Table, now: Table) -> list[dict[str, Any]]:
    features = CONFIG["features"] | {"income": "numeric", "age": "numeric"}
    return workplace.lines(known, now, monitor=workplace.monitor(features=features, detectors=DETECTORS))


def first(lines: list[dict[str, Any]], signal: str, subject: str | None, segment: str | None = None) -> str:
    """The diagnosis with which a breach began."""
    held = (signal, subject, segment)
    found: str = next(
        line["diagnosis"]
        for line in lines
        if (line["signal"], line["subject"], line["segment"]) == held and line["verdict"] == "breach"
    )
    return found


def test_a_unit_change_of_a_version_is_told_with_the_version_and_the_hour(
    workplace: Workplace, known: Table, now: Table
) -> None:
    new = (hours(now) >= FROM) & (np.arange(len(now)) % 2 == 0)
    now.loc[new, "version"] = "v2"
    now.loc[new, "income"] /= 1000
    lines = judged(workplace, known, now)
    said = first(lines, "drift.univariate", "income")
    assert "unit change: values look like before divided by 1000" in said
    assert "only in version v2 (" in said
    assert f"Changed since 2024-01-01T{FROM}:00:00Z" in said
    assert "in the window of the first predictions of v2" in said
    later = [line for line in lines if line["subject"] == "income" and "T18" in line["window_start"]]
    kinds = {line["diagnosis"].rsplit("; ", 1)[-1] for line in later if line["signal"] == "drift.univariate"}
    assert kinds == {"unit change"}


def test_analyze_prints_it(workplace: Workplace, known: Table, now: Table) -> None:
    now.loc[hours(now) >= FROM, "x"] *= -1000
    workplace.monitor(detectors=DETECTORS)
    files = [str(workplace.file(name, table)) for name, table in (("reference", known), ("production", now))]
    monitor = str(workplace.folder / "monitor.yaml")
    command = ["analyze", monitor, "--reference", files[0], "--production", files[1], "--format", "jsonl"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert "unit change: values look like before times 1000" in first(lines, "drift.univariate", "x")


def test_a_segment_that_alone_changed_is_named(workplace: Workplace, known: Table, now: Table) -> None:
    now.loc[(hours(now) >= FROM) & (now["region"] == "north"), "age"] = 0.0
    said = first(judged(workplace, known, now), "drift.univariate", "age")
    assert "constant: every value is 0 " in said
    assert "only in region=north (" in said


def test_columns_that_changed_places_are_named(workplace: Workplace, known: Table, now: Table) -> None:
    late = hours(now) >= FROM
    now.loc[late, ["income", "age"]] = now.loc[late, ["age", "income"]].to_numpy()
    lines = judged(workplace, known, now)
    for name in ("income", "age"):
        assert "hold each other's values" in first(lines, "drift.univariate", name)


def test_values_that_are_missing_are_told_with_their_share(
    workplace: Workplace, known: Table, now: Table
) -> None:
    lost = (hours(now) >= FROM) & (np.random.default_rng(0).random(len(now)) < 0.3)
    now.loc[lost, "age"] = np.nan
    said = first(judged(workplace, known, now), "quality.missing", "age")
    assert said.startswith("missing values: 0 % -> ")


def test_a_change_within_a_window_is_called_by_its_name_in_the_next(
    workplace: Workplace, known: Table, now: Table
) -> None:
    late = hours(now) >= FROM + 0.6
    now.loc[late, "age"] = now.loc[late, "age"].clip(upper=38)
    lines = [
        line["diagnosis"]
        for line in judged(workplace, known, now)
        if line["signal"] == "drift.univariate" and line["subject"] == "age" and line["verdict"] == "breach"
        and line["segment"] is None
    ]  # fmt: skip
    assert any("clipped: values above 38 became 38" in said for said in lines[:2])
    assert all(said.endswith("; clipped") for said in lines[3:])


def test_a_slow_change_grows_since_it_began(workplace: Workplace, known: Table, now: Table) -> None:
    now["age"] += np.maximum(hours(now) - 8, 0) * 0.8
    said = first(judged(workplace, known, now), "drift.univariate", "age")
    assert "location shift" in said
    assert "since 2024-01-01T" in said


def test_worse_performance_is_told_with_the_features_that_drift(
    workplace: Workplace, known: Table, now: Table
) -> None:
    bad = hours(now) >= FROM
    now.loc[bad, "age"] += 20
    now.loc[bad, "label"] = 1 - now.loc[bad, "label"]
    said = first(judged(workplace, known, now), "performance.roc_auc", None)
    assert "features in drift: age (" in said


def test_a_deployment_before_it_is_named(workplace: Workplace, good: Table) -> None:
    loop = Loop(workplace, good, detectors=DETECTORS)
    changed = traffic(6, seed=5, bad_from=3)
    events = [event for event in events_of(changed) if event["kind"] == "prediction"]
    at = START + 2.5 * HOUR
    loop.take([{"kind": "deployment", "model": "m", "version": "v7", "timestamp": at, "by": "ana"}, *events])
    said = first(loop.advance(flush=True), "drift.univariate", "x")
    assert said.endswith("30 min after the deployment of v7 (2024-01-01T02:30:00Z)")


def test_a_diagnosis_that_fails_leaves_the_verdicts(
    workplace: Workplace,
    known: Table,
    now: Table,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now.loc[hours(now) >= FROM, "age"] = 0.0
    told = judged(workplace, known, now)

    def broken(*_: Any) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(Circumstances, "history", broken)
    silent = judged(workplace, known, now)
    assert [line["verdict"] for line in silent] == [line["verdict"] for line in told]
    assert "the diagnosis of drift.univariate|age| failed" in caplog.text


def test_nothing_is_asked_where_nothing_is_in_breach(
    workplace: Workplace, known: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosing, "Diagnosis", None)
    lines = judged(workplace, known, salaried(traffic(6, 200, seed=3, bad_from=99), 3))
    assert not [line for line in lines if line["verdict"] == "breach"]
