"""From events to a batch of clean columns: every row is accepted, or rejected with its reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from collector.batch import Batch, Deployment, Labels, Predictions, Rejection
from collector.schema import Schema
from collector.validation.columns import Fault, named
from collector.validation.decode import RAW, BadBodyError, event_of_line
from collector.validation.events import FIELDS, HEAD, DictEvents, Layout, StructEvents
from collector.validation.sheet import Events, Sheet, rejection

KINDS = ("prediction", "label", "deployment")
UNREADABLE = (ValueError, RecursionError)  # msgspec raises UnicodeDecodeError too


class Validator:
    """Sorts events by kind and model, reads their columns, and keeps what is wrong with each row.

    Args:
        schemas: every monitored model's schema, by name.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self.schemas = schemas
        self._last: tuple[str, str] | None = None  # what came last: the next is likely alike
        self._layout = lru_cache(maxsize=None)(lambda kind, model: Layout(kind, schemas[model]))

    def batch(self, events: Sequence[Any], kind: str | None, now: float | None) -> Batch:
        """Validate one delivery.

        Args:
            events: what `decode` returned; rows that are no objects, or errors, are rejected.
            kind: what all of them are, or None when each says so in its field `kind`.
            now: the server's time in seconds, or None to accept times in the future.
        """
        found = _Found(self.schemas, now)
        found.events(list(enumerate(events)), kind)
        return found.batch()

    def lines(self, lines: Sequence[bytes], kind: str | None, now: float | None) -> Batch:
        """Validate one delivery of JSON texts, an event each: as `batch` of them decoded, but faster.

        Args:
            lines: the events.
            kind: what all of them are, or None when each says so in its field `kind`.
            now: the server's time in seconds, or None to accept times in the future.
        """
        found = _Found(self.schemas, now)
        odd: list[int] = []  # what has no layout, or does not fit in it
        waiting = self._alike(lines, range(len(lines)), kind, found, odd)
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for row in waiting:
            try:
                head = HEAD(lines[row])
            except UNREADABLE:
                odd.append(row)
                continue
            sort = kind or head.kind
            known = isinstance(head.model, str) and head.model in self.schemas
            if known and isinstance(sort, str) and sort in FIELDS:
                groups[sort, head.model].append(row)
            else:
                odd.append(row)
        for (sort, model), rows in groups.items():
            self._decoded(lines, rows, (sort, model), found, odd, told=True)
        found.events([(row, event_of_line(lines[row])) for row in sorted(odd)], kind)
        return found.batch()

    def array(self, body: Any, kind: str | None, now: float | None, most: int) -> Batch | None:
        """Validate a JSON array whose events are of one kind and model, those of the last delivery.

        Args:
            body: the JSON, bytes or a view of them.
            kind: what all of them are, or None when each says so in its field `kind`.
            now: the server's time in seconds, or None to accept times in the future.
            most: how many there may be.

        Returns:
            The batch, the same as `lines` gives; None where it is something else: read it some other way.
        """
        if self._last is None or self._last[0] != (kind or self._last[0]):
            return None
        (sort, model), layout = self._last, self._layout(*self._last)
        try:
            events = layout.decode_array(body)
        except UNREADABLE:
            return None
        alike = all(event.model == model and (kind or event.kind) == sort for event in events)
        if not alike or not 0 < len(events) <= most:
            return None
        found = _Found(self.schemas, now)
        raw = lru_cache(maxsize=1)(lambda: RAW(bytes(body)))  # only where a row is rejected
        read = StructEvents(layout, events, lambda at: bytes(raw()[at]))
        found.sheet(sort, model, range(len(events)), read)
        found.received[model] += len(events)
        return found.batch()

    def _alike(
        self, lines: Sequence[bytes], rows: Sequence[int], kind: str | None, found: _Found, odd: list[int]
    ) -> Sequence[int]:
        """Read all rows as what the first is; returns those that are something else."""
        try:
            head = HEAD(lines[rows[0]])
        except (*UNREADABLE, IndexError):
            return rows
        sort = kind or head.kind
        if not (isinstance(sort, str) and sort in FIELDS and isinstance(head.model, str)):
            return rows
        if head.model not in self.schemas:
            return rows
        return self._decoded(lines, rows, (sort, head.model), found, odd, told=kind is not None)

    def _decoded(
        self,
        lines: Sequence[bytes],
        rows: Sequence[int],
        of: tuple[str, str],
        found: _Found,
        odd: list[int],
        *,
        told: bool,
    ) -> Sequence[int]:
        """Read rows as events of one kind and model; returns those of others.

        `told` says that the kind is known from elsewhere.
        """
        layout = self._layout(*of)
        sort, model = of
        decode, events, places, others = layout.decode, [], [], []
        for row in rows:
            try:
                event = decode(lines[row])
            except UNREADABLE:
                odd.append(row)
                continue
            if event.model == model and (told or event.kind == sort):
                events.append(event)
                places.append(row)
            else:
                others.append(row)
        if places:
            self._last = of
        found.sheet(sort, model, places, StructEvents(layout, events, lambda at: lines[places[at]]))
        found.received[model] += len(places)
        return others


