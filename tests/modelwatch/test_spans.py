"""Windows merged into days and weeks: small lasting changes are told, and nothing is told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from modelwatch.analyze import analyze
from modelwatch.monitor import load_monitor
from modelwatch.trackers import Trackers
from tests.modelwatch.flows import HOUR, START
from tests.modelwatch.loops import Loop

ROWS = 60
REFERENCE_DAYS = 28


def stream(days: int, rng: np.random.Generator, shift: float = 0.0, first: int = START) -> pd.DataFrame:
    """Predictions of a regression, `ROWS` an hour."""
    rows = days * 24 * ROWS
    seconds = np.arange(rows) * HOUR / ROWS
    x = rng.normal(shift, 1.0, rows)
    when = pd.to_datetime(first + seconds, unit="s", utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "ts": when,
            "prediction_id": [f"p{first}-{place}" for place in range(rows)],
            "x": x,
            "prediction": rng.normal(size=rows),
        }
    )


def lines(
    folder: Path, production: pd.DataFrame, rng: np.random.Generator, cycle: float = 0.0
) -> list[dict[str, Any]]:
    first = START - REFERENCE_DAYS * 24 * HOUR
    reference = stream(REFERENCE_DAYS, rng, first=first).assign(status=200)
    reference["x"] += cycle * np.sin(2 * np.pi * reference["ts"].dt.hour / 24)
    reference.to_parquet(folder / "reference.parquet")
    production.to_parquet(folder / "production.parquet")
    content = {
        "model": "m",
        "task": "regression",
        "columns": {"timestamp": "ts", "id": "prediction_id"},
        "features": {"x": "numeric"},
        "window": "1h",
        "detectors": [{"kind": "kolmogorov_smirnov"}, {"kind": "missing"}, {"kind": "error_rate"}],
    }
    (folder / "m.yaml").write_text(yaml.safe_dump(content))
    monitor = load_monitor(folder / "m.yaml")
    found = analyze(monitor, folder / "reference.parquet", folder / "production.parquet")
    return [line.public() for line in found]


def of_x(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in found if line["signal"] == "drift.univariate" and line["subject"] == "x"]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_change_too_small_for_an_hour_is_told_by_the_day(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    drift = of_x(lines(tmp_path, stream(4, rng, shift=0.15), rng))
    first = next(place for place, line in enumerate(drift) if line["verdict"] == "breach")
    assert first % 24 == 23, "when a day is over"
    told = drift[first]
    assert told["alert"]
    assert told["diagnosis"].startswith("over 1d: median")
    assert told["value"] > told["threshold"] * 0.5
    assert all(line["verdict"] == "breach" for line in drift[first:]), "until a day is unremarkable"
    assert sum(line["alert"] for line in drift) == 1


def test_healthy_days_are_not_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    found = lines(tmp_path, stream(10, rng), rng)
    assert not [line for line in found if line["verdict"] == "breach"]


def test_trouble_that_windows_told_is_not_told_again_by_the_day(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    healthy = stream(3, rng)
    hours = (healthy["ts"].dt.day == 2) & healthy["ts"].dt.hour.between(3, 9)
    healthy.loc[hours, "x"] += 3.0
    drift = of_x(lines(tmp_path, healthy, rng))
    broken = [place for place, line in enumerate(drift) if line["verdict"] == "breach"]
    assert broken == list(range(24 + 3, 24 + 10))
    assert sum(line["alert"] for line in drift) == 1


def test_hours_of_other_trouble_do_not_make_a_day_unlike_others(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    healthy = stream(3, rng)
    cycle = 2 * np.sin(2 * np.pi * healthy["ts"].dt.hour / 24)
    healthy["x"] += cycle
    failing = (healthy["ts"].dt.day == 2) & healthy["ts"].dt.hour.between(0, 9)
    healthy["status"] = np.where(failing, 500, 200)
    found = lines(tmp_path, healthy, rng, cycle=2.0)
    broken = {line["signal"] for line in found if line["verdict"] == "breach"}
    assert broken == {"requests.errors"}


def test_a_deployment_is_a_new_beginning(workplace: Any) -> None:
    rng = np.random.default_rng(5)
    table = stream(REFERENCE_DAYS, rng, first=START - REFERENCE_DAYS * 24 * HOUR)
    loop = Loop(
        workplace,
        table,
        task="regression",
        features={"x": "numeric"},
        segments=[],
        slos=[],
        detectors=[{"kind": "kolmogorov_smirnov"}],
    )
    production = stream(3, rng, shift=0.2)
    events = [
        {
            "kind": "prediction",
            "model": "m",
            "id": row["prediction_id"],
            "timestamp": row["ts"].timestamp(),
            "features": {"x": row["x"]},
            "prediction": row["prediction"],
        }
        for row in production.to_dict("records")
    ]
    release = START + 26 * HOUR
    loop.take([event for event in events if event["timestamp"] < release])
    loop.advance()
    assert loop.judged("drift.univariate")[23] == "breach"
    deployment = {"kind": "deployment", "model": "m", "version": "v2", "timestamp": float(release)}
    loop.take([deployment, *(event for event in events if event["timestamp"] >= release)])
    loop.advance()
    after = loop.judged("drift.univariate")[27:40]
    assert "ok" in after, "what the day before said is over"


def test_the_memory_of_spans_is_kept_and_older_ones_can_be_read() -> None:
    stored = Trackers(told={"drift.univariate|x|": 3}, deployed=5).to_json()
    assert Trackers.from_json(stored).to_json() == stored
    for name in ("spans", "told", "deployed"):
        del stored[name]
    assert Trackers.from_json(stored) == Trackers()
    assert Trackers.from_json(stored | {"told": [3]}) == Trackers()
