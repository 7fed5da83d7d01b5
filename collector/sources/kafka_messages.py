"""From the messages of a poll to one batch: JSON of one kind is validated together, by columns."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from collector.batch import Batch, Deployment, Labels, Predictions, Rejection
from collector.schema import Schema
from collector.sources.kafka import Topic
from collector.sources.mapping import Origin, compiled
from collector.validation.arrow import arrow_batch
from collector.validation.decode import (
    BadBodyError,
    event_of_line,
    events_of_json,
    lines_of_json,
    lines_of_ndjson,
)
from collector.validation.sheet import RAW_KEPT
from collector.validation.validate import Validator

ARROW_TYPE = b"application/vnd.apache.arrow.stream"
ARROW_START = b"\xff\xff\xff\xff"
REGISTRY_START = b"\x00"  # and four bytes of a schema's number, before the JSON
REGISTRY_BYTES = 5
Message = Any  # kafka.ConsumerRecord, or anything with its attributes


@dataclass
class _Pile:
    """Events of one kind on their way to the validator, and the message and the place that each is from."""

    lines: list[bytes] = field(default_factory=list)
    of_lines: list[tuple[Message, int]] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    of_events: list[tuple[Message, int]] = field(default_factory=list)


class Reading:
    """Makes batches of messages.

    Args:
        topics: what the messages of each topic are.
        schemas: every monitored model's schema, by name.
    """

    def __init__(self, topics: Iterable[Topic], schemas: Mapping[str, Schema]) -> None:
        self._topics = {topic.topic: topic for topic in topics}
        self._maps = {topic.topic: _mapped(topic) for topic in self._topics.values()}
        self._schemas, self._validator = schemas, Validator(schemas)

    def batch(self, chunks: Iterable[Sequence[Message]]) -> tuple[Batch, list[str]]:
        """The batch, and where each of its rejected rows is: `topic/partition@offset`.

        A message that cannot be read is a rejected row; none is ever in the way of the next.

        Args:
            chunks: messages, those of each chunk all of one topic.
        """
        now = time.time()
        piles: dict[str | None, _Pile] = defaultdict(_Pile)
        whole = _Whole()
        for chunk in chunks:
            topic = self._topics[chunk[0].topic]
            self._sort(topic, chunk, piles[topic.event], whole, now)
        for kind, pile in piles.items():
            if pile.lines:
                whole.add(self._validator.lines(pile.lines, kind, now), pile.of_lines.__getitem__)
            if pile.events:
                whole.add(self._validator.batch(pile.events, kind, now), pile.of_events.__getitem__)
        return whole.batch(), whole.origins

    def _sort(self, topic: Topic, chunk: Sequence[Message], pile: _Pile, whole: _Whole, now: float) -> None:
        """Put JSON on the pile, and add what comes as columns."""
        plain = self._maps[topic.topic] is None and topic.model is None
        for message in chunk:
            value = message.value or b""
            try:
                if value[:4] == ARROW_START or (message.headers and _says_arrow(message)):
                    batch = arrow_batch(value, self._schemas, topic.event, topic.model, now)
                    whole.add(batch, partial(_at, message))
                    continue
                if plain and (lines := _lines(value)):
                    pile.lines += lines
                    pile.of_lines += [(message, place) for place in range(len(lines))]
                    continue
                events = self._events(topic, message, value)
            except BadBodyError as error:
                raw = error.raw or value[:RAW_KEPT].decode(errors="replace")
                events = [BadBodyError(str(error), error.fix, raw)]
            pile.events += events
            pile.of_events += [(message, place) for place in range(len(events))]

    def _events(self, topic: Topic, message: Message, value: bytes) -> list[Any]:
        """The events of a message that is no plain line of our own layout."""
        if not value.strip():
            raise BadBodyError("the message is empty", "send an event; deletions mean nothing here")
        if value[:1] == REGISTRY_START:
            value = value[REGISTRY_BYTES:]
        event = self._maps[topic.topic]
        events = _parsed(value)
        if event is not None:
            origin = Origin(where(message), message.timestamp, message.key, message.headers)
            return [event(one, origin) for one in events]
        if topic.model is not None:
            return [{"model": topic.model} | one if isinstance(one, dict) else one for one in events]
        return events


class _Whole:
    """Batches added up to one, with the place in its message as the row of what was rejected."""

    def __init__(self) -> None:
        self.origins: list[str] = []
        self._received: dict[str, int] = defaultdict(int)
        self._predictions: dict[str, list[Predictions]] = defaultdict(list)
        self._labels: dict[str, list[Labels]] = defaultdict(list)
        self._deployments: list[Deployment] = []
        self._rejections: list[Rejection] = []

    def add(self, batch: Batch, source: Callable[[int], tuple[Message, int]]) -> None:
        """Add a batch; `source` tells each row's message, and its place there."""
        for model, count in batch.received.items():
            self._received[model] += count
        for model, parts in batch.predictions.items():
            self._predictions[model] += parts
        for model, labels in batch.labels.items():
            self._labels[model] += labels
        self._deployments += batch.deployments
        for rejection in batch.rejections:
            message, place = source(rejection.row)
            self.origins.append(where(message))
            self._rejections.append(replace(rejection, row=place))

    def batch(self) -> Batch:
        """Everything that was added."""
        return Batch(self._received, self._predictions, self._labels, self._deployments, self._rejections)


def _at(message: Message, row: int) -> tuple[Message, int]:
    return message, row


def where(message: Message) -> str:
    """Where a message is: `topic/partition@offset`."""
    return f"{message.topic}/{message.partition}@{message.offset}"


def quarantined(message: Message, error: Exception) -> tuple[Batch, list[str]]:
    """The batch that stands for a message which cannot be committed: one rejected row, so that others can."""
    raw = (message.value or b"")[:RAW_KEPT].decode(errors="replace")
    reason = f"could not be processed: {type(error).__name__}: {error}"[:RAW_KEPT]
    fix = "look at the service's log, and report it"
    return Batch({"": 1}, rejections=[Rejection(0, "", "", "", "", reason, fix, raw)]), [where(message)]


def _mapped(topic: Topic) -> Callable[[Any, Origin], Any] | None:
    if topic.map is None:
        return None
    said = {"kind": topic.event, "model": topic.model}
    fixed = {name: value for name, value in said.items() if value is not None}
    return compiled(topic.map, fixed, topic.timestamp_unit)


def _says_arrow(message: Message) -> bool:
    return any(
        name.lower() == "content-type" and bytes(value or b"").split(b";")[0].strip().lower() == ARROW_TYPE
        for name, value in message.headers
    )


def _lines(value: bytes) -> list[bytes] | None:
    """The events of a message: one, a list, or one on each line; None where it is something else."""
    if value[:1] == b"[":
        return lines_of_json(value)
    if value[:1] != b"{":
        return None
    if b"\n" not in value:
        return [value]
    lines = [line for line in value.split(b"\n") if line.strip()]
    # the first line of one event that is written over several lines does not end it
    return lines if lines[0].rstrip().endswith(b"}") else None


def _parsed(value: bytes) -> list[Any]:
    """The events of any JSON or NDJSON.

    Raises:
        BadBodyError: it is neither.
    """
    try:
        return events_of_json(value, "")
    except BadBodyError:
        if b"\n" not in value.strip():
            raise
        return [event_of_line(line) for line in lines_of_ndjson(value)]
