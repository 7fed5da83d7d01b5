"""The same traffic as events, as Parquet files, and as the monitor that describes both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from collector.summarize import Key
from modelwatch.analyze import analyze
from modelwatch.monitor import Monitor, load_monitor
from profiles import Profile

START = 1_704_067_200  # 2024-01-01T00:00:00Z
HOUR = 3600
CONFIG: dict[str, Any] = {
    "model": "m",
    "task": "binary",
    "columns": {"timestamp": "ts", "id": "prediction_id", "label_time": "label_ts"},
    "features": {
        "x": "numeric",
        "c": "categorical",
        "e": {"kind": "embedding", "columns": ["e0", "e1"]},
    },
    "segments": ["region"],
    "window": "1h",
    "slos": [
        {"name": "availability", "sli": "availability", "target": "99%", "period": "7d"},
        {"name": "fast", "sli": "latency < 60ms", "target": "90%", "period": "7d"},
        {"name": "good", "sli": "roc_auc >= 0.6", "period": "7d"},
    ],
}


def traffic(
    windows: int, rows: int = 120, *, seed: int = 0, bad_from: int | None = None, first: int = START
) -> pd.DataFrame:
    """Predictions and their labels, some windows long; from `bad_from` on everything is worse."""
    rng = np.random.default_rng(seed)
    n = windows * rows
    seconds = np.sort(rng.uniform(0, windows * HOUR, n)).round(3)
    bad = seconds >= (windows if bad_from is None else bad_from) * HOUR
    x, noise = rng.normal(0, 1, n), rng.random(n)
    score = 1 / (1 + np.exp(-2 * x))
    label = (noise < score).astype(int)
    label = np.where(bad, (rng.random(n) < 0.5).astype(int), label)
    delay = rng.uniform(0.5, 3, n) * HOUR
    made = pd.DataFrame(
        {
            "ts": pd.to_datetime(first + seconds, unit="s", utc=True).astype("datetime64[us, UTC]"),
            "prediction_id": [f"p{seed}-{i}" for i in range(n)],
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": label.astype(float),
            "latency_ms": rng.lognormal(3, 0.3, n) * np.where(bad, 2.5, 1),
            "status": np.where(rng.random(n) < 0.002, 500, 200),
            "version": "v1",
            "x": np.where(bad, 1.8 * x + 0.5, x),
            "c": rng.choice(["a", "b", "d"], n, p=[0.5, 0.3, 0.2]),
            "e0": rng.normal(0, 1, n),
            "e1": rng.normal(0, 1, n),
            "region": rng.choice(["north", "south"], n),
        }
    )
    made["label_ts"] = pd.to_datetime(first + seconds + delay.round(3), unit="s", utc=True).astype(
        "datetime64[us, UTC]"
    )
    unknown = rng.random(n) < 0.1
    made["label"] = made["label"].mask(unknown)
    made["label_ts"] = made["label_ts"].mask(unknown)
    made.loc[rng.random(n) < 0.05, "x"] = np.nan
    made.loc[rng.random(n) < 0.03, "latency_ms"] = np.nan
    return made


def labels_of(table: pd.DataFrame) -> pd.DataFrame:
    """The labels as a table of their own."""
    known = table.dropna(subset=["label"])
    return known[["prediction_id", "label", "label_ts"]].rename(columns={"label_ts": "ts"})


def plain(value: Any) -> Any:
    """A value of a table as JSON has it."""
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value


def events_of(table: pd.DataFrame, model: str = "m") -> list[dict[str, Any]]:
    """Predictions and labels as events, in the order in which they happen."""
    made = []
    for row in table.to_dict("records"):
        made.append(
            {
                "kind": "prediction",
                "model": model,
                "id": row["prediction_id"],
                "timestamp": row["ts"].timestamp(),
                "features": {"x": plain(row["x"]), "c": row["c"], "e": [plain(row["e0"]), plain(row["e1"])]},
                "tags": {"region": row["region"]},
            }
            | {
                name: plain(row[name])
                for name in ("prediction", "score", "latency_ms", "status", "version")
                if plain(row[name]) is not None
            }
        )
        if not np.isnan(row["label"]):
            made.append(
                {
                    "kind": "label",
                    "model": model,
                    "id": row["prediction_id"],
                    "label": int(row["label"]),
                    "timestamp": row["label_ts"].timestamp(),
                }
            )
    return sorted(made, key=lambda event: event["timestamp"])


@dataclass
class Workplace:
    """A folder with a monitor file and data."""

    folder: Path

    def monitor(self, **changes: Any) -> Monitor:
        """Write a monitor file and load it; a change to None takes a setting out."""
        merged = {name: value for name, value in (CONFIG | changes).items() if value is not None}
        path = self.folder / "monitor.yaml"
        path.write_text(yaml.safe_dump(merged), encoding="utf-8")
        return load_monitor(path)

    def file(self, name: str, table: pd.DataFrame) -> Path:
        """Write a Parquet file."""
        path = self.folder / f"{name}.parquet"
        table.to_parquet(path, index=False)
        return path

    def lines(
        self,
        reference: pd.DataFrame | None,
        production: pd.DataFrame,
        labels: pd.DataFrame | None = None,
        monitor: Monitor | None = None,
    ) -> list[dict[str, Any]]:
        """What `modelwatch analyze` says of some tables."""
        files = [
            None if table is None else self.file(name, table)
            for name, table in (("reference", reference), ("production", production), ("labels", labels))
        ]
        assert files[1] is not None
        found = analyze(monitor or self.monitor(), files[0], files[1], files[2])
        return [json.loads(json.dumps(line.public(), allow_nan=False)) for line in found]


def alike(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    """Whether two analyses say the same: numbers within the rounding of sums."""
    if len(one) != len(other):
        return False
    return all(
        a.keys() == b.keys() and all(close(a[name], b[name]) for name in a)
        for a, b in zip(sorted(one, key=order), sorted(other, key=order), strict=True)
    )


def close(a: Any, b: Any) -> bool:
    """Whether two values are the same, numbers within the rounding of sums."""
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-9, atol=1e-9))
    return bool(a == b)


def order(line: dict[str, Any]) -> tuple[str, ...]:
    """Sorts lines."""
    return tuple(str(line[name]) for name in ("window_start", "signal", "subject", "segment"))


def of_signal(
    lines: list[dict[str, Any]], signal: str, segment: str | None = None
) -> Iterator[dict[str, Any]]:
    """The lines of one signal."""
    return (line for line in lines if line["signal"] == signal and line["segment"] == segment)


def same(one: dict[Key, Profile], other: dict[Key, Profile]) -> bool:
    """Whether two databases hold the same profiles."""
    return one.keys() == other.keys() and all(one[key].same_counts(other[key]) for key in one)
