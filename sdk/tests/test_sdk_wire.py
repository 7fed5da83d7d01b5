"""What an event looks like on the wire."""

import datetime as dt
import decimal
import enum
import json
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelwatch_sdk import Monitor
from modelwatch_sdk.testing import FakeCollector
from modelwatch_sdk.wire import Label, Prediction, WireError, encode

UTC = dt.timezone.utc


class Colour(enum.Enum):
    RED = "red"


def one_feature(value: Any) -> Any:
    event = Prediction("m", None, "1", 0.0, {"x": value}, 1, None, None, None, None)
    return json.loads(encode(event))["features"]["x"]


def test_all_kinds_as_they_are_sent(collector: FakeCollector) -> None:
    with Monitor("flights", version="v1", endpoint=collector.url) as monitor:
        given = monitor.log(
            {"carrier": "UA", "distance": 733},
            "late",
            score=0.75,
            latency_ms=12.5,
            id="p-1",
            status=200,
            tags={"region": "north"},
            timestamp=1706767200,
        )
        monitor.label("p-1", "on-time", timestamp=dt.datetime(2024, 2, 2, 6, tzinfo=UTC))
        monitor.deployment("v2", by="ci", reason="retrained", timestamp=dt.datetime(2024, 2, 3, 6))  # noqa: DTZ001 - naive is UTC
        monitor.log({}, 1, id="p-2", timestamp=0, version="v3")
    assert given == "p-1"
    assert collector.events == [
        {
            "kind": "prediction",
            "model": "flights",
            "version": "v1",
            "id": "p-1",
            "timestamp": 1706767200.0,
            "features": {"carrier": "UA", "distance": 733},
            "prediction": "late",
            "score": 0.75,
            "latency_ms": 12.5,
            "status": 200,
            "tags": {"region": "north"},
        },
        {"kind": "label", "model": "flights", "id": "p-1", "label": "on-time", "timestamp": 1706853600.0},
        {
            "kind": "deployment",
            "model": "flights",
            "version": "v2",
            "by": "ci",
            "reason": "retrained",
            "timestamp": 1706940000.0,
        },
        {
            "kind": "prediction",
            "model": "flights",
            "version": "v3",
            "id": "p-2",
            "timestamp": 0.0,
            "features": {},
            "prediction": 1,
        },
    ]


def test_defaults_are_an_id_and_now(collector: FakeCollector) -> None:
    before = dt.datetime.now(UTC).timestamp()
    with Monitor("flights", endpoint=collector.url) as monitor:
        ids = [monitor.log({"x": 1}, 0) for _ in range(50)]
    after = dt.datetime.now(UTC).timestamp()
    assert [event["id"] for event in collector.events] == ids
    assert len(set(ids)) == 50
    assert all(uuid.UUID(hex=each).version == 4 and uuid.UUID(hex=each).hex == each for each in ids)
    assert all(before <= event["timestamp"] <= after for event in collector.events)
    assert "version" not in collector.events[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(7), 7),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.array([3]), [3]),
        (np.datetime64("2024-02-01T06:00:00.123456789"), "2024-02-01T06:00:00.123456+00:00"),
        (np.timedelta64(1500, "ms"), 1.5),
        (pd.Timestamp("2024-02-01"), "2024-02-01T00:00:00+00:00"),
        (decimal.Decimal("1.5"), 1.5),
        (dt.datetime(2024, 2, 1, 6, tzinfo=UTC), "2024-02-01T06:00:00+00:00"),
        (dt.date(2024, 2, 1), "2024-02-01"),
        (dt.timedelta(minutes=1), 60.0),
        (Colour.RED, "red"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ((1, [2.5, {"k": float("inf")}]), [1, [2.5, {"k": None}]]),
        ("naïve \ud800", "naïve \ud800"),
    ],
)
def test_values_become_json(value: Any, expected: Any) -> None:
    assert one_feature(value) == expected


@pytest.mark.parametrize(
    "missing",
    [
        None,
        float("nan"),
        float("inf"),
        -float("inf"),
        np.float32("nan"),
        np.float64("inf"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT", "ns"),
        decimal.Decimal("NaN"),
    ],
)
def test_missing_features_are_null_and_missing_fields_absent(missing: Any) -> None:
    assert one_feature(missing) is None
    row = json.loads(encode(Label("m", "1", missing, 0.0)))
    assert "label" not in row


def test_odd_names_of_features_become_text() -> None:
    event = Prediction("m", None, "1", 0.0, {1: 1, np.int64(2): 2, None: 3}, 1, None, None, None, None)
    assert set(json.loads(encode(event))["features"]) in ({"1", "2", "None"}, {"1", "2", "null"})


@pytest.mark.parametrize("value", [object(), b"bytes", 1j, {1, 2}, 10**5000], ids=type)
def test_a_value_without_a_form_is_named(value: Any) -> None:
    with pytest.raises(WireError, match=r"features\['x'\]|event"):
        one_feature(value)


@pytest.mark.parametrize("timestamp", ["2024-02-01", True, float("nan"), object(), [1]], ids=type)
def test_a_timestamp_that_is_none_is_refused(timestamp: Any) -> None:
    with pytest.raises(WireError, match="timestamp"):
        encode(Label("m", "1", 1, timestamp))


@pytest.mark.parametrize(
    "timestamp",
    [60, 60.0, np.int64(60), np.float32(60), decimal.Decimal(60), np.datetime64(60, "s")],
    ids=repr,
)
def test_timestamps_of_all_kinds(timestamp: Any) -> None:
    assert json.loads(encode(Label("m", "1", 1, timestamp)))["timestamp"] == 60.0


def test_the_app_may_change_its_dictionary_afterwards(collector: FakeCollector) -> None:
    features, tags = {"x": 1}, {"region": "north"}
    with Monitor("flights", endpoint=collector.url, flush_interval=0.2) as monitor:
        monitor.log(features, 0, tags=tags)
        features["x"] = 2
        tags.clear()
    assert collector.events[0]["features"] == {"x": 1}
    assert collector.events[0]["tags"] == {"region": "north"}


def test_probabilities_by_class(collector: FakeCollector) -> None:
    with Monitor("animals", endpoint=collector.url) as monitor:
        monitor.log({}, scores={"cat": 0.75, "dog": np.float64(0.25)}, id="a", timestamp=0)
        monitor.log({}, "3", scores={3: 0.5, np.int64(4): float("nan")}, id="b", timestamp=0)
    first, second = collector.events
    assert "prediction" not in first
    assert first["scores"] == {"cat": 0.75, "dog": 0.25}
    assert (second["prediction"], second["scores"]) == ("3", {"3": 0.5, "4": None})


def test_ranked_lists(collector: FakeCollector) -> None:
    with Monitor("search", endpoint=collector.url) as monitor:
        monitor.log({}, prediction=["a", 2], id="q", timestamp=0)
        monitor.label("q", np.array([0, 1]))
    assert [event.get("prediction", event.get("label")) for event in collector.events] == [["a", 2], [0, 1]]
