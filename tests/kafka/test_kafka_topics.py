"""What topics may hold, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from kafka import KafkaProducer
from prometheus_client import CollectorRegistry

from collector.store.database import Database
from tests.collector.collecting import (
    balanced,
    book,
    counted,
    deployment,
    label,
    prediction,
    rejected,
    same,
)
from tests.kafka.cluster import Cluster
from tests.kafka.working import committed, until, working


def stream(numbers: range, metadata: dict[str, str] | None = None) -> bytes:
    """Predictions as an Arrow IPC stream."""
    events = [prediction(number) for number in numbers]
    columns: dict[str, Any] = {
        name: [event[name] for event in events]
        for name in ("id", "timestamp", "version", "score", "latency_ms", "status")
    }
    columns |= {name: [event["features"][name] for event in events] for name in ("x", "c")}
    columns |= {f"e{n}": [event["features"]["e"][n] for event in events] for n in (0, 1)}
    columns["region"] = [event["tags"]["region"] for event in events]
    table = pa.table(columns).replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def test_this_run_had_a_real_broker(cluster: Cluster) -> None:
    if not cluster.real:
        pytest.skip("no Apache Kafka (needs java and mvn): this ran on librdkafka's mock cluster")


def test_predictions_labels_and_deployments(cluster: Cluster, database: Database) -> None:
    topics = [cluster.topic(3), cluster.topic(), cluster.topic()]
    kinds = ("prediction", "label", "deployment")
    source = cluster.source(*({"topic": t, "event": k} for t, k in zip(topics, kinds, strict=True)))
    for part in range(3):
        cluster.send(topics[0], [prediction(n) for n in range(part, 300, 3)], part)
    cluster.send(topics[1], [label(n) for n in range(100)])
    cluster.send(topics[2], [deployment("v1"), deployment("v2", at=1_714_600_000)])
    with working(source, database) as worker:
        ends = {f"{topics[0]}/{part}": 100 for part in range(3)}
        worker.reach(ends | {f"{topics[1]}/0": 100, f"{topics[2]}/0": 2})
        assert book(database) == (402, 402, 0, 0)
        assert worker.metric("modelwatch_kafka_messages_total", topic=topics[0]) == 300
    direct = [prediction(n) for n in range(300)] + [label(n) for n in range(100)]
    assert same(counted(database), committed(direct))


def test_a_message_may_hold_one_event_or_many_and_each_may_say_its_kind(
    cluster: Cluster, database: Database
) -> None:
    topic = cluster.topic()
    array = json.dumps([prediction(n) for n in range(10, 20)]).encode()
    lines = b"\n".join(json.dumps(prediction(n)).encode() for n in range(20, 30)) + b"\n"
    pretty = json.dumps(prediction(30), indent=2).encode()
    registry = b"\x00\x00\x00\x00\x07" + json.dumps(prediction(31)).encode()
    both = json.dumps([label(1), label(2)], indent=1).encode()
    messages = [json.dumps(prediction(1)).encode(), array, lines, pretty, registry, both]
    cluster.send(topic, [*messages, json.dumps(deployment("v1")).encode()])
    with working(cluster.source({"topic": topic}), database) as worker:
        worker.reach({f"{topic}/0": 7})
    assert book(database) == (26, 26, 0, 0), rejected(database)
    events = [prediction(n) for n in (1, *range(10, 32))] + [label(1), label(2)]
    assert same(counted(database), committed(events))


def test_columns(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    cluster.send(topic, [stream(range(500))])
    header = [("Content-Type", b"application/vnd.apache.arrow.stream")]
    cluster.send(topic, [stream(range(500, 800))], headers=header)
    cluster.send(topic, [prediction(800), prediction(3)])
    source = cluster.source({"topic": topic, "event": "prediction", "model": "m"})
    with working(source, database) as worker:
        worker.reach({f"{topic}/0": 4})
    assert book(database) == (802, 801, 1, 0)
    assert same(counted(database), committed([prediction(n) for n in range(801)]))


def test_a_topic_without_a_model_takes_columns_that_name_it(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    cluster.send(topic, [stream(range(50), {"model": "m"}), stream(range(50, 60))])
    with working(cluster.source({"topic": topic, "event": "prediction"}), database) as worker:
        worker.reach({f"{topic}/0": 2})
    assert book(database) == (50, 50, 0, 0)
    (row,) = rejected(database)
    assert (row.key, row.model) == (f"{topic}/0@1", "")
    assert "names no model" in row.reason


def test_what_cannot_be_read_is_kept_and_in_nobodys_way(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    bad = [b"not JSON", None, b"", b"\xff\xff\xff\xffnoArrow", b"17", b"\xfe\x00", b'{"model": "m", ', b"[1]"]
    cluster.send(topic, [*bad, prediction(1), [prediction(2), prediction(3, id=None)], {"model": "?"}])
    with working(cluster.source({"topic": topic, "event": "prediction"}), database) as worker:
        worker.reach({f"{topic}/0": len(bad) + 3})
    assert book(database) == (3, 2, 0, 1)
    assert book(database, "") == (9, 0, 0, 9)
    assert balanced(database)
    found = {row.key: row for row in rejected(database)}
    assert len(found) == 10
    assert set(found) == {f"{topic}/0@{n}" for n in (*range(8), 9, 10)}
    assert "empty" in found[f"{topic}/0@1"].reason
    assert "Arrow" in found[f"{topic}/0@3"].reason
    assert found[f"{topic}/0@0"].raw == "not JSON"
    assert (found[f"{topic}/0@9"].row, found[f"{topic}/0@9"].field) == (1, "id")


def test_a_teams_own_layout(cluster: Cluster, database: Database) -> None:
    def scored(number: int) -> dict[str, Any]:
        event = prediction(number)
        return {
            "meta": {
                "request": event["id"],
                "ts": int(event["timestamp"] * 1000),
                "model": {"version": "v1"},
            },
            "input": event["features"],
            "place": [{"re.gion": event["tags"]["region"]}],
            "output": {"probs": [1 - event["score"], event["score"]]},
            "timing": {"ms": event["latency_ms"]},
            "http": {"code": 200},
        }

    def labelled(number: int) -> dict[str, Any]:
        return {"of": "m", "truth": number % 2, "known": "2024-05-03T00:00:00Z"}

    scores, labels = cluster.topic(), cluster.topic()
    cluster.send(scores, [scored(n) for n in range(200)])
    for n in range(50):
        cluster.send(labels, [labelled(n)], key=str(n).encode())
    mapping = {
        "id": "meta.request",
        "timestamp": "meta.ts",
        "version": "meta.model.version",
        "score": "output.probs[1]",
        "latency_ms": "timing.ms",
        "status": "http.code",
        "features": {"x": "input.x", "c": "input.c", "e": "input.e"},
        "tags": {"region": 'place[0]["re.gion"]'},
    }
    source = cluster.source(
        {"topic": scores, "event": "prediction", "model": "m", "map": mapping, "timestamp_unit": "ms"},
        {
            "topic": labels,
            "event": "label",
            "map": {"model": "of", "id": "$key", "label": "truth", "timestamp": "known"},
        },
    )
    with working(source, database) as worker:
        worker.reach({f"{scores}/0": 200, f"{labels}/0": 50})
    assert book(database) == (250, 250, 0, 0), rejected(database)
    told = [label(n) | {"timestamp": "2024-05-03T00:00:00Z"} for n in range(50)]
    assert same(counted(database), committed([prediction(n) for n in range(200)] + told))


def test_what_a_mapped_message_lacks_is_told(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    mapping = {"id": "a.b", "timestamp": "$timestamp", "score": "s[2]", "features": "f"}
    told = {"a": {"b": "1"}, "s": [0, 0, 0.5], "f": {"x": 1}}
    cluster.send(topic, [told, {**told, "a": 7}, {**told, "s": [1]}, [told, 3]])
    source = cluster.source({"topic": topic, "event": "prediction", "model": "m", "map": mapping})
    with working(source, database) as worker:
        worker.reach({f"{topic}/0": 4})
    assert book(database) == (4, 1, 1, 2)  # the same id twice
    assert book(database, "") == (1, 0, 0, 1)
    found = {row.key: (row.row, row.field) for row in rejected(database)}
    assert found == {f"{topic}/0@1": (0, "id"), f"{topic}/0@2": (0, "prediction"), f"{topic}/0@3": (1, "")}


def test_messages_of_aborted_transactions_do_not_count(cluster: Cluster, database: Database) -> None:
    cluster.needed()
    topic = cluster.topic()
    producer = KafkaProducer(bootstrap_servers=cluster.address, transactional_id=topic)
    producer.init_transactions()
    for start, ends in ((0, True), (10, False), (20, True)):
        producer.begin_transaction()
        for number in range(start, start + 10):
            producer.send(topic, json.dumps(prediction(number)).encode())
        producer.commit_transaction() if ends else producer.abort_transaction()
    producer.close()
    with working(cluster.source({"topic": topic, "event": "prediction"}), database) as worker:
        until(lambda: book(database)[0] == 20)
        labels = {"topic": topic, "partition": "0"}
        until(lambda: worker.metric("modelwatch_kafka_lag_messages", **labels) == 0, "markers are no lag")
    told = [prediction(number) for number in (*range(10), *range(20, 30))]
    assert same(counted(database), committed(told))


def test_two_sources_in_one_process(cluster: Cluster, database: Database) -> None:
    topics = [cluster.topic(), cluster.topic()]
    for topic, numbers in zip(topics, (range(30), range(20, 60)), strict=True):
        cluster.send(topic, [prediction(n) for n in numbers])
    registry = CollectorRegistry()
    one, two = (
        cluster.source({"topic": topic, "event": "prediction"}, name=name)
        for topic, name in zip(topics, ("one", "two"), strict=True)
    )
    with (
        working(one, database, registry=registry) as first,
        working(two, database, registry=registry) as second,
    ):
        first.reach({f"{topics[0]}/0": 30})
        second.reach({f"{topics[1]}/0": 40})
        assert first.metric("modelwatch_kafka_messages_total", topic=topics[0]) == 30
        assert second.metric("modelwatch_kafka_messages_total", topic=topics[1]) == 40
    assert book(database) == (70, 60, 10, 0)
    assert same(counted(database), committed([prediction(n) for n in range(60)]))
