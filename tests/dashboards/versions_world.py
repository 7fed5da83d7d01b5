"""A model with two versions that serve side by side: v2 is worse at telling, and fails more often."""

from __future__ import annotations

from typing import Any

import numpy as np

from collector.delivery import Delivery
from collector.schema import Schema
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from modelwatch import schema as tables

HOUR = 3600
START = 1_714_521_600  # 2024-05-01
WINDOWS, ROWS = 24, 400
CANARY = 8  # the window in which the canary begins
SCHEMA = Schema.model_validate(
    {
        "model": "fraud",
        "task": "binary",
        "features": {"x": "numeric"},
        "segments": ["region"],
        "sample": {"rows": 0},
        "log": "none",
    }
)


def build(database: Database, *, worse: bool = True, labels: bool = True) -> None:
    """Fill an empty database: v1 alone, then v1 and v2, each for half of the rows."""
    tables.upgrade(database)
    ledger = Ledger(database, {"fraud": SCHEMA})
    for window in range(WINDOWS):
        events = _window(window, worse=worse, labels=labels)
        batch = Validator({"fraud": SCHEMA}).batch(events, None, None)
        ledger.commit(Delivery("http", batch, f"window-{window}"), (START + WINDOWS * HOUR) * 1_000_000)


def _window(window: int, *, worse: bool, labels: bool) -> list[dict[str, Any]]:
    random = np.random.default_rng(window)
    truth = random.random(ROWS) < 0.4
    noise = random.normal(0, 0.15, ROWS)
    time, events = START + window * HOUR, list[dict[str, Any]]()
    if window in (0, CANARY):
        released = {"kind": "deployment", "model": "fraud", "timestamp": time + 1, "by": "ci"}
        events.append(released | {"version": "v2" if window else "v1", "reason": "nightly <b>build</b>"})
    for row in range(ROWS):
        canary = window >= CANARY and row % 2 == 0
        blunt = 0.1 if canary and worse else 0.3
        fails = canary and worse and row % 20 == 0
        score = float(np.clip(0.35 + blunt * truth[row] + noise[row], 0.01, 0.99))
        id_ = f"{window}-{row}"
        events.append(
            {
                "kind": "prediction",
                "model": "fraud",
                "id": id_,
                "timestamp": time + row,
                "version": "v2" if canary else "v1",
                "features": {"x": float(noise[row])},
                "tags": {"region": "north" if row % 4 < 2 else "south"},
                "score": score,
                "latency_ms": 20.0 + row % 17,
                "status": 500 if fails else 200,
            }
        )
        if labels:
            known = {"kind": "label", "model": "fraud", "id": id_, "timestamp": time + row + 60}
            events.append(known | {"label": int(truth[row])})
    return events