class _Found:
    """What a delivery holds, so far."""

    def __init__(self, schemas: Mapping[str, Schema], now: float | None) -> None:
        self._schemas, self._now = schemas, now
        self.received: dict[str, int] = defaultdict(int)
        self._predictions: dict[str, list[Predictions]] = defaultdict(list)
        self._labels: dict[str, list[Labels]] = defaultdict(list)
        self._deployments: list[Deployment] = []
        self._rejections: list[Rejection] = []

    def events(self, events: Sequence[tuple[int, Any]], kind: str | None) -> None:
        """Take in decoded events with their rows, of any kind and model."""
        groups: dict[tuple[str, str], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        for row, event in events:
            refused, sort, model = self._sort(row, event, kind)
            self.received[model if model in self._schemas else ""] += 1
            if refused:
                self._rejections.append(refused)
            else:
                groups[sort, model].append((row, event))
        for (sort, model), rows in groups.items():
            self.sheet(sort, model, [row for row, _ in rows], DictEvents([event for _, event in rows]))

    def sheet(self, sort: str, model: str, rows: Sequence[int], events: Events) -> None:
        """Take in events of one kind and model."""
        if not rows:
            return
        sheet = Sheet(sort, self._schemas[model], rows, events, self._now)
        if sort == "prediction":
            self._predictions[model].append(sheet.predictions())
        elif sort == "label":
            self._labels[model].append(sheet.labels())
        else:
            self._deployments += sheet.deployments()
        self._rejections += sheet.rejections()

    def batch(self) -> Batch:
        """Everything that was taken in."""
        self._rejections.sort(key=lambda refused: refused.row)
        received = {model: count for model, count in self.received.items() if count}
        return Batch(received, self._predictions, self._labels, self._deployments, self._rejections)

    def _sort(self, row: int, event: Any, kind: str | None) -> tuple[Rejection | None, str, str]:
        """The row's kind and model, or why it has none."""
        if isinstance(event, BadBodyError):
            fault = Fault(row, event.raw, str(event), event.fix)
            return rejection(row, kind or "", "", fault, "", event.raw), "", ""
        if not isinstance(event, dict):
            fault = Fault(row, event, f"expected an object, got {named(event)}", "send a JSON object")
            return rejection(row, kind or "", "", fault, "", event), "", ""
        sort = kind or event.get("kind")
        if sort not in KINDS:
            fault = Fault(row, sort, "not a kind of event", f"send one of {', '.join(KINDS)}")
            return rejection(row, "", "", fault, "kind", event), "", ""
        model = event.get("model")
        if not isinstance(model, str) or model not in self._schemas:
            known = ", ".join(sorted(self._schemas)) or "none"
            fault = Fault(
                row, model, "no such model is monitored", f"monitored are: {known}; add a monitor file"
            )
            return rejection(row, sort, "", fault, "model", event), "", ""
        return None, sort, model
