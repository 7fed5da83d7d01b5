"""A cluster to test against, shared by a run's processes, and what tests do with it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from collector.sources.kafka import Kafka
from tests.kafka.broker import Broker, running

PATIENCE = 30.0


@dataclass
class Cluster:
    """A cluster, real or a stand-in.

    Attributes:
        address: of a broker.
        guarded: the same, for user `mw` with the password `hush`, by SASL; empty where there is none.
        real: whether it is Apache Kafka.
        broker: its process, in the process that started it.
    """

    address: str
    guarded: str = ""
    real: bool = True
    broker: Broker | None = None
    _clients: list[Any] = field(default_factory=list)

    @property
    def version(self) -> tuple[int, int] | None:
        """What clients must be told of its version."""
        return None if self.real else (2, 3)

    def topic(self, partitions: int = 1) -> str:
        """A new topic with a name of its own."""
        name = f"t-{uuid.uuid4().hex}"
        if self.real:
            self.make(name, partitions)
        else:  # it makes topics itself, of four partitions, when they are asked for
            self.producer().partitions_for(name)
        return name

    def make(self, name: str, partitions: int = 1) -> None:
        """Make a topic."""
        self.admin().create_topics([NewTopic(name, partitions, 1)])
        self.admin().wait_for_topics([name])

    def admin(self) -> Any:
        """The administrator's client."""
        self.needed()
        return self._client(KafkaAdminClient)

    def needed(self) -> None:
        """Skip a test that a stand-in will not do for."""
        if not self.real:
            pytest.skip("needs Apache Kafka")

    def producer(self) -> Any:
        """A producer."""
        return self._client(KafkaProducer)

    def _client(self, kind: Any) -> Any:
        for client in self._clients:
            if isinstance(client, kind):
                return client
        made = kind(bootstrap_servers=self.address, api_version=self.version)
        self._clients.append(made)
        return made

    def send(self, topic: str, messages: Iterable[Any], partition: int = 0, **extra: Any) -> None:
        """Write messages: bytes and None as they are, anything else as JSON."""
        producer = self.producer()
        sent = []
        for one in messages:
            value = one if isinstance(one, bytes | None) else json.dumps(one).encode()
            key = extra.get("key", b"" if value is None else None)
            sent.append(producer.send(topic, value, key, extra.get("headers"), partition))
        producer.flush(PATIENCE)
        for one in sent:
            one.get(PATIENCE)

    def offsets(self, group: str) -> dict[str, int]:
        """What a group has committed to Kafka, by `topic/partition`."""
        found = self.admin().list_group_offsets(group)
        found = found.get(group, found)
        return {f"{part.topic}/{part.partition}": place.offset for part, place in found.items()}

    def delete_before(self, topic: str, offset: int, partition: int = 0) -> None:
        """Delete old messages, as retention does."""
        self.admin().delete_records({TopicPartition(topic, partition): offset})

    def source(self, *topics: dict[str, Any], **changes: Any) -> Kafka:
        """A source of some topics."""
        given = {
            "kind": "kafka",
            "bootstrap": [self.address],
            "group": f"g-{uuid.uuid4().hex}",
            "topics": topics,
            "api_version": None if self.real else "2.3",
            "session_seconds": 20,
        }
        return Kafka.model_validate(given | {"name": "k"} | changes)

    def close(self) -> None:
        """Give back the clients."""
        for client in self._clients:
            client.close()
        self._clients.clear()


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[Cluster]:
    """The run's broker: the first process that needs it starts it, and ends it when all are done."""
    folder.mkdir(parents=True, exist_ok=True)
    address, mine = folder / "address", folder / f"user-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        with _locked(folder):
            mine.touch()
            if address.exists():
                plain, guarded = address.read_text(encoding="utf-8").split()
                cluster = Cluster(plain, guarded)
            else:
                broker = stack.enter_context(running(folder / f"broker-{os.getpid()}"))
                cluster = Cluster(broker.address, f"127.0.0.1:{broker.guarded}", broker=broker)
                address.write_text(f"{cluster.address} {cluster.guarded}", encoding="utf-8")
        try:
            yield cluster
        finally:
            cluster.close()
            mine.unlink()
            while cluster.broker is not None:
                with _locked(folder):
                    if not any(map(_alive, folder.glob("user-*"))):
                        address.unlink()
                        break
                time.sleep(0.05)


@contextlib.contextmanager
def pretended() -> Iterator[Cluster]:
    """librdkafka's mock cluster, in this process."""
    owner = Producer({"bootstrap.servers": "ignored:1", "test.mock.num.brokers": 1})
    (broker,) = owner.list_topics(timeout=PATIENCE).brokers.values()
    cluster = Cluster(f"{broker.host}:{broker.port}", real=False)
    try:
        yield cluster
    finally:
        cluster.close()
        del owner


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _alive(user: Path) -> bool:
    return Path(f"/proc/{user.name.removeprefix('user-')}").exists()


def events_of(messages: Sequence[bytes]) -> list[Any]:
    """The events of messages that hold one each."""
    return [json.loads(one) for one in messages]
