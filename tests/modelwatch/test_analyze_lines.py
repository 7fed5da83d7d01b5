"""What analyze says of known traffic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.modelwatch.flows import CONFIG, HOUR, START, Workplace, labels_of, of_signal, traffic

SIGNALS = {
    "drift.univariate", "drift.multivariate", "drift.multivariate.mahalanobis",
    "drift.multivariate.covariance", "drift.prediction", "drift.label", "quality.missing", "quality.range",
    "quality.unseen", "quality.constant", "quality.vanished", "quality.type", "quality.contract",
    "quality.freshness", "quality.volume", "quality.duplicates", "performance.roc_auc",
    "performance.accuracy", "performance.log_loss", "performance.f1", "latency.p50", "latency.p99",
    "requests.errors", "slo.availability", "slo.fast", "slo.good",
    "performance.estimated.roc_auc", "performance.estimated.accuracy", "performance.estimated.f1",
    "performance.estimation_error.roc_auc", "performance.estimation_error.accuracy",
    "performance.estimation_error.f1",
}  # fmt: skip


def hour(line: dict[str, object]) -> int:
    return (int(pd.Timestamp(str(line["window_start"])).timestamp()) - START) // HOUR


@pytest.fixture(scope="module")
def lines(
    tmp_path_factory: pytest.TempPathFactory, reference: pd.DataFrame, production: pd.DataFrame
) -> list[dict[str, Any]]:
    return Workplace(tmp_path_factory.mktemp("lines")).lines(reference, production)


def test_a_fault_is_found_in_every_family_and_told_once(lines: list[dict[str, Any]]) -> None:
    assert {line["signal"] for line in lines} == SIGNALS
    breaches = [line for line in lines if line["verdict"] == "breach"]
    assert min(map(hour, breaches)) >= 16
    wanted = {"drift.univariate", "performance.roc_auc", "latency.p50", "slo.fast", "slo.good"}
    assert wanted <= {line["signal"] for line in breaches}
    alerts = [line for line in lines if line["alert"]]
    assert {line["verdict"] for line in alerts} == {"breach"}
    told = [(line["signal"], line["subject"], line["segment"]) for line in alerts]
    assert len(set(told)) == len(told)
    assert hour(alerts[0]) == 16


def test_every_window_has_one_line_for_each_signal(lines: list[dict[str, Any]]) -> None:
    keys = [(line["window_start"], line["signal"], line["subject"], line["segment"]) for line in lines]
    assert len(set(keys)) == len(keys)
    assert [hour(line) for line in of_signal(lines, "quality.freshness")] == list(range(24))
    assert {line["segment"] for line in lines} == {None, "region=north", "region=south"}


def test_a_reference_as_production_alerts_nobody(workplace: Workplace, reference: pd.DataFrame) -> None:
    lines = workplace.lines(reference, reference)
    assert not [line for line in lines if line["alert"]]
    assert not [line for line in lines if line["verdict"] == "breach" and line["segment"] is None]


def test_no_verdict_uses_a_label_from_after_it(lines: list[dict[str, Any]], production: pd.DataFrame) -> None:
    """The metric of each line, recomputed from the labels known by its `known_at` alone."""
    judged = [line for line in of_signal(lines, "performance.accuracy") if line["value"] is not None]
    assert len(judged) > 20
    for line in judged:
        begin, end = pd.Timestamp(line["window_start"]), pd.Timestamp(line["window_end"])
        known = pd.Timestamp(line.get("known_at", line["window_end"]))
        rows = production[(production["ts"] >= begin) & (production["ts"] < end)]
        rows = rows[(rows["label_ts"] < known) & rows["label"].notna()]
        assert np.isclose(line["value"], (rows["prediction"] == rows["label"]).mean())


def test_labels_thirty_windows_late_are_judged_then(workplace: Workplace, reference: pd.DataFrame) -> None:
    production = traffic(10, seed=3)
    production["label_ts"] = production["ts"] + pd.Timedelta(hours=30)
    production.loc[production["label"].isna(), "label_ts"] = pd.NaT
    lines = workplace.lines(reference, production)
    judged = list(of_signal(lines, "performance.roc_auc"))
    assert len(judged) == 10
    for line in judged:
        late = pd.Timestamp(line["known_at"]) - pd.Timestamp(line["window_end"])
        assert pd.Timedelta(hours=30) <= late <= pd.Timedelta(hours=32)
        assert line["verdict"] == "ok"


def test_labels_of_sixty_percent_are_enough(workplace: Workplace, reference: pd.DataFrame) -> None:
    production = traffic(12, seed=4)
    labels = labels_of(production).sample(frac=0.66, random_state=0)
    lines = workplace.lines(reference, production.drop(columns=["label", "label_ts"]), labels)
    verdicts = [line["verdict"] for line in of_signal(lines, "performance.roc_auc")]
    assert len(verdicts) == 12
    assert verdicts.count("ok") >= 11


def test_a_labels_file_of_months_joins_all_of_them(workplace: Workplace) -> None:
    """The horizon is for streams: a file of predictions that spans more must not lose its first labels."""
    daily = {**CONFIG, "window": "1d", "segments": None}
    rows = traffic(100, rows=80, seed=5)
    rows["ts"] = pd.to_datetime(START, unit="s", utc=True) + (rows["ts"] - rows["ts"].iloc[0]) * 24
    rows["label_ts"] = rows["ts"] + pd.Timedelta(days=2)
    monitor = workplace.monitor(**daily)
    lines = workplace.lines(
        rows.iloc[:2000], rows.drop(columns=["label", "label_ts"]), labels_of(rows), monitor
    )
    judged = [line for line in of_signal(lines, "performance.accuracy") if line["value"] is not None]
    assert len(judged) >= 98


def test_silence_is_a_signal_of_its_own(workplace: Workplace, reference: pd.DataFrame) -> None:
    production = traffic(40, seed=6)
    hours = (production["ts"] - production["ts"].iloc[0]) // pd.Timedelta(hours=1)
    lines = workplace.lines(reference, production[(hours < 20) | (hours >= 34)])
    silent = [line for line in lines if 21 <= hour(line) < 33]
    assert {line["signal"] for line in silent} == {"quality.freshness"}
    assert "breach" in {line["verdict"] for line in silent}
    after = [line for line in of_signal(lines, "quality.freshness") if hour(line) >= 36]
    assert {line["verdict"] for line in after} == {"ok"}
