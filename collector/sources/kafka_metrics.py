"""What Kafka sources tell Prometheus."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

COMMIT_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_lock = threading.Lock()
_made: WeakKeyDictionary[CollectorRegistry, KafkaMetrics] = WeakKeyDictionary()


class KafkaMetrics:
    """The metrics of all Kafka sources of a registry.

    Labels are bounded by the source files: sources, their topics, and the partitions that are assigned.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "modelwatch_kafka_lag_messages",
            "Messages of a partition that are not fetched yet.",
            ("source", "topic", "partition"),
            registry=registry,
        )
        self.messages = Counter(
            "modelwatch_kafka_messages", "Messages committed.", ("source", "topic"), registry=registry
        )
        self.skipped = Counter(
            "modelwatch_kafka_skipped",
            "Messages that the brokers had deleted before they were read.",
            ("source", "topic"),
            registry=registry,
        )
        self.resets = Counter(
            "modelwatch_kafka_resets",
            "Times that a partition no longer had the position to read from.",
            ("source", "topic"),
            registry=registry,
        )
        self.fenced = Counter(
            "modelwatch_kafka_fenced",
            "Polls that were dropped because another worker had moved a position.",
            ("source",),
            registry=registry,
        )
        self.failures = Counter(
            "modelwatch_kafka_failures",
            "Polls and commits that failed, by whose failure it was.",
            ("source", "of"),
            registry=registry,
        )
        self.commit = Histogram(
            "modelwatch_kafka_commit_seconds",
            "Time that commits to the database took.",
            ("source",),
            buckets=COMMIT_SECONDS,
            registry=registry,
        )

    @classmethod
    def of(cls, registry: CollectorRegistry) -> KafkaMetrics:
        """The metrics in a registry, made with the first source."""
        with _lock:
            if registry not in _made:
                _made[registry] = cls(registry)
            return _made[registry]
