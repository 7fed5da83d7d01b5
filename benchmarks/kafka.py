"""From Kafka into the database: the client's ceiling, and what `modelwatch collect` makes of it."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from kafka import KafkaConsumer

from benchmarks.traffic import FEATURES, SCHEMA, batch, cpu_of, events, machine, stream
from collector.store.database import Database
from collector.store.positions import positions
from modelwatch import schema
from tests.kafka import broker
from tests.kafka.cluster import Cluster

PARTITIONS = 4
ROWS_AT_ONCE = 10_000
ARROW_ROWS = 1_000  # of a message


def lines(record: Any) -> list[bytes]:
    """A JSON event a message."""
    return [json.dumps(event, separators=(",", ":")).encode() for event in events(record)]


def columns(record: Any) -> list[bytes]:
    """Arrow messages."""
    return [stream(record.slice(at, ARROW_ROWS)) for at in range(0, record.num_rows, ARROW_ROWS)]


def fill(cluster: Cluster, rows: int, encode: Callable[[Any], list[bytes]]) -> tuple[str, int, int]:
    """A topic with so many rows; its name, its messages and their bytes."""
    topic = cluster.topic(PARTITIONS)
    producer = Producer({"bootstrap.servers": cluster.address, "linger.ms": 50})
    count = size = 0
    of = -(-rows // ROWS_AT_ONCE)
    for number in range(of):
        for message in encode(batch(ROWS_AT_ONCE, number, of)):
            producer.produce(topic, message, partition=count % PARTITIONS)
            count, size = count + 1, size + len(message)
        producer.flush()
    return topic, count, size


def polling(cluster: Cluster, topic: str, messages: int) -> float:
    """Messages per CPU second of the client alone."""
    client = KafkaConsumer(
        topic,
        bootstrap_servers=cluster.address,
        group_id="ceiling",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        max_poll_records=20_000,
        metrics_enabled=False,
    )
    before = 0
    while not before:
        before = sum(map(len, client.poll(200).values()))
    began, got = time.process_time(), before
    while got < messages:
        got += sum(map(len, client.poll(200).values()))
    used = time.process_time() - began
    client.close()
    return (messages - before) / used


def collecting(cluster: Cluster, topic: str, rows: int, messages: int, log: Any) -> dict[str, float]:
    """The whole path, by a process of its own, from its first commit to its last."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        monitor = {"model": SCHEMA.model, "task": "binary", "features": FEATURES, "window": "1h", "log": log}
        source: dict[str, Any] = {
            "kind": "kafka",
            "bootstrap": [cluster.address],
            "group": folder.name,
        }  # the first of its group
        source |= {"topics": [{"topic": topic, "event": "prediction"}]}
        for file, content in (("monitor.yaml", monitor), ("kafka.yaml", source)):
            (folder / file).write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
        database = Database(folder / "modelwatch.db")
        schema.upgrade(database)
        command = [sys.executable, "-m", "modelwatch", "collect", "--data", name]
        command += ["--monitor", str(folder / "monitor.yaml"), "--source", str(folder / "kafka.yaml")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
            first: tuple[int, float, float] | None = None
            done = 0
            while done < messages and process.poll() is None:
                time.sleep(0.02)
                done = sum(positions(database, f"kafka:{folder.name}").values())
                if done and first is None:
                    first = (done, cpu_of(process.pid), time.monotonic())
            if first is None or first[0] == messages:
                raise RuntimeError("too few messages to measure; raise --rows")
            share = (messages - first[0]) / messages
            used, took = cpu_of(process.pid) - first[1], time.monotonic() - first[2]
            process.terminate()
        database.close()
    return {"rows_per_cpu_second": rows * share / used, "rows_per_second": rows * share / took}


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="of JSON; ten times as many of Arrow")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    if broker.jars() is None:
        print("no Apache Kafka here: it needs java, and mvn to fetch it")
        return
    figures: dict[str, Any] = {"machine": machine(), "cores": os.cpu_count()}
    figures["kafka-python"] = version("kafka-python")
    print(f"{len(FEATURES)} features, {PARTITIONS} partitions, into SQLite; rows per CPU second")
    with tempfile.TemporaryDirectory() as name, broker.running(Path(name)) as started:
        cluster = Cluster(started.address)
        for title, rows, encode in (("JSON", given.rows, lines), ("Arrow", 10 * given.rows, columns)):
            rows = -(-rows // ROWS_AT_ONCE) * ROWS_AT_ONCE  # noqa: PLW2901 - whole batches
            topic, messages, size = fill(cluster, rows, encode)
            ceiling = polling(cluster, topic, messages) * rows / messages
            told = f"{title}, {rows // messages} a message of {size / messages:,.0f} B"
            print(f"  {told + ', kafka-python alone':58} {ceiling:12,.0f}")
            found: dict[str, Any] = {"bytes_per_message": size / messages, "client_alone": ceiling}
            for logging, log in (("no prediction log", "none"), ("with the prediction log", {})):
                found[logging] = collecting(cluster, topic, rows, messages, log)
                rate = found[logging]["rows_per_cpu_second"]
                extra = f"({found[logging]['rows_per_second']:,.0f} a second)"
                print(f"  {told + ', collect, ' + logging:58} {rate:12,.0f}   {extra}")
            figures[title.lower()] = found
        cluster.close()
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
