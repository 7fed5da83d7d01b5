"""Garbage of every content type between good batches: it is refused, and in nobody's way."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pyarrow as pa
import zstandard

from collector.store.database import Database
from tests.collector.collecting import SCHEMAS
from tests.collector.serving import Collector, collecting
from tests.faults.finding import Undisturbed
from tests.faults.traffic import good_events

PATHS = ("/v1/predictions", "/v1/labels", "/v1/deployments", "/v1/events")
TYPES = (
    *("application/json", "application/x-ndjson", "application/vnd.apache.arrow.stream"),
    *("text/plain", "", "application/cloudevents+json"),
)
ENCODINGS = ("identity", "gzip", "zstd", "br")
BOMBS = (gzip.compress(bytes(40 << 20), 1), zstandard.compress(bytes(40 << 20), 1))
REFUSED = (400, 404, 413, 415, 422)


def arrow(columns: dict[str, Any]) -> bytes:
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def garbage(dice: random.Random) -> bytes:
    """Noise, half a document, a bomb, or columns that are no events."""
    columns = arrow({"id": list(range(50)), "timestamp": ["never"] * 50, "score": [None] * 50})
    made = (
        dice.randbytes(dice.randint(1, 3000)),
        b'{"model": "m", "id": ',
        b"[" * 50_000,
        b"\x00" * 1000,
        columns,
        columns[: dice.randint(10, len(columns) - 1)],
        *BOMBS,
        gzip.compress(b"[]")[:-4],
        json.dumps([{"kind": "prediction", "model": "m", "id": None}] * 20).encode(),
        json.dumps([{"kind": 7, "model": ["m"], "features": "x", "score": {"a": 1}}]).encode(),
    )
    return dice.choice(made)


def poison(collector: Collector, dice: random.Random) -> None:
    """Send garbage, which must be refused with what to do about it."""
    headers = {"Content-Encoding": dice.choice(ENCODINGS)}
    if kind := dice.choice(TYPES):
        headers["Content-Type"] = kind
    path = dice.choice(PATHS) + dice.choice(("", "?model=m", "?model=nobody"))
    answer = collector.client.post(path, content=garbage(dice), headers=headers)
    assert answer.status_code in REFUSED, (path, headers, answer.text)
    assert all(error["fix"] for error in answer.json()["errors"])


def test_good_batches_get_through(database: Database) -> None:
    dice = random.Random(10)  # noqa: S311 - no secret
    events = good_events(200)
    with collecting(database, SCHEMAS) as collector:
        for at in range(0, len(events), 40):
            for _ in range(6):
                poison(collector, dice)
            answer = collector.post("/v1/events", events[at : at + 40])
            assert answer.json()["accepted"] == len(events[at : at + 40])
    found = Undisturbed.of(events).found(database)
    assert (found.lost, found.twice, found.equal, found.balanced) == (0, 0, True, True)
    assert found.accepted == len(events)
    assert found.rejected == found.kept


def test_what_a_batch_has_that_is_good_counts_beside_what_is_not(database: Database) -> None:
    events = good_events(100)
    mixed: list[Any] = [json.dumps(event) for event in events]
    for at in range(0, len(mixed), 7):
        mixed[at:at] = ['{"kind": "prediction", "model": "m"}', "\x00\x01", '{"kind": "label", "model": 3}']
    body = "\n".join(mixed).encode()
    with collecting(database, SCHEMAS) as collector:
        receipt = collector.post("/v1/events", body, "application/x-ndjson").json()
    bad = len(mixed) - len(events)
    assert (receipt["accepted"], receipt["rejected"]) == (len(events), bad)
    assert Undisturbed.of(events).found(database).faults(len(events), bad, len(mixed)) == []
