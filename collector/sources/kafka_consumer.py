"""A Kafka consumer whose positions are those in the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from collector.delivery import Advance
from collector.sources.kafka import Kafka
from collector.sources.kafka_client import PATIENCE, GapError, Listener, client_of, edge, named, parted, poll
from collector.sources.kafka_metrics import KafkaMetrics
from collector.store.database import Database
from collector.store.positions import positions

log = logging.getLogger(__name__)
IDLE = 0.2  # seconds that a poll waits for the first message
GATHER = 0.2  # and then for more
MOST_BYTES = 32 * 1024 * 1024  # of the messages of one commit
LAG_EVERY = 1.0
Chunks = list[Sequence[Any]]  # messages, those of each chunk all of one partition


class Consumer:
    """One membership of the consumer group, from joining to leaving.

    Args:
        source: what to consume.
        database: knows the positions.
        metrics: take the lag.
    """

    def __init__(self, source: Kafka, database: Database, metrics: KafkaMetrics) -> None:
        self._source, self._database, self._metrics = source, database, metrics
        self._client = client_of(source)
        self._listener = Listener(self._client)
        topics = [topic.topic for topic in source.topics]
        self._client.subscribe(topics, listener=self._listener)
        try:  # a group that forms before the client knows the partitions shares out none
            for topic in topics:
                edge(self._client, TopicPartition(topic, 0), "earliest")
        except KafkaError as error:
            log.warning(
                "%s: no such topics, or not allowed to read them: %s: %s", source.source, topics, error
            )
        self._following: dict[str, int | None] = {}
        self._lags: dict[Any, float] = {}
        self._told = 0.0

    def fetch(self, most: int) -> Chunks:
        """Messages for one commit; none when there is nothing new, or when partitions came or went.

        Raises:
            GapError: a partition no longer has what was to be read next.
            SQLAlchemyError: the database does not say the positions.
            Exception: whatever the client throws; it is not to be used again then.
        """
        if self._listener.due.is_set():
            poll(self._client, 0, 1)  # stays a member, however long the database is away
            self._place()
            return []
        chunks: Chunks = []
        count = size = 0
        turns, wait, end = self._listener.turns, IDLE, 0.0
        while count < most and size < MOST_BYTES and wait >= 0:
            try:
                found = poll(self._client, wait, most - count)
            except GapError:
                if not chunks:
                    raise
                break  # they come first; the gap stays
            if turns != self._listener.turns:
                return []  # what was fetched may be another worker's now: it starts from the database
            for messages in found.values():
                chunks.append(messages)
                count += len(messages)
                size += sum([len(message.value or b"") for message in messages])
            if not chunks:
                break
            end = end or time.monotonic() + GATHER
            wait = end - time.monotonic()
        self._tell_lag()
        return chunks

    def _place(self) -> None:
        """Begin where the database says; else where the group was; else at the source's start."""
        turns = self._listener.turns
        parts = self._client.assignment()
        known = positions(self._database, self._source.source)
        self._following = {named(part): known.get(named(part)) for part in parts}
        for part in parts:
            place = self._following[named(part)]
            self._client.seek(part, self._start(part) if place is None else place)
        self._client.resume(*parts)
        for gone in set(self._lags) - set(parts):
            self._metrics.lag.remove(self._source.source, gone.topic, str(gone.partition))
            del self._lags[gone]
        if turns == self._listener.turns:
            self._listener.due.clear()

    def _start(self, part: Any) -> int:
        committed = self._client.committed(part, timeout_ms=PATIENCE * 1000)
        if committed is not None:
            return int(committed)
        return edge(self._client, part, self._source.start)

    def leap(self, gap: GapError) -> tuple[Advance, ...]:
        """The positions behind a gap; to be committed before reading on."""
        return tuple(
            Advance(
                named(part),
                self._following.get(named(part)),
                edge(self._client, part, "earliest") if to is None else to,
            )
            for part, (_, to) in gap.found.items()
        )

    def tell(self, gap: GapError, leaps: Sequence[Advance]) -> None:
        """Tell those who must know what was never read."""
        for (part, (sought, _)), leap in zip(gap.found.items(), leaps, strict=True):
            begun = leap.expected or 0 if sought is None else sought
            told = (
                "they were deleted before they were read" if leap.following > begun
                else "the topic is shorter than it was: made anew, or truncated"
            )  # fmt: skip
            name, names = self._source.source, (self._source.source, part.topic)
            log.error(
                "%s: offsets of %s from %d to %d are not read: %s",
                name,
                leap.partition,
                begun,
                leap.following,
                told,
            )
            self._metrics.resets.labels(*names).inc()
            self._metrics.skipped.labels(*names).inc(max(0, leap.following - begun))

    def advances(self, chunks: Chunks) -> tuple[Advance, ...]:
        """The positions after some messages."""
        last = {named(chunk[-1]): chunk[-1].offset for chunk in chunks}
        return tuple(Advance(name, self._following[name], offset + 1) for name, offset in last.items())

    def advanced(self, advances: Sequence[Advance]) -> None:
        """Note that positions were committed, and tell the group's coordinator, for whoever looks there."""
        self._following |= {step.partition: step.following for step in advances}
        offsets = {parted(step.partition): OffsetAndMetadata(step.following) for step in advances}
        try:
            self._client.commit_async(offsets, callback=_committed)
        except KafkaError as error:
            _committed(offsets, error)

    def disown(self) -> None:
        """Drop what was fetched: begin again where the database says."""
        self._client.pause(*self._client.assignment())
        self._listener.due.set()

    def _tell_lag(self) -> None:
        if time.monotonic() - self._told < LAG_EVERY:
            return
        self._told = time.monotonic()
        for part in self._client.assignment():
            end, place = self._client.highwater(part), self._client.position(part, timeout_ms=0)
            if end is not None and place is not None:
                self._lags[part] = max(0, end - place)
                labels = (self._source.source, part.topic, str(part.partition))
                self._metrics.lag.labels(*labels).set(self._lags[part])

    def close(self, *, tell: bool) -> None:
        """Leave the group.

        Args:
            tell: whether the coordinator is told the last positions, and waited for.
        """
        for part in self._lags:
            self._metrics.lag.remove(self._source.source, part.topic, str(part.partition))
        try:
            if tell:
                known = {parted(name): place for name, place in self._following.items() if place is not None}
                offsets = {part: OffsetAndMetadata(place) for part, place in known.items()}
                self._client.commit(offsets, timeout_ms=PATIENCE * 1000)
        except KafkaError as error:
            _committed({}, error)
        try:
            self._client.close(autocommit=False, timeout_ms=PATIENCE * 1000)
        except Exception as error:  # noqa: BLE001 - it is left either way
            log.debug("%s: the consumer did not close: %s", self._source.source, error)


def _committed(_offsets: Any, answer: Any) -> None:
    if isinstance(answer, Exception):
        log.debug("the group's offsets were not committed: %s", answer)
