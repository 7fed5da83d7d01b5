"""One delivery in every format that HTTP takes: the same profiles, receipts and reasons."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.delivery import Delivery
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.arrow import arrow_batch
from collector.validation.decode import BadBodyError, event_of_line
from collector.validation.validate import Validator
from tests.collector.collecting import (
    SCHEMAS,
    book,
    commit,
    counted,
    fix_shape,
    label,
    open_database,
    prediction,
    same,
)
from tests.collector.serving import Collector, collecting

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
STATUSES = (200, 404, 429, 503, 504, 99, None)
EVENTS = [prediction(n, version=f"v{n % 2}", status=STATUSES[n % 7]) for n in range(300)]


@pytest.fixture
def collector(database: Database) -> Iterator[Collector]:
    """A collector for each test: what another sent is no duplicate."""
    with collecting(database, SCHEMAS) as served:
        yield served


def table(events: list[dict[str, Any]], *, nested: bool = False) -> Any:
    """Events as an Arrow record batch: flat, or with a struct column of features."""
    columns = {
        name: pa.array([event.get(name) for event in events])
        for name in ("id", "version", "score", "latency_ms", "status", "label")
        if any(event.get(name) is not None for event in events)
    }
    columns["timestamp"] = pa.array(
        [round(event["timestamp"] * 1e6) for event in events], pa.timestamp("us", "UTC")
    )
    if nested:
        columns["features"] = pa.array([event["features"] for event in events])
    elif "features" in events[0]:
        columns |= {name: pa.array([event["features"][name] for event in events]) for name in ("x", "c", "e")}
    if "tags" in events[0]:
        columns["region"] = pa.array([event["tags"]["region"] for event in events]).dictionary_encode()
    return pa.RecordBatch.from_pydict(columns)


def stream(*batches: Any, compression: str | None = None, **metadata: str) -> bytes:
    """Record batches as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batches[0].schema.with_metadata(metadata), options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


def undisturbed(path: Path) -> Any:
    database = open_database(path)
    fix_shape(database)
    commit(Ledger(database, SCHEMAS), EVENTS, "1")
    found = counted(database)
    database.close()
    return found


BODIES = {
    "array": (json.dumps(EVENTS).encode(), "application/json", {}),
    "envelope": (json.dumps({"model": "m", "predictions": EVENTS}).encode(), "application/json", {}),
    "ndjson": (b"\n".join(json.dumps(event).encode() for event in EVENTS), "application/x-ndjson", {}),
    "gzip": (gzip.compress(json.dumps(EVENTS).encode()), JSON, {"Content_Encoding": "gzip"}),
    "zstd": (
        zstandard.compress(json.dumps(EVENTS).encode()),
        "application/json",
        {"Content_Encoding": "zstd"},
    ),
    "arrow": (stream(table(EVENTS), model="m"), ARROW, {}),
    "arrow-nested": (stream(table(EVENTS, nested=True), model="m"), ARROW, {}),
    "arrow-lz4": (stream(table(EVENTS), compression="lz4", model="m"), ARROW, {}),
    "arrow-zstd": (stream(table(EVENTS[:7]), table(EVENTS[7:]), compression="zstd", model="m"), ARROW, {}),
}


@pytest.mark.parametrize("name", BODIES)
def test_every_format_gives_the_same_profiles(collector: Collector, tmp_path: Path, name: str) -> None:
    body, kind, headers = BODIES[name]
    for accepted in (300, 300):  # sent again it is the same delivery
        answer = collector.post("/v1/predictions", body, kind, **headers)
        assert (answer.status_code, answer.json()["accepted"]) == (200, accepted), answer.text
    assert same(counted(collector.database), undisturbed(tmp_path / "other.db"))
    assert book(collector.database) == (600, 300, 300, 0)


def test_the_model_of_an_arrow_stream_is_a_parameter_metadata_or_a_column(collector: Collector) -> None:
    body = stream(table(EVENTS[:10]))
    assert collector.post("/v1/predictions?model=m", body, ARROW).json()["accepted"] == 10
    assert (
        collector.post("/v1/predictions", stream(table(EVENTS[10:20]), model="m"), ARROW).json()["accepted"]
        == 10
    )
    mixed = table(EVENTS[20:30]).append_column("model", pa.array(["m"] * 4 + ["other"] * 5 + ["nobody"]))
    answer = collector.post("/v1/predictions", stream(mixed), ARROW).json()
    assert (answer["accepted"], answer["rejected"]) == (9, 1)
    assert answer["errors"][0] | {"fix": ""} == {
        "row": 9, "field": "model", "value": "nobody", "reason": "no such model is monitored", "fix": ""
    }  # fmt: skip
    assert collector.post("/v1/predictions", body, ARROW).status_code == 400


def test_labels_come_in_columns_too(collector: Collector) -> None:
    collector.post("/v1/predictions", EVENTS)
    body = stream(table([label(n) for n in range(50)]), model="m")
    assert collector.post("/v1/labels", body, ARROW).json()["accepted"] == 50
    assert (
        sum(p.rows for key, p in counted(collector.database).items() if key.known and not key.segment) == 50
    )


