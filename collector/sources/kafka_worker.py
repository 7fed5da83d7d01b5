"""Consumes from Kafka and commits, through outages of either end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from collector.batch import Batch
from collector.delivery import Advance, Delivery, FencedError
from collector.schema import Schema
from collector.sources.kafka import Kafka
from collector.sources.kafka_client import GapError
from collector.sources.kafka_consumer import Chunks, Consumer
from collector.sources.kafka_messages import Reading, quarantined
from collector.sources.kafka_metrics import KafkaMetrics
from collector.store.database import Database
from collector.store.ledger import Ledger

log = logging.getLogger(__name__)
MOST = 20_000  # messages of one commit: enough to be worth its fsync
SHORTEST, LONGEST = 0.2, 10.0  # seconds between attempts


class KafkaWorker:
    """One worker of a Kafka source.

    Args:
        source: what to consume.
        database: where everything is committed.
        schemas: every monitored model's schema, by name.
        registry: takes its metrics.
    """

    def __init__(
        self, source: Kafka, database: Database, schemas: Mapping[str, Schema], registry: CollectorRegistry
    ) -> None:
        self._source, self._database = source, database
        self._ledger = Ledger(database, schemas)
        self._reading = Reading(source.topics, schemas)
        self._metrics = KafkaMetrics.of(registry)
        self._most = MOST
        self._delay = 0.0

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set."""
        while not stop.is_set():
            try:
                self._consume(stop)
            except Exception as error:  # noqa: BLE001 - the client throws much; a new one starts afresh
                self._failed("kafka", error, stop)

    def _consume(self, stop: threading.Event) -> None:
        """Be a member of the group for as long as all is well."""
        consumer = Consumer(self._source, self._database, self._metrics)
        try:
            while not stop.is_set():
                self._turn(consumer, stop)
        finally:
            consumer.close(tell=stop.is_set())

    def _turn(self, consumer: Consumer, stop: threading.Event) -> None:
        """Fetch and commit once."""
        try:
            try:
                chunks = consumer.fetch(self._most)
            except GapError as gap:
                leaps = consumer.leap(gap)
                self._commit(consumer, Batch({}), (), leaps)
                consumer.tell(gap, leaps)
                consumer.disown()
                return
            if chunks:
                self._take(consumer, chunks)
                self._delay = 0.0
        except FencedError as fenced:
            log.info("%s: %s", self._source.source, fenced)
            self._metrics.fenced.labels(self._source.source).inc()
            consumer.disown()
        except (sa.exc.SQLAlchemyError, MemoryError) as error:
            consumer.disown()
            self._failed("database", error, stop)

    def _take(self, consumer: Consumer, chunks: Chunks) -> None:
        """Commit messages; what cannot be committed is narrowed down to one message, and kept as rejected."""
        advances = consumer.advances(chunks)
        count = sum(map(len, chunks))
        try:
            batch, origins = self._reading.batch(chunks)
            self._commit(consumer, batch, origins, advances)
        except Exception as error:
            if isinstance(error, FencedError | MemoryError) or _of_database(error):
                raise
            log.exception("%s: %d messages could not be committed", self._source.source, count)
            self._metrics.failures.labels(self._source.source, "messages").inc()
            if count > 1:
                self._most = count // 2
                consumer.disown()
                return
            batch, origins = quarantined(chunks[0][0], error)
            self._commit(consumer, batch, origins, advances)
        for chunk in chunks:
            self._metrics.messages.labels(self._source.source, chunk[0].topic).inc(len(chunk))
        self._most = min(2 * self._most, MOST)

    def _commit(
        self, consumer: Consumer, batch: Batch, origins: Sequence[str], advances: tuple[Advance, ...]
    ) -> None:
        delivery = Delivery(self._source.source, batch, advances=advances, origins=origins)
        with self._metrics.commit.labels(self._source.source).time():
            self._ledger.commit(delivery, time.time_ns() // 1000)
        consumer.advanced(advances)

    def _failed(self, of: str, error: Exception, stop: threading.Event) -> None:
        """Say so, and wait, longer each time in a row."""
        self._metrics.failures.labels(self._source.source, of).inc()
        self._delay = min(max(2 * self._delay, SHORTEST), LONGEST)
        log.warning(
            "%s: %s: %s; trying again in %.1f s",
            self._source.source, type(error).__name__, error, self._delay,
        )  # fmt: skip
        stop.wait(self._delay)


def _of_database(error: Exception) -> bool:
    """Whether the database is at fault, rather than what was to be written."""
    return isinstance(error, sa.exc.SQLAlchemyError) and not isinstance(error, sa.exc.DataError)
