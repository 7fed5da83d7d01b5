"""Where reading begins and goes on: the database decides, and nothing is skipped in silence."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from collector.delivery import Advance, Delivery
from collector.sources.kafka_messages import Reading
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import SCHEMAS, book, counted, prediction, rejected, same, validated
from tests.kafka.cluster import Cluster
from tests.kafka.working import committed, until, working


def test_a_restart_goes_on_where_the_database_says(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    source = cluster.source({"topic": topic, "event": "prediction"})
    for end in (40, 100, 130):
        cluster.send(topic, [prediction(n) for n in range(sum(book(database)[:1]), end)])
        with working(source, database) as worker:
            worker.reach({f"{topic}/0": end})
        assert book(database) == (end, end, 0, 0)  # a second reading would be duplicates
        assert cluster.offsets(source.group) == {f"{topic}/0": end}
    with working(source.model_copy(update={"group": "another"}), database) as worker:
        cluster.send(topic, [prediction(130)])
        worker.reach({f"{topic}/0": 131})
    assert book(database) == (131, 131, 0, 0)


def test_offsets_are_told_to_the_group_while_it_runs(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    source = cluster.source({"topic": topic, "event": "prediction"})
    with working(source, database) as worker:
        cluster.send(topic, [prediction(n) for n in range(10)])
        worker.reach({f"{topic}/0": 10})
        until(lambda: cluster.offsets(source.group) == {f"{topic}/0": 10}, "the group was not told")
        labels = {"topic": topic, "partition": "0"}
        until(lambda: worker.metric("modelwatch_kafka_lag_messages", **labels) == 0, "no lag")
        assert worker.metric("modelwatch_kafka_commit_seconds_count") == 1
    assert worker.metric("modelwatch_kafka_lag_messages", **labels) is None  # another's now


@pytest.mark.parametrize(("start", "expected"), [("earliest", 50), ("latest", 20)])
def test_a_partition_that_nobody_knows_begins_as_configured(
    cluster: Cluster, database: Database, start: str, expected: int
) -> None:
    topic = cluster.topic()
    cluster.send(topic, [prediction(n) for n in range(30)])
    with working(cluster.source({"topic": topic, "event": "prediction"}, start=start), database) as worker:
        labels = {"topic": topic, "partition": "0"}
        until(lambda: worker.metric("modelwatch_kafka_lag_messages", **labels) == 0)
        cluster.send(topic, [prediction(n) for n in range(30, 50)])
        worker.reach({f"{topic}/0": 50})
    assert book(database) == (expected, expected, 0, 0)


def test_a_group_that_has_read_before_goes_on_there(cluster: Cluster, database: Database) -> None:
    topic = cluster.topic()
    cluster.send(topic, [prediction(n) for n in range(50)])
    source = cluster.source({"topic": topic, "event": "prediction"})
    client = KafkaConsumer(
        bootstrap_servers=cluster.address, group_id=source.group, api_version=cluster.version
    )
    client.commit({TopicPartition(topic, 0): OffsetAndMetadata(30)})
    client.close()
    with working(source, database) as worker:
        worker.reach({f"{topic}/0": 50})
    assert book(database) == (20, 20, 0, 0)


def test_what_retention_took_is_told_and_counted(
    cluster: Cluster, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    topic = cluster.topic(2)
    source = cluster.source({"topic": topic, "event": "prediction"})
    cluster.send(topic, [prediction(n) for n in range(50)])
    with working(source, database) as worker:
        worker.reach({f"{topic}/0": 50})
    cluster.send(topic, [prediction(n) for n in range(50, 150)])
    cluster.send(topic, [prediction(n) for n in range(150, 160)], 1)
    cluster.delete_before(topic, 120)
    with working(source, database) as worker:
        worker.reach({f"{topic}/0": 150, f"{topic}/1": 10})
        assert worker.metric("modelwatch_kafka_skipped_total", topic=topic) == 70
        assert worker.metric("modelwatch_kafka_resets_total", topic=topic) == 1
    assert book(database) == (90, 90, 0, 0)
    assert f"offsets of {topic}/0 from 50 to 120 are not read" in caplog.text


def test_a_topic_made_anew_is_read_from_its_start(
    cluster: Cluster, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    topic = cluster.topic()
    source = cluster.source({"topic": topic, "event": "prediction"})
    cluster.send(topic, [prediction(n) for n in range(50)])
    with working(source, database) as worker:
        worker.reach({f"{topic}/0": 50})
    cluster.admin().delete_topics([topic])
    until(lambda: topic not in cluster.admin().list_topics())
    cluster.make(topic)
    cluster.send(topic, [prediction(n) for n in range(100, 120)])
    with working(source, database) as worker:
        until(lambda: book(database)[0] == 70)
        assert worker.positions() == {f"{topic}/0": 20}
        assert worker.metric("modelwatch_kafka_resets_total", topic=topic) == 1
    assert book(database) == (70, 70, 0, 0)
    assert "from 50 to 0 are not read: the topic is shorter than it was" in caplog.text


def test_a_worker_that_was_overtaken_drops_what_it_read(
    cluster: Cluster, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = cluster.topic()
    source = cluster.source({"topic": topic, "event": "prediction"})
    events = [prediction(n) for n in range(60)]
    cluster.send(topic, events)
    entered, overtaken, commit = threading.Event(), threading.Event(), Ledger.commit

    def slow(self: Ledger, delivery: Delivery, now: int) -> Any:
        entered.set()
        assert overtaken.wait(30)
        return commit(self, delivery, now)

    monkeypatch.setattr(Ledger, "commit", slow)
    with working(source, database) as worker:
        assert entered.wait(30)
        half = Delivery(source.source, validated(events[:25]), advances=(Advance(f"{topic}/0", None, 25),))
        Ledger(database, SCHEMAS).commit_all([half], 0)
        overtaken.set()
        worker.reach({f"{topic}/0": 60})
        assert worker.metric("modelwatch_kafka_fenced_total") == 1
    assert book(database) == (60, 60, 0, 0)
    assert same(counted(database), committed(events))


def test_a_message_that_breaks_the_work_is_put_aside(
    cluster: Cluster, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, read = cluster.topic(), Reading.batch

    def breaking(self: Reading, chunks: Any) -> Any:
        if any(b'"id": "17"' in message.value for chunk in chunks for message in chunk):
            raise RuntimeError("never seen before")
        return read(self, chunks)

    monkeypatch.setattr(Reading, "batch", breaking)
    cluster.send(topic, [prediction(n) for n in range(50)])
    with working(cluster.source({"topic": topic, "event": "prediction"}), database) as worker:
        worker.reach({f"{topic}/0": 50})
    assert book(database) == (49, 49, 0, 0)
    (row,) = rejected(database)
    assert (row.key, row.model) == (f"{topic}/0@17", "")
    assert "RuntimeError: never seen before" in row.reason
    assert '"id": "17"' in row.raw
