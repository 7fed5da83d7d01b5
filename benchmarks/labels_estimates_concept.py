"""Real concept drift through `modelwatch analyze`: what estimates say, and what their check says."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from collector.window import iso
from modelwatch.analyze import analyze
from modelwatch.monitor import Monitor

DAY = 86_400
START = 1_704_067_200
REFERENCE, PRODUCTION, SINCE = 28, 28, 14  # days; from day `SINCE` on labels have little to do with scores
MONITOR = {
    "model": "drifting",
    "task": "binary",
    "columns": {"timestamp": "ts", "id": "id", "label_time": "known"},
    "features": {"x": "numeric"},
    "window": "1d",
}


def days(count: int, rows: int, first: int, since: int | None, seed: int) -> pd.DataFrame:
    """Predictions of some days; labels come a day and a half later."""
    rng = np.random.default_rng(seed)
    seconds = np.sort(rng.uniform(0, count * DAY, count * rows))
    x = rng.normal(size=seconds.size)
    slope = np.where(seconds >= (count if since is None else since) * DAY, 0.3, 1.6)
    times: Any = pd.to_datetime(first + seconds, unit="s", utc=True).astype("datetime64[us, UTC]")
    score = special.expit(2 * x)
    made = {
        "ts": times,
        "id": [f"{seed}-{place}" for place in range(seconds.size)],
        "score": score,
        "prediction": (score > 1 / 2).astype(int),
        "label": (rng.random(seconds.size) < special.expit(slope * x)).astype(float),
        "known": times + pd.Timedelta(hours=36),
        "x": x,
    }
    return pd.DataFrame(made)


def concept(*, quick: bool) -> dict[str, Any]:
    """Verdicts on the estimated ROC AUC before and after the drift, and when the labels told of it."""
    rows = 300 if quick else 1000
    with tempfile.TemporaryDirectory() as held:
        reference, production = (Path(held) / f"{name}.parquet" for name in ("reference", "production"))
        days(REFERENCE, rows, START - REFERENCE * DAY, None, 1).to_parquet(reference, index=False)
        days(PRODUCTION, rows, START, SINCE, 2).to_parquet(production, index=False)
        lines = list(analyze(Monitor.model_validate(MONITOR), reference, production))
    drift = (START + SINCE * DAY) * 1_000_000
    estimates = [one for one in lines if one.signal == "performance.estimated.roc_auc"]
    errors = [one for one in lines if one.signal == "performance.estimation_error.roc_auc"]
    told = [one for one in errors if one.verdict == "breach"]
    return {
        "before": Counter(one.verdict.value for one in estimates if one.start < drift),
        "after": Counter(one.verdict.value for one in estimates if one.start >= drift),
        "false": sum(one.start < drift for one in told),
        "windows_in_breach": [sum(one.start >= drift for one in told), PRODUCTION - SINCE],
        "told_at": iso(told[0].known_at) if told else None,
        "drift_at": iso(drift),
        "says": told[0].diagnosis if told else None,
    }


def report(found: dict[str, Any]) -> None:
    """Print what was said."""
    print(f"Concept drift at {found['drift_at']}, labels 36 hours late: verdicts on the estimated ROC AUC")
    for name in ("before", "after"):
        print(f"  {name:7}" + ", ".join(f"{count} {verdict}" for verdict, count in found[name].items()))
    breaches, windows = found["windows_in_breach"]
    print(
        f"  the estimation error is in breach in {breaches} of {windows} windows, and {found['false']} before"
    )
    print(f"  told at {found['told_at']}: {found['says']}")
