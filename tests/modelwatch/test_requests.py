"""Requests from files and the wire: endpoint and environment as segments, failures judged and explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from collector.fit import fit_shape
from collector.schema import Schema
from collector.summarize import summarize
from collector.validation.validate import Validator
from profiles import Profile
from tests.modelwatch.flows import CONFIG, HOUR, START, Workplace, traffic

FROM = 14  # the hour in which something happens
DETECTORS = [
    {"kind": "latency_quantile", "percentile": 99},
    {"kind": "latency_quantile", "percentile": 50},
    {"kind": "error_rate"},
]
Table = pd.DataFrame


def served(windows: int, seed: int, **more: Any) -> Table:
    """Traffic that all went well, by environment."""
    made = traffic(windows, 600, seed=seed, bad_from=99, **more)
    made["status"] = 200
    made["environment"] = np.random.default_rng(seed).choice(["eu", "us"], len(made))
    return made


@pytest.fixture(scope="module")
def known() -> Table:
    return served(24, 1, first=START - 100 * HOUR)


def happened(change: Callable[[Table, Any], Any]) -> Table:
    """Seventeen hours, in which from one on some rows take twice as long, and one in ten of them fails."""
    now = served(17, 2)
    late = (now["ts"] - pd.Timestamp(START, unit="s", tz="UTC")).dt.total_seconds() / HOUR >= FROM
    now.loc[late & (np.arange(len(now)) % 2 == 0), "version"] = "v2"
    hit = change(now, late)
    now.loc[hit, "latency_ms"] *= 2
    now.loc[hit & (np.arange(len(now)) % 10 < 2), "status"] = 503
    return now


def judged(workplace: Workplace, known: Table, now: Table) -> list[dict[str, Any]]:
    segments = ["region", "environment"]
    return workplace.lines(known, now, monitor=workplace.monitor(detectors=DETECTORS, segments=segments))


def begun(lines: list[dict[str, Any]], signal: str) -> dict[str, Any]:
    """The first line in breach of all rows."""
    own = [one for one in lines if one["signal"] == signal and one["segment"] is None]
    return next(one for one in own if one["verdict"] == "breach")


WORLDS: dict[str, tuple[Callable[[Table, Any], Any], str]] = {
    "release": (lambda now, _: now["version"] == "v2", "v1 did not change ("),
    "stack": (lambda _, late: late, "in all versions and segments alike: look at the stack"),
    "environment": (
        lambda now, late: late & (now["environment"] == "eu"),
        "environment=us did not change (",
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_a_breach_says_what_it_comes_with(workplace: Workplace, known: Table, name: str) -> None:
    change, expected = WORLDS[name]
    lines = judged(workplace, known, happened(change))
    for signal in ("latency.p99", "latency.p50", "requests.errors"):
        line = begun(lines, signal)
        assert line["window_start"].startswith(f"2024-01-01T{FROM}")
        assert expected in line["diagnosis"], line
        assert line["lower"] <= line["value"] <= line["upper"]
    assert "failures: server error 0 % -> " in begun(lines, "requests.errors")["diagnosis"]
    assert "slower: p50 " in begun(lines, "latency.p50")["diagnosis"]


def test_what_no_status_tells_is_not_judged(workplace: Workplace, known: Table) -> None:
    silent = known.drop(columns="status")
    lines = judged(workplace, silent, served(6, 3).drop(columns="status"))
    assert {"latency.p50"} == {
        one["signal"] for one in lines if one["signal"].startswith(("latency.p5", "req"))
    }


def schema_of(segments: list[str]) -> Schema:
    held = {key: CONFIG[key] for key in ("model", "task", "window")}
    return Schema.model_validate(held | {"features": {"x": "numeric"}, "segments": segments})


def profiles_of(rows: list[dict[str, Any]], schema: Schema) -> dict[Any, Profile]:
    batch = Validator({"m": schema}).batch(rows, None, None)
    assert not batch.rejections
    (read,) = batch.predictions["m"]
    return summarize(read, schema, fit_shape(schema, read))


def test_endpoint_and_environment_are_segments_as_tags_or_features() -> None:
    schema = schema_of(["endpoint", "environment"])
    held = [
        {"kind": "prediction", "model": "m", "id": str(n), "timestamp": START + n, "score": 0.5}
        | {"features": {"x": 1.0}, "latency_ms": float(n), "status": (200, 429, "timeout")[n % 3]}
        for n in range(60)
    ]
    words = [{"endpoint": f"/{n % 2}", "environment": ("eu", "us", "asia")[n % 3]} for n in range(60)]
    tagged = profiles_of([one | {"tags": word} for one, word in zip(held, words, strict=True)], schema)
    inside = profiles_of(
        [one | {"features": {"x": 1.0} | word} for one, word in zip(held, words, strict=True)], schema
    )
    assert set(tagged) == set(inside)
    assert {key.segment for key in tagged} == {
        *("", "endpoint=/0", "endpoint=/1", "environment=eu", "environment=us", "environment=asia")
    }
    for key, profile in tagged.items():
        assert profile.same_counts(inside[key])
    requests = {key.segment: one.parts["latency"] for key, one in tagged.items()}
    assert (requests["environment=us"].requests, requests["environment=us"].errors) == (20, 20)
    assert (requests["endpoint=/0"].requests, requests[""].errors) == (30, 40)


def test_the_version_is_a_segment_by_its_name(workplace: Workplace, known: Table) -> None:
    """On the wire and in files; one that the reference does not have is counted, and judged with all."""
    now = served(4, 4)
    now.loc[np.arange(len(now)) % 3 == 0, "version"] = "v9"
    monitor = workplace.monitor(detectors=DETECTORS, segments=["version"])
    lines = workplace.lines(known, now, monitor=monitor)
    assert {one["segment"] for one in lines if one["signal"] == "latency.p50"} == {None, "version=v1"}
    judged = [one for one in lines if (one["signal"], one["segment"]) == ("requests.errors", "version=v1")]
    assert [one["verdict"] for one in judged] == ["ok"] * 4
    schema = schema_of(["version"])
    rows = [
        {"kind": "prediction", "model": "m", "id": str(n), "timestamp": START + n, "score": 0.5}
        | {"features": {"x": 1.0}, "latency_ms": 5.0, "version": f"v{n % 3}", "tags": {"version": "tagged"}}
        for n in range(30)
    ]
    found = profiles_of(rows, schema)
    assert {key.segment for key in found} == {"", "version=v0", "version=v1", "version=v2"}
    for key, profile in found.items():
        whole = next(
            one for other, one in found.items() if (other.version, other.segment) == (key.version, "")
        )
        assert profile.rows == whole.rows == 10
