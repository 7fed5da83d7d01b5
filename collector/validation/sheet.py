"""Rows of one kind and model, on their way from JSON to clean columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from collector.batch import Coded, Deployment, Labels, Mask, Predictions, Rejection
from collector.schema import Schema
from collector.validation import columns
from collector.validation.columns import LONGEST_TEXT, BadValueError, Fault
from collector.validation.faults import Faults, timed
from collector.validation.ids import hashes
from collector.validation.probabilities import by_class
from collector.validation.times import times
from collector.validation.typed import Reader, decided, undecided
from profiles.counts import Ints

RAW_KEPT = 32_768  # characters: what is cut off cannot be replayed, and a hundred features are 4000


def rejection(row: int, kind: str, model: str, fault: Fault, name: str, event: Any) -> Rejection:
    """The rejection of an event for its first bad field."""
    value, raw = _shown(fault.value)[:200], _shown(event)[:RAW_KEPT]
    return Rejection(row, kind, model, name, value, fault.reason, fault.fix, raw, violation=fault.violation)


def _shown(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        return "(nested too deeply to show)"


class Events(Protocol):
    """Events of one kind and model, by field."""

    def field(self, name: str) -> Sequence[Any]:
        """A field of every event; None where it is absent."""

    def inner(self, group: str, name: str) -> Sequence[Any]:
        """A field of the object `features` or `tags` of every event."""

    def odd(self, group: str) -> list[Fault]:
        """The events whose `features` or `tags` is no object."""

    def raw(self, at: int) -> Any:
        """An event as it came."""


class Sheet:
    """Rows of one kind and model on their way to columns.

    Args:
        kind: of the events.
        schema: of their model.
        rows: the number of each in its delivery.
        events: what they hold.
        now: the server's time in seconds, or None to accept times in the future.
    """

    def __init__(
        self, kind: str, schema: Schema, rows: Sequence[int], events: Events, now: float | None
    ) -> None:
        self._kind, self._schema, self._now = kind, schema, now
        self._rows, self._events = rows, events
        self._faults = Faults()
        self._read: Predictions | None = None
        self._reader = Reader(schema, nan_is_missing=False, fault=self._faults.note)

    def _good(self) -> Mask:
        good = np.ones(len(self._rows), bool)
        good[list(self._faults)] = False
        return good

    def rejections(self) -> list[Rejection]:
        """One for each bad row, by its first bad field."""
        found = [
            rejection(self._rows[at], self._kind, self._schema.model, fault, name, self._events.raw(at))
            for at, (name, fault) in sorted(self._faults.items())
        ]
        return timed(found, self._faults, self._read)

    def predictions(self) -> Predictions:
        """The good rows of predictions."""
        reader = self._reader
        for group in ("features", "tags"):
            self._faults.note(group, self._events.odd(group))
        given = self._events.field("prediction")
        logged = given.count(None) < len(given)
        prediction = reader.outcome("prediction", given if logged else None)
        score = reader.score(self._events.field("score"))
        scores = self._scores()
        names, versions = self._ids(), self._versions()
        status = reader.status(self._events.field("status"))
        read = Predictions(
            ids=hashes(names),
            names=names,
            times=self._times(),
            versions=versions,
            features={
                name: reader.feature(name, self._events.inner("features", name))
                for name in self._schema.features
            },
            prediction=decided(self._schema.task, prediction, score, scores),
            score=score,
            scores=scores,
            latency=reader.latency(self._events.field("latency_ms")),
            status=status,
            segments={
                name: versions
                if self._schema.is_version(name)
                else reader.category(f"tags.{name}", self._segment(name))
                for name in self._schema.segments
            },
        )
        self._faults.note("prediction", undecided(read, self._schema.task))
        self._read = read
        return read.take(self._good()) if self._faults else read

    def _scores(self) -> Mapping[str, Any] | None:
        """Probabilities by class."""
        given = self._events.field("scores") if self._schema.task == "multiclass" else []
        if given.count(None) == len(given):
            return None
        found, faults = by_class(given)
        self._faults.note("scores", faults)
        return self._reader.scores(found)

    def _segment(self, name: str) -> Sequence[Any]:
        """A segment's values: a feature's, or a tag's where that is not sent."""
        sent, tags = self._events.inner("features", name), self._events.inner("tags", name)
        return [tag if value is None else value for value, tag in zip(sent, tags, strict=True)]

    def labels(self) -> Labels:
        """The good rows of labels."""
        values = self._events.field("label")
        self._faults.note(
            "label",
            [
                Fault(at, None, "missing", "send the label")
                for at, value in enumerate(values)
                if value is None
            ],
        )
        read = self._reader.outcome("label", values)
        moments = self._times()
        ids = hashes(self._ids())
        assert read is not None  # noqa: S101 - a list was given
        return Labels(ids, moments, read).take(self._good())

    def deployments(self) -> list[Deployment]:
        """The good rows of deployments."""
        moments = self._times()
        names: dict[str, list[str]] = {"version": self._texts("version", columns.LONGEST_NAME)}
        names |= {name: self._texts(name) for name in ("by", "reason")}
        for at, version in enumerate(names["version"]):
            if not version:
                self._faults.note(
                    "version", [Fault(at, version, "missing", "send the version that went live")]
                )
        return [
            Deployment(
                self._schema.model,
                names["version"][at],
                int(moments[at]),
                names["by"][at],
                names["reason"][at],
            )
            for at in np.flatnonzero(self._good()).tolist()
        ]

    def _texts(self, name: str, longest: int = LONGEST_TEXT) -> list[str]:
        def read(value: Any) -> str:
            return columns.text(value, longest) or ""

        clean, faults = columns.one_by_one(self._events.field(name), read, "")
        self._faults.note(name, faults)
        return clean

    def _ids(self) -> Any:
        def read(value: Any) -> str:
            if value is None or value == "":
                raise BadValueError("missing", "send a unique id: labels and retries are matched by it")
            return columns.text(value) or ""

        values = self._events.field("id")
        if (
            set(map(type, values)) == {str}
            and 0 < min(map(len, values)) <= max(map(len, values)) <= LONGEST_TEXT
        ):
            return pa.array(values, pa.string())
        clean, faults = columns.one_by_one(values, read, "")
        self._faults.note("id", faults)
        return pa.array(clean, pa.string())

    def _times(self) -> Ints:
        clean, faults = times(self._events.field("timestamp"), self._now)
        self._faults.note("timestamp", faults)
        fix = "send the event's time: seconds since 1970, or ISO 8601"
        missing = [Fault(int(at), None, "missing", fix) for at in np.flatnonzero(clean == 0)]
        self._faults.note("timestamp", missing)
        return clean

    def _versions(self) -> Coded:
        given = self._events.field("version")
        return self._reader.version(["unknown" if one in (None, "") else one for one in given])
