"""The Kafka client: how it is set up, and what it says in words of our own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from kafka import ConsumerRebalanceListener, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, LogTruncationError, NoOffsetForPartitionError, OffsetOutOfRangeError

from collector.sources.kafka import Kafka

PATIENCE = 5.0  # seconds for an answer that nothing goes on without
FETCH_BYTES, PARTITION_BYTES = 16 * 1024 * 1024, 4 * 1024 * 1024


class GapError(Exception):
    """Partitions no longer have what was to be read next: by partition, what that was, and what they have."""

    def __init__(self, found: Mapping[Any, tuple[int | None, int | None]]) -> None:
        super().__init__(str(found))
        self.found = found


def client_of(source: Kafka) -> Any:
    """A client that has reached the brokers.

    Raises:
        ConnectionError: it has not; says what to look at.
        SecretError: a secret is not there.
    """
    try:
        return KafkaConsumer(**settings(source))
    except KafkaError as error:
        if source.security.mechanism is None:
            raise
        # the client drops a broker's refusal that arrives together with the end of the connection
        raise ConnectionError(
            f"{error}; if the brokers are up, look at security.mechanism, security.username and the"
            f" variable {source.security.password}: brokers hang up on who is not let in"
        ) from error


class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Notes that partitions came and went; the client calls it on its own thread, within `poll`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.turns = 0
        self.due = threading.Event()

    def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - the client's interface
        """Note it."""
        self.turns += 1

    def on_partitions_assigned(self, assigned: Any) -> None:
        """Hold them, and note it."""
        self._client.pause(*assigned)  # until their positions have been read from the database
        self.turns += 1
        self.due.set()


def poll(client: Any, seconds: float, most: int) -> dict[Any, list[Any]]:
    """New messages by partition, at most so many.

    Raises:
        GapError: a partition no longer has what was to be read next.
        Exception: whatever the client throws; it is not to be used again then.
    """
    try:
        return client.poll(timeout_ms=int(seconds * 1000), max_records=most)  # type: ignore[no-any-return]
    except NoOffsetForPartitionError:
        return {}  # newly assigned: `_place` knows the position
    except OffsetOutOfRangeError as error:
        raise GapError({part: (place, None) for part, place in error.args[0].items()}) from None
    except LogTruncationError as error:
        known = error.divergent_offsets.items()
        raise GapError({part: (None, to and to.offset) for part, to in known}) from None


def edge(client: Any, part: Any, which: str) -> int:
    """The `earliest` offset of a partition, or that after its last."""
    ask = client.beginning_offsets if which == "earliest" else client.end_offsets
    return int(ask([part], timeout_ms=PATIENCE * 1000)[part])


def named(part: Any) -> str:
    """A partition's name in the positions."""
    return f"{part.topic}/{part.partition}"


def parted(name: str) -> Any:
    """The partition of a name."""
    topic, _, number = name.rpartition("/")
    return TopicPartition(topic, int(number))


def settings(source: Kafka) -> dict[str, Any]:
    """What the client is configured with."""
    return {
        "bootstrap_servers": list(source.bootstrap),
        "client_id": "modelwatch",
        "group_id": source.group,
        "api_version": source.api_version and tuple(map(int, source.api_version.split("."))),
        "bootstrap_timeout_ms": PATIENCE * 1000,
        "reconnect_backoff_max_ms": 2000,  # back soon after the brokers are
        "auto_offset_reset": "none",  # a gap is told, not passed over in silence
        "enable_auto_commit": False,
        "isolation_level": source.isolation,
        "allow_auto_create_topics": False,
        "fetch_max_bytes": FETCH_BYTES,
        "max_partition_fetch_bytes": PARTITION_BYTES,
        "session_timeout_ms": int(source.session_seconds * 1000),
        "heartbeat_interval_ms": int(min(3.0, source.session_seconds / 3) * 1000),
        "metadata_max_age_ms": 30_000,  # new topics and partitions are found as soon
        "metrics_enabled": False,
    } | source.security.settings()