def test_a_bad_row_of_a_column_is_told_and_the_rest_goes_on(collector: Collector) -> None:
    events = [
        *EVENTS[:3],
        prediction(3, score=7.0),
        prediction(4, id=None),
        prediction(5, timestamp=1e5),
    ]
    events += [prediction(6, score=None), prediction(7, score=None, status=500)]
    answer = collector.post("/v1/predictions", stream(table(events), model="m"), ARROW).json()
    assert (answer["accepted"], answer["rejected"]) == (4, 4)
    assert [(error["row"], error["field"]) for error in answer["errors"]] == [
        (3, "score"), (4, "id"), (5, "timestamp"), (6, "prediction")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Arrow"),
        (b"no arrow at all", "Arrow"),
        (stream(table(EVENTS), model="m")[:-2000], "Arrow"),
        (stream(table(EVENTS[:5]).drop_columns(["id"]), model="m"), "id"),
        (stream(table(EVENTS[:5]).drop_columns(["timestamp"]), model="m"), "timestamp"),
        (stream(pa.RecordBatch.from_arrays([pa.array([1.0])] * 2, ["id", "id"]), model="m"), "twice"),
    ],
)
def test_a_stream_that_cannot_be_read_is_refused(collector: Collector, body: bytes, reason: str) -> None:
    answer = collector.post("/v1/predictions", body, ARROW)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["errors"][0]["reason"]
    assert answer.json()["errors"][0]["fix"]


def test_a_small_stream_that_claims_to_be_huge_is_refused_before_it_is_inflated() -> None:
    zeros = pa.RecordBatch.from_pydict({"x": np.zeros(100_000_000 // 8)})
    body = stream(*[zeros] * 6, compression="zstd", model="m")
    assert len(body) < 1_000_000
    with pytest.raises(BadBodyError, match="inflates to 6"):
        arrow_batch(body, SCHEMAS, "prediction", None, None)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_small_body_that_inflates_to_a_huge_one_is_refused(collector: Collector, encoding: str) -> None:
    huge = b" " * 100_000_000
    body = gzip.compress(huge) if encoding == "gzip" else zstandard.compress(huge)
    answer = collector.post("/v1/predictions", body, Content_Encoding=encoding)
    assert answer.status_code == 413
    assert "inflates" in answer.json()["errors"][0]["reason"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 5000), st.integers(0, 255))
def test_no_bytes_whatever_break_the_reading_of_a_stream(noise: bytes, at: int, flipped: int) -> None:
    whole = bytearray(stream(table(EVENTS[:20]), model="m"))
    whole[at % len(whole)] = flipped
    for body in (noise, bytes(whole)):
        try:
            batch = arrow_batch(body, SCHEMAS, "prediction", None, None)
        except BadBodyError:
            continue
        assert batch.total <= 20


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5), st.just({}), st.just([1, 2]), st.just([0.5, 0.5]), st.just({"x": 1}),
)  # fmt: skip
FIELDS = st.sampled_from(
    [*("kind", "model", "id", "timestamp", "version", "prediction", "score", "latency_ms"),
     *("status", "label", "features", "tags")]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), FIELDS, VALUES), max_size=8), st.booleans(), st.booleans())
def test_lines_are_validated_as_their_decoded_events_are(
    changes: list[tuple[int, str, Any]], mixed: bool, told: bool
) -> None:
    events: list[dict[str, Any]] = [
        label(n) if mixed and n % 3 == 0 else prediction(n, model="m" if n % 4 else "r", prediction=n % 2)
        for n in range(10)
    ]
    for row, field, value in changes:
        events[row][field] = value
    lines = [json.dumps(event).encode() for event in events] + [b"{no json", b"7"]
    kind = "prediction" if told else None
    validator = Validator(SCHEMAS)
    fast, slow = (
        validator.lines(lines, kind, None),
        validator.batch([event_of_line(x) for x in lines], kind, None),
    )
    validator.lines([json.dumps(prediction(99)).encode()], kind, None)  # what comes next may be alike
    whole = validator.array(b"[" + b",".join(lines[:10]) + b"]", kind, None, 10)
    if whole is not None:
        apart = validator.lines(lines[:10], kind, None)
        assert whole.received == apart.received
        assert [replace(one, raw="") for one in whole.rejections] == [
            replace(one, raw="") for one in apart.rejections
        ]
    else:
        assert mixed or changes or not all(event["model"] == "m" for event in events)
    assert fast.received == slow.received
    told_of = [
        [(r.row, r.kind, r.model, r.field, r.value, r.reason) for r in b.rejections] for b in (fast, slow)
    ]
    assert told_of[0] == told_of[1]
    for model in SCHEMAS:
        for side in ("predictions", "labels"):
            ids = [
                sorted(i for part in getattr(b, side).get(model, ()) for i in part.ids.tolist())
                for b in (fast, slow)
            ]
            assert ids[0] == ids[1]


def test_the_ledger_cannot_tell_lines_from_events(tmp_path: Path) -> None:
    found = []
    for name in ("lines", "events"):
        database: Database = open_database(tmp_path / f"{name}.db")
        fix_shape(database)
        events = [*EVENTS, *(label(n) for n in range(100)), prediction(5)]
        if name == "events":
            commit(Ledger(database, SCHEMAS), events, "1")
        else:
            batch = Validator(SCHEMAS).lines([json.dumps(e).encode() for e in events], None, None)
            Ledger(database, SCHEMAS).commit(Delivery("test", batch, "1"), 0)
        found.append(counted(database))
        database.close()
    assert same(*found)
