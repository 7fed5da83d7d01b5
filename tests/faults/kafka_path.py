"""Kafka into a database, through two `modelwatch collect` that are killed again and again."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from tests.faults.finding import Undisturbed
from tests.faults.killing import PATIENCE, Pace, kill_at_random
from tests.faults.result import Result, tracebacks
from tests.faults.traffic import Parcel, Traffic, traffic
from tests.kafka.cluster import Cluster
from tests.kafka.processes import Collect, Workplace, workplace

PER, PARTS = 40, 4
SESSION = 2.0
CHECKED_EVERY = 5


@dataclass
class Worker:
    """A worker that may be killed; the next of its kind takes its place."""

    place: Workplace
    process: Collect
    began: int = 0

    def kill(self) -> None:
        """End it as the power does."""
        self.process.kill()

    def restart(self) -> None:
        """Start the next one."""
        self.began = self.place.done()
        self.process = self.place.start()

    def wait(self) -> None:
        """Wait until something has been committed since, which may have been by another."""
        deadline = time.monotonic() + 5
        while self.place.done() == self.began and time.monotonic() < deadline:
            assert self.process.process.poll() is None, self.place.log()
            time.sleep(0.02)

    def ready(self) -> None:
        """Wait until it has begun to work: before that, a signal ends it as it ends any process."""
        deadline = time.monotonic() + PATIENCE
        while "collects from" not in self.process.log.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline, self.place.log()
            time.sleep(0.02)


@dataclass
class Producer:
    """Writes parcels to a topic: as one message, or as one for each line; some of them twice."""

    cluster: Cluster
    topic: str
    seed: int
    lines: int = 0
    bad: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    def send(self, parcels: tuple[Parcel, ...], pace: Pace) -> None:
        """Write everything, and wait until the broker has it."""
        dice = random.Random(self.seed)  # noqa: S311 - no secret
        pending = []
        for place, parcel in enumerate(parcels):
            pace.wait(place)
            for _ in range(2 if dice.random() < 0.1 else 1):
                whole = dice.random() < 0.5 and not parcel.lines[0].endswith(b"cut o")
                messages = [parcel.body] if whole else parcel.lines
                pending += [self._write(message, dice.randrange(PARTS)) for message in messages]
                self.lines += len(parcel.lines)
                self.bad += parcel.bad
        for one in pending:
            one.get(PATIENCE)

    def _write(self, message: bytes, partition: int) -> Any:
        self.seen["messages"] += 1
        return self.cluster.producer().send(self.topic, message, partition=partition)


def crash_kafka(kind: str, folder: Path, cluster: Cluster, kills: int, size: int, seed: int = 1) -> Result:
    """Write traffic while two workers are killed and started again, and the broker once.

    Args:
        kind: of the database.
        folder: for its files.
        cluster: whose broker is this process's to kill.
        kills: how many.
        size: how many predictions, with as many labels.
        seed: of everything random.
    """
    begin = time.monotonic()
    made = traffic(size, PER, seed)
    producer = Producer(cluster, cluster.topic(PARTS), seed)
    folder.mkdir(exist_ok=True)
    source = cluster.source({"topic": producer.topic}, session_seconds=SESSION)
    with workplace(kind, folder, source) as place:
        faults = _disturbed(cluster, place, producer, made, kills, seed)
        finding = Undisturbed.of(made.good).found(place.database)
        faults += finding.faults(len(made.good), producer.bad, producer.lines)
        faults += _ahead(cluster, place)
    sent = sum(len(parcel.lines) for parcel in made.parcels)
    path = f"Kafka to {'SQLite' if kind == 'sqlite' else 'PostgreSQL'}"
    return Result(path, kills, sent, finding, time.monotonic() - begin, dict(producer.seen), tuple(faults))


def _disturbed(
    cluster: Cluster, place: Workplace, producer: Producer, made: Traffic, kills: int, seed: int
) -> list[str]:
    """Write and kill; what went wrong with the processes."""
    pace = Pace(kills, len(made.parcels))
    workers = [Worker(place, place.start()) for _ in range(2)]
    ahead: list[str] = []

    def between(number: int) -> None:
        if number == kills // 2 and cluster.broker is not None:
            cluster.broker.stop(signal.SIGKILL)
            cluster.broker.start()
            producer.seen["broker restarts"] += 1
        elif number % CHECKED_EVERY == 0:
            ahead.extend(_ahead(cluster, place))

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(producer.send, made.parcels, pace)
        kill_at_random(workers, kills, seed, pace, place.done, between)
        sending.result()
    _drained(cluster, place, producer.topic)
    for one in workers:
        one.ready()
    codes = [one.process.stop() for one in workers]
    faults = [f"a worker ended with {code}" for code in codes if code]
    return faults + ahead + tracebacks(place.log())


def _drained(cluster: Cluster, place: Workplace, topic: str) -> None:
    """Wait until everything in the topic is committed."""
    parts = [TopicPartition(topic, number) for number in range(PARTS)]
    ends = _patiently(lambda: cluster.admin().list_partition_offsets(dict.fromkeys(parts, -1)))
    wanted = {f"{part.topic}/{part.partition}": place.offset for part, place in ends.items() if place.offset}
    deadline = time.monotonic() + PATIENCE
    while place.positions() != wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{place.positions()} instead of {wanted}:\n{place.log()[-4000:]}")
        time.sleep(0.05)


def _ahead(cluster: Cluster, place: Workplace) -> list[str]:
    """Partitions of which Kafka has been told more than the database holds."""
    told = _patiently(lambda: cluster.offsets(place.source.group))  # first: the database only moves on
    held = place.positions()
    return [
        f"{part}: Kafka was told {offset}, the database is at {held.get(part)}"
        for part, offset in told.items()
        if offset > held.get(part, 0)
    ]


def _patiently(ask: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    """Ask the broker until it answers: it may just have been started again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except KafkaError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
