"""A slice that nobody declared grows: over files it is found, named and told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from modelwatch.analyze import analyze
from modelwatch.monitor import Monitor

START, HOUR = 1_714_521_600_000_000, 3_600_000_000
ROWS, CHANGED = 600, 6


def monitor() -> Monitor:
    return Monitor.model_validate(
        {
            "model": "m",
            "task": "regression",
            "columns": {"id": "id", "timestamp": "ts"},
            "features": {"temp": "numeric", "wind": "numeric", "carrier": "categorical"},
            "window": "1h",
            "sample": {"rows": 500},
            "detectors": [{"kind": "worst_slice"}],
        }
    )


def written(path: Path, hours: range) -> Path:
    """A file of some hours; from `CHANGED` on a carrier flies when it is warm, four times as often."""
    rng = np.random.default_rng(hours.start % 97)
    parts = []
    for hour in hours:
        columns: dict[str, Any] = {
            "temp": rng.normal(size=20 * ROWS),
            "wind": rng.normal(size=20 * ROWS),
            "carrier": rng.choice(["UA", "DL", "AA"], 20 * ROWS, p=[0.4, 0.4, 0.2]),
        }
        inside = (columns["temp"] > 0.6745) & (columns["carrier"] == "UA")
        count = rng.binomial(ROWS, 0.4 if hour >= CHANGED else 0.1)
        places = [*np.flatnonzero(inside)[:count], *np.flatnonzero(~inside)[: ROWS - count]]
        moments = START + hour * HOUR + np.sort(rng.integers(0, HOUR, ROWS))
        parts.append(
            pa.table(
                {name: column[places] for name, column in columns.items()}
                | {
                    "ts": pa.array(moments, pa.timestamp("us")),
                    "id": [f"{hour}-{row}" for row in range(ROWS)],
                    "prediction": rng.normal(size=ROWS),
                }
            )
        )
    pq.write_table(pa.concat_tables(parts), path)
    return path


def test_a_slice_that_grows_is_an_alarm_that_names_it(tmp_path: Path) -> None:
    reference = written(tmp_path / "reference.parquet", range(-20, 0))
    production = written(tmp_path / "production.parquet", range(CHANGED + 3))
    found = [line for line in analyze(monitor(), reference, production) if line.signal == "drift.slice"]
    assert [line.start for line in found] == [START + hour * HOUR for hour in range(CHANGED + 3)]
    assert {line.verdict for line in found[:CHANGED]} == {"ok"}
    first = next(line for line in found if line.verdict == "breach")
    assert first.start <= START + (CHANGED + 1) * HOUR
    assert "carrier = UA and temp > 0." in (first.diagnosis or "")
    assert "% of the rows (before" in (first.diagnosis or "")
    assert "since" not in (first.diagnosis or ""), "the slices of other windows are others"
    assert [line.alert for line in found].count(True) == 1
