"""Bad rows: each is told by field, value and fix, and kept; the good rows of the same batch are accepted."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from collector.validation.sheet import RAW_KEPT
from tests.collector.collecting import T0, balanced, book, deployment, label, prediction, rejected
from tests.collector.serving import Collector

NAN, BIG = float("nan"), 10**400
LINES = "application/x-ndjson"
BAD: list[tuple[dict[str, Any], str, str]] = [
    (prediction(1, model="nobody"), "model", "no such model"),
    (prediction(1, model=None), "model", "no such model"),
    (prediction(1, model=["m"]), "model", "no such model"),
    (prediction(1, id=None), "id", "missing"),
    (prediction(1, id=""), "id", "missing"),
    (prediction(1, id={"a": 1}), "id", "got an object"),
    (prediction(1, id=NAN), "id", "not a category"),
    (prediction(1, id="i" * 1001), "id", "1001 characters"),
    (prediction(1, features={"x": "1.5"}), "features.x", "expected a number, got a string"),
    (prediction(1, features={"x": True}), "features.x", "expected a number, got a boolean"),
    (prediction(1, features={"x": [1]}), "features.x", "expected a number, got an array"),
    (prediction(1, features={"x": {"y": 1}}), "features.x", "expected a number, got an object"),
    (prediction(1, features={"x": NAN}), "features.x", "nan is not a finite number"),
    (prediction(1, features={"x": float("-inf")}), "features.x", "-inf is not a finite number"),
    (prediction(1, features={"x": BIG}), "features.x", "too large"),
    (prediction(1, features={"c": NAN}), "features.c", "not a category"),
    (prediction(1, features={"c": float("inf")}), "features.c", "not a category"),
    (prediction(1, features={"c": ["a"]}), "features.c", "expected a string, got an array"),
    (prediction(1, features={"c": "c" * 1001}), "features.c", "1001 characters"),
    (prediction(1, features={"e": [1.0]}), "features.e", "expected 2 numbers"),
    (prediction(1, features={"e": [1.0, "2"]}), "features.e", "not finite"),
    (prediction(1, features={"e": [1.0, True]}), "features.e", "not finite"),
    (prediction(1, features={"e": 3}), "features.e", "expected 2 numbers"),
    (prediction(1, features=[1, 2]), "features", "expected an object, got an array"),
    (prediction(1, tags="north"), "tags", "expected an object, got a string"),
    (prediction(1, tags={"region": ["n"]}), "tags.region", "expected a string"),
    (prediction(1, timestamp=None), "timestamp", "missing"),
    (prediction(1, timestamp="yesterday"), "timestamp", "not a time"),
    (prediction(1, timestamp=True), "timestamp", "not a time"),
    (prediction(1, timestamp=NAN), "timestamp", "not a time"),
    (prediction(1, timestamp=[T0]), "timestamp", "not a time"),
    (prediction(1, timestamp=T0 * 1e3), "timestamp", "these are milliseconds"),
    (prediction(1, timestamp=int(T0) * 10**6), "timestamp", "these are microseconds"),
    (prediction(1, timestamp=int(T0) * 10**9), "timestamp", "these are nanoseconds"),
    (prediction(1, timestamp=-1), "timestamp", "out of range"),
    (prediction(1, timestamp=0), "timestamp", "out of range"),
    (prediction(1, timestamp="0001-01-01T00:00:00+14:00"), "timestamp", "out of range"),
    (prediction(1, timestamp=time.time() + 7200), "timestamp", "over an hour ahead"),
    (prediction(1, timestamp="2150-01-01T00:00:00Z"), "timestamp", "over an hour ahead"),
    (prediction(1, score=1.5), "score", "outside 0 to 1"),
    (prediction(1, score="0.5"), "score", "expected a number, got a string"),
    (prediction(1, score=False), "score", "expected a number, got a boolean"),
    (prediction(1, latency_ms=-1), "latency_ms", "outside 0"),
    (prediction(1, latency_ms=[5]), "latency_ms", "expected a number"),
    (prediction(1, status={"code": 200}), "status", "expected a string"),
    (prediction(1, prediction="maybe"), "prediction", "not a class"),
    (prediction(1, prediction=2), "prediction", "not a class"),
    (prediction(1, score=None), "prediction", "missing"),
    (prediction(1, version=["v1"]), "version", "expected a string"),
    (prediction(1, version="v" * 1001), "version", "1001 characters"),
    (label(1, model="nobody"), "model", "no such model"),
    (label(1, id=None), "id", "missing"),
    (label(1, label=None), "label", "missing"),
    (label(1, label="maybe"), "label", "not a class"),
    (label(1, label=NAN), "label", "not a category"),
    (label(1, label=[1]), "label", "expected a string"),
    (label(1, timestamp="soon"), "timestamp", "not a time"),
    (label(1, timestamp=T0 * 1e3), "timestamp", "these are milliseconds"),
    (deployment("", T0), "version", "missing"),
    (deployment("v2", T0, model="nobody"), "model", "no such model"),
    (deployment("v2", T0, by={"name": "ann"}), "by", "expected a string"),
    (deployment("v2", T0, reason=[1]), "reason", "expected a string"),
    (deployment("v2", T0 * 1e3), "timestamp", "these are milliseconds"),
]


def route(event: dict[str, Any]) -> str:
    return f"/v1/{event['kind']}s"


@pytest.mark.parametrize("lines", [False, True], ids=["json", "ndjson"])
@pytest.mark.parametrize(("event", "field", "reason"), BAD, ids=range(len(BAD)))
def test_a_bad_row_is_told_and_kept(
    collector: Collector, event: dict[str, Any], field: str, reason: str, lines: bool
) -> None:
    body = json.dumps(event) if lines else json.dumps([event])
    response = collector.post(route(event), body.encode(), LINES if lines else "application/json")
    assert response.status_code == 422, response.text
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert reason in error["reason"]
    assert error["fix"]
    kept = rejected(collector.database)[-1]
    assert (kept.field, kept.reason, kept.value) == (error["field"], error["reason"], error["value"])
    assert kept.raw == json.dumps(event)[:RAW_KEPT]
    assert balanced(collector.database)


@pytest.mark.parametrize("event", [[], 7, "text", None, True, [[]]], ids=repr)
@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/labels", "/v1/deployments", "/v1/events"])
def test_a_row_that_is_no_object_is_rejected(collector: Collector, event: Any, path: str) -> None:
    response = collector.post(path, [event])
    assert response.status_code == 422
    assert "expected an object" in response.json()["errors"][0]["reason"]


@pytest.mark.parametrize("kind", [None, "predictions", 1, {}, "x" * 5000], ids=range(5))
def test_an_event_of_no_kind_is_rejected(collector: Collector, kind: Any) -> None:
    response = collector.post("/v1/events", [prediction(1, kind=kind)])
    (error,) = response.json()["errors"]
    assert (response.status_code, error["field"]) == (422, "kind")
    assert "prediction, label, deployment" in error["fix"]
    assert len(error["value"]) <= 200


def test_the_good_rows_of_a_mixed_batch_are_accepted(collector: Collector) -> None:
    before = book(collector.database)
    good = [prediction(n) for n in range(10_000, 10_020)]
    mixed = [x for pair in zip(good, [event for event, _, _ in BAD[4:24]], strict=True) for x in pair]
    response = collector.post("/v1/events", mixed)
    assert response.status_code == 200
    receipt = response.json()
    assert (receipt["received"], receipt["accepted"], receipt["rejected"]) == (40, 20, 20)
    assert [error["row"] for error in receipt["errors"]] == list(range(1, 40, 2))
    after = book(collector.database)
    assert [b - a for a, b in zip(before, after, strict=True)] == [40, 20, 0, 20]


def test_one_bad_line_of_ndjson_is_kept_whole_and_the_others_go_on(collector: Collector) -> None:
    lines = [json.dumps(prediction(20_000)).encode(), b'{"id": 1, oops', json.dumps(label(20_000)).encode()]
    lines += [b'{"id": "\xff"}', b'{"id": "\\ud800"}', b"\xc3\x28"]
    response = collector.post("/v1/events", b"\r\n".join(lines), LINES)
    assert response.status_code == 200
    receipt = response.json()
    assert (receipt["accepted"], receipt["rejected"]) == (2, 4)
    assert [error["row"] for error in receipt["errors"]] == [1, 3, 4, 5]
    kept = rejected(collector.database)[-4:]
    assert kept[0].raw.strip() == '{"id": 1, oops'
    assert "surrogate" in kept[2].reason


def test_version_zero_is_a_version(collector: Collector) -> None:
    collector.post("/v1/predictions", [prediction(30_000, version=0)])
    collector.post("/v1/predictions", [prediction(30_001, version="a\x1fb")])
    collector.post("/v1/predictions", [prediction(30_002, version=None)])
    with collector.database.read() as connection:
        versions = set(connection.exec_driver_sql("SELECT DISTINCT version FROM profiles").scalars())
    assert {"0", "a b", "unknown"} <= versions


def test_a_deeply_nested_row_is_rejected_alone(collector: Collector) -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    response = collector.post("/v1/predictions", [prediction(40_000), prediction(40_001, features=deep)])
    assert response.status_code == 200
    assert (response.json()["accepted"], response.json()["rejected"]) == (1, 1)


def test_a_failed_request_needs_no_prediction(collector: Collector) -> None:
    events = [prediction(50_000 + n, score=None, status=status) for n, status in enumerate((500, "503", "e"))]
    assert collector.post("/v1/predictions", events).json()["accepted"] == 3
    spared = [prediction(50_010 + n, score=None, status=status) for n, status in enumerate((201, "ok", "²"))]
    assert collector.post("/v1/predictions", spared).json()["rejected"] == 2
