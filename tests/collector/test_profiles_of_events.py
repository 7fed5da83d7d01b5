"""The profiles against the same sums computed directly from the events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.summarize import AT_PREDICTION, EVERYTHING
from profiles import Profile
from tests.collector.collecting import (
    NUMBERS,
    T0,
    commit,
    counted,
    fix_shape,
    label,
    prediction,
)


def events() -> list[dict[str, Any]]:
    """300 predictions in two versions, some values missing, and labels of two thirds of them."""
    made = [
        prediction(n, version="v1" if n < 200 else "v2", status=500 if n % 50 == 0 else 200)
        for n in range(300)
    ]
    for n in range(0, 300, 7):
        made[n]["features"] = made[n]["features"] | {"x": None}
    for n in range(0, 300, 11):
        made[n] |= {"latency_ms": None, "status": None}
    return made + [label(n) for n in range(300) if n % 3]


def flat() -> pd.DataFrame:
    """The predictions as a table, with the label beside."""
    rows = [event for event in events() if event["kind"] == "prediction"]
    frame = pd.json_normalize(rows)
    labels = {event["id"]: event["label"] for event in events() if event["kind"] == "label"}
    frame["label"] = frame["id"].map(labels)
    frame["start"] = ((frame["timestamp"] // 3600) * 3600 * 1e6).astype("int64")
    frame["features.x"] = frame["features.x"].astype(float)
    return frame


@pytest.fixture
def held(database: Database, ledger: Ledger) -> dict[Any, Profile]:
    commit(ledger, events(), "all")
    return counted(database)


def of(held: dict[Any, Profile], segment: str, *, joined: bool) -> dict[tuple[str, int], Profile]:
    found: dict[tuple[str, int], Profile] = {}
    for key, profile in held.items():
        if key.segment == segment and (key.known > AT_PREDICTION) is joined:
            at = (key.version, key.start)
            found[at] = found.get(at, Profile()) + profile
    return found


@pytest.mark.parametrize("segment", [EVERYTHING, "region=n", "region=s"])
def test_traffic_is_what_pandas_counts(held: dict[Any, Profile], segment: str) -> None:
    frame = flat()
    if segment:
        frame = frame[frame["tags.region"] == segment[-1]]
    groups = dict(list(frame.groupby(["version", "start"])))
    found = of(held, segment, joined=False)
    assert found.keys() == groups.keys()
    for at, profile in found.items():
        rows, parts = groups[at], profile.parts
        x, latency = rows["features.x"], rows["latency_ms"].astype(float)
        assert profile.rows == len(rows)
        assert (parts["features.x"].count, parts["features.x"].nulls) == (x.count(), x.isna().sum())
        assert parts["features.x"].mean() == pytest.approx(x.mean())
        assert (parts["features.x"].low, parts["features.x"].high) == (x.min(), x.max())
        words = rows["features.c"].value_counts()
        assert parts["features.c"].counts.at(np.arange(3)).tolist() == words.reindex(list("abc")).tolist()
        assert parts["features.c"].count == len(rows)
        assert parts["features.e"].count == len(rows)
        assert parts["score"].mean() == pytest.approx(rows["score"].astype(float).mean())
        assert parts["latency"].counts.total == latency.count()
        status = rows["status"].dropna()
        assert (parts["latency"].requests, parts["latency"].errors) == (len(status), (status >= 400).sum())


def test_joined_labels_are_what_pandas_counts(held: dict[Any, Profile]) -> None:
    frame = flat().dropna(subset=["label"])
    groups = dict(list(frame.groupby(["version", "start"])))
    found = of(held, EVERYTHING, joined=True)
    assert found.keys() == groups.keys()
    for at, profile in found.items():
        rows = groups[at]
        predicted, label = rows["score"].astype(float) >= 0.5, rows["label"] > 0
        cells = np.bincount(2 * predicted + label, minlength=4)
        assert profile.parts["performance"].confusion.tolist() == cells.tolist()


def test_a_regressions_errors_are_what_numpy_sums(database: Database) -> None:
    fix_shape(database, NUMBERS)
    ledger = Ledger(database, {"r": NUMBERS})
    rng = np.random.default_rng(0)
    predicted, actual = rng.normal(10, 3, 100), rng.normal(10, 3, 100)
    made = [
        prediction(n, model="r", score=None, timestamp=T0 + n, prediction=predicted[n]) for n in range(100)
    ]
    made += [label(n, model="r", label=actual[n]) for n in range(100)]
    commit(ledger, made, "all")
    (outcomes,) = of(counted(database, "r"), EVERYTHING, joined=True).values()
    part, error = outcomes.parts["performance"], predicted - actual
    assert part.count == 100
    assert part.absolute == pytest.approx(np.abs(error).sum())
    assert part.squared == pytest.approx((error**2).sum())
