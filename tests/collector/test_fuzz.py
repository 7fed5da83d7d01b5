"""Whatever is sent, nothing is a server error, and the books balance."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.collector.collecting import T0, balanced
from tests.collector.serving import Collector

PATHS = ["/v1/predictions", "/v1/labels", "/v1/deployments", "/v1/events"]
FUZZ = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["m", "k", "r", "other", "NaN", "2024-05-01", "\x1f", "\x00", "|", "a=b", T0, 10**400])
)
JSON = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
FIELDS = (
    "kind", "model", "version", "id", "timestamp", "features", "tags", "prediction", "score", "latency_ms",
    "status", "label", "by", "reason", "predictions", "labels", "deployments", "events",
)  # fmt: skip
NEARLY = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(FIELDS, JSON)
    | {
        "kind": st.sampled_from(["prediction", "label", "deployment"]) | JSON,
        "model": st.sampled_from(["m", "k", "r", "other"]) | JSON,
        "id": st.text(min_size=1, max_size=3) | JSON,
        "timestamp": st.floats(T0, T0 + 1e6) | JSON,
        "features": st.fixed_dictionaries({}, optional={"x": JSON, "c": JSON, "e": JSON}) | JSON,
        "score": st.floats(0, 1) | JSON,
        "label": st.sampled_from([0, 1, "a"]) | JSON,
    },
)


def send(collector: Collector, path: str, body: bytes, kind: str) -> None:
    response = collector.post(path, body, kind)
    assert 200 <= response.status_code < 500, (body, response.text)
    receipt = response.json()
    if "received" in receipt:
        assert receipt["received"] == receipt["accepted"] + receipt["duplicate"] + receipt["rejected"]
    assert balanced(collector.database)


@FUZZ
@given(path=st.sampled_from(PATHS), body=JSON | st.lists(NEARLY, max_size=6))
def test_any_json_value_as_a_body(collector: Collector, path: str, body: Any) -> None:
    send(collector, path, json.dumps(body).encode(), "application/json")


@FUZZ
@given(path=st.sampled_from(PATHS), events=st.lists(NEARLY | JSON, min_size=1, max_size=8))
def test_any_json_value_as_a_line(collector: Collector, path: str, events: list[Any]) -> None:
    send(collector, path, "\n".join(map(json.dumps, events)).encode(), "application/x-ndjson")


@FUZZ
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=300), kind=st.booleans())
def test_any_bytes_as_a_body(collector: Collector, path: str, body: bytes, kind: bool) -> None:
    send(collector, path, body, "application/x-ndjson" if kind else "application/json")


@FUZZ
@given(kind=st.text(max_size=20), key=st.text(max_size=30))
def test_any_header(collector: Collector, kind: str, key: str) -> None:
    headers = {b"Content-Type": kind.encode(errors="ignore"), b"Idempotency-Key": key.encode(errors="ignore")}
    if any(byte <= 32 or byte == 127 for value in headers.values() for byte in value):
        return  # httpx sends no such header
    response = collector.client.post("/v1/events", content=b"[]", headers=headers)
    assert response.status_code < 500


@pytest.mark.parametrize("model", ["m", "k", "r"])
@FUZZ
@given(values=st.lists(LEAF, min_size=1, max_size=5))
def test_any_values_in_a_plausible_event(collector: Collector, model: str, values: list[Any]) -> None:
    events = [
        {"kind": kind, "model": model, "id": str(n), "timestamp": T0 + n, field: value}
        for n, value in enumerate(values)
        for kind in ("prediction", "label")
        for field in ("prediction", "label", "score", "version", "status")
    ]
    send(collector, "/v1/events", json.dumps(events).encode(), "application/json")
