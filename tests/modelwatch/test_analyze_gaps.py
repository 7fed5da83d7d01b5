"""Files that lack columns, rows or values, and tasks other than binary."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.modelwatch.flows import CONFIG, HOUR, START, Workplace, of_signal, traffic

HOURS = 8


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    """Twelve good hours."""
    return traffic(12, seed=1, first=START - 100 * HOUR)


@pytest.fixture(scope="module")
def production() -> pd.DataFrame:
    """Eight hours, of which the last three are bad."""
    return traffic(HOURS, seed=2, bad_from=5)


@pytest.mark.parametrize(
    ("dropped", "gone"),
    [
        (["prediction_id"], set()),
        (["latency_ms", "status"], {"latency", "slo.fast", "slo.availability"}),
        (["label", "label_ts"], {"performance", "slo.good"}),
        (["version"], set()),
        (["prediction"], set()),
        (["region"], set()),
        (["x"], {"quality.range"}),
        (["score", "prediction", "label", "label_ts"], {"performance", "slo.good", "drift.prediction"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_a_column_that_no_file_has_is_not_monitored(
    workplace: Workplace,
    reference: pd.DataFrame,
    production: pd.DataFrame,
    dropped: list[str],
    gone: set[str],
) -> None:
    lines = workplace.lines(reference.drop(columns=dropped), production.drop(columns=dropped))
    signals = {line["signal"] for line in lines}
    assert not {signal for signal in signals if signal.startswith(tuple(gone))} if gone else signals
    assert len(list(of_signal(lines, "quality.freshness"))) == HOURS
    assert "x" not in dropped or "x" not in {line["subject"] for line in lines}


def test_a_label_without_a_time_was_known_at_once(
    workplace: Workplace, reference: pd.DataFrame, production: pd.DataFrame
) -> None:
    lines = workplace.lines(reference, production.drop(columns=["label_ts"]))
    judged = [line for line in of_signal(lines, "performance.roc_auc") if line["value"] is not None]
    assert len(judged) == HOURS


def test_a_reference_without_times_still_calibrates(workplace: Workplace, production: pd.DataFrame) -> None:
    lines = workplace.lines(traffic(24, seed=1).drop(columns=["ts"]), production)
    breaches = [line for line in lines if line["verdict"] == "breach"]
    assert breaches
    assert min(line["window_start"] for line in breaches) >= "2024-01-01T05"
    assert [line for line in of_signal(lines, "performance.roc_auc") if line["verdict"] == "breach"]


def test_categories_that_are_numbers(workplace: Workplace, reference: pd.DataFrame) -> None:
    codes = {"a": 1, "b": 2, "d": 3}
    production = traffic(4, seed=9)
    base = workplace.lines(reference, production)
    numbered = reference.assign(c=reference["c"].map(codes))
    for kind in ("int64", "float64", "str"):
        table = production.assign(c=production["c"].map(codes).astype(kind))
        lines = workplace.lines(numbered, table)
        assert [line["verdict"] for line in of_signal(lines, "quality.unseen")] == ["ok"] * 4
        assert len(lines) == len(base)
    table = production.assign(c=production["c"].map(codes).astype(float))
    table.loc[::10, "c"] = np.nan  # pandas makes floats of integers that have gaps
    lines = workplace.lines(numbered, table)
    assert [line["verdict"] for line in of_signal(lines, "quality.unseen")] == ["ok"] * 4


@pytest.mark.parametrize("rows", [0, 1, 2, 49])
def test_very_short_files(workplace: Workplace, reference: pd.DataFrame, rows: int) -> None:
    production = traffic(3, seed=10)
    lines = workplace.lines(reference, production.iloc[:rows])
    assert not [line for line in lines if line["verdict"] == "breach"]
    assert bool(lines) is bool(rows)
    for short in (reference.iloc[:rows], None):
        lines = workplace.lines(short, production)
        assert not [line for line in lines if line["verdict"] == "breach"]


def test_every_value_missing(workplace: Workplace, reference: pd.DataFrame) -> None:
    production = traffic(5, seed=11)
    blank = production.assign(x=np.nan, c=None, e0=np.nan, score=np.nan, latency_ms=np.nan, region=None)
    lines = workplace.lines(reference, blank)
    missing = [line["verdict"] for line in of_signal(lines, "quality.missing")]
    assert set(missing) == {"breach"}


def test_infinities_do_not_poison(workplace: Workplace, reference: pd.DataFrame) -> None:
    production = traffic(5, seed=12)
    production.loc[::97, "x"] = np.inf
    production.loc[::89, "x"] = -np.inf
    production.loc[::83, "latency_ms"] = np.inf
    assert workplace.lines(reference, production)  # strict JSON, see `Workplace.lines`


def test_multiclass_and_regression(
    workplace: Workplace, reference: pd.DataFrame, production: pd.DataFrame
) -> None:
    rng = np.random.default_rng(3)

    def multiclass(table: pd.DataFrame) -> pd.DataFrame:
        truth = rng.integers(0, 3, len(table))
        guess = np.where(rng.random(len(table)) < 0.8, truth, 0)
        return table.assign(prediction=guess, label=np.where(table["label"].isna(), np.nan, truth)).drop(
            columns="score"
        )

    def regression(table: pd.DataFrame) -> pd.DataFrame:
        truth = rng.normal(50, 9, len(table))
        return table.assign(
            prediction=truth + rng.normal(0, 1, len(table)),
            label=np.where(table["label"].isna(), np.nan, truth),
        ).drop(columns="score")

    slos = CONFIG["slos"][:2]
    for task, make, metric in (("multiclass", multiclass, "accuracy"), ("regression", regression, "mae")):
        monitor = workplace.monitor(task=task, slos=slos)
        lines = workplace.lines(make(reference), make(production), monitor=monitor)
        judged = [line for line in of_signal(lines, f"performance.{metric}") if line["value"] is not None]
        assert len(judged) >= HOURS - 2
        assert {line["verdict"] for line in judged} <= {"ok", "insufficient"}
        assert len(list(of_signal(lines, "drift.prediction"))) == HOURS
