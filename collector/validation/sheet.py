"""Rows of one kind and model, on their way from JSON to clean columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from collector.batch import Coded, Deployment, Labels, Mask, Predictions, Rejection
from collector.schema import Schema
from collector.validation import columns
from collector.validation.columns import BadValueError, Fault
from collector.validation.ids import hashes
from collector.validation.times import times
from collector.validation.typed import Reader, decided
from profiles.counts import Floats, Ints

RAW_KEPT = 2000
Rows = list[tuple[int, dict[str, Any]]]


def rejection(row: int, kind: str, model: str, fault: Fault, name: str, event: Any) -> Rejection:
    """The rejection of an event for its first bad field."""
    value, raw = _shown(fault.value)[:200], _shown(event)[:RAW_KEPT]
    return Rejection(row, kind, model, name, value, fault.reason, fault.fix, raw)


def _shown(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value, default=str)
    except RecursionError:
        return "(nested too deeply to show)"


class Sheet:
    """Rows of one kind and model on their way to columns."""

    def __init__(self, kind: str, schema: Schema, rows: Rows, now: float | None) -> None:
        self._kind, self._schema, self._now = kind, schema, now
        self._rows = [row for row, _ in rows]
        self._events = [event for _, event in rows]
        self._faults: dict[int, tuple[str, Fault]] = {}
        self._reader = Reader(schema, nan_is_missing=False, fault=self._fault)

    def _fault(self, name: str, faults: Sequence[Fault]) -> None:
        for fault in faults:
            self._faults.setdefault(fault.row, (name, fault))

    def _field(self, name: str) -> list[Any]:
        return [event.get(name) for event in self._events]

    def _good(self) -> Mask:
        good = np.ones(len(self._events), bool)
        good[list(self._faults)] = False
        return good

    def rejections(self) -> list[Rejection]:
        """One for each bad row, by its first bad field."""
        return [
            rejection(self._rows[at], self._kind, self._schema.model, fault, name, self._events[at])
            for at, (name, fault) in sorted(self._faults.items())
        ]

    def predictions(self) -> Predictions:
        """The good rows of predictions."""
        reader = self._reader
        held = {name: self._mapping(name) for name in ("features", "tags")}
        prediction = reader.outcome("prediction", self._field("prediction"))
        score = reader.score(self._field("score"))
        names = self._ids()
        failed = reader.failed(self._field("status"))
        read = Predictions(
            ids=hashes(names),
            names=names,
            times=self._times(),
            versions=self._versions(),
            features={
                name: reader.feature(name, [row.get(name) for row in held["features"]])
                for name in self._schema.features
            },
            prediction=decided(self._schema.task, prediction, score),
            score=score,
            latency=reader.latency(self._field("latency_ms")),
            failed=failed,
            segments={
                name: reader.category(
                    f"tags.{name}",
                    [
                        features.get(name, tags.get(name))
                        for features, tags in zip(held["features"], held["tags"], strict=True)
                    ],
                )
                for name in self._schema.segments
            },
        )
        self._require_outcome(failed)
        return read.take(self._good())

    def _require_outcome(self, failed: Floats | None) -> None:
        fix = "send the prediction" + (", or a score" if self._schema.task == "binary" else "")
        fix += "; or the status of a request that failed"
        for at, event in enumerate(self._events):
            scored = self._schema.task == "binary" and event.get("score") is not None
            excused = scored or (failed is not None and failed[at] == 1)
            if event.get("prediction") is None and not excused:
                self._fault("prediction", [Fault(at, None, "missing", fix)])

    def labels(self) -> Labels:
        """The good rows of labels."""
        values = self._field("label")
        self._fault(
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
        names = {name: self._texts(name) for name in ("version", "by", "reason")}
        for at, version in enumerate(names["version"]):
            if not version:
                self._fault("version", [Fault(at, version, "missing", "send the version that went live")])
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

    def _texts(self, name: str) -> list[str]:
        clean, faults = columns.one_by_one(self._field(name), lambda value: columns.text(value) or "", "")
        self._fault(name, faults)
        return clean

    def _ids(self) -> Any:
        def read(value: Any) -> str:
            if value is None or value == "":
                raise BadValueError("missing", "send a unique id: labels and retries are matched by it")
            return columns.text(value) or ""

        values = self._field("id")
        clean, faults = columns.one_by_one(values, read, "")
        self._fault("id", faults)
        return pa.array(clean, pa.string())

    def _times(self) -> Ints:
        clean, faults = times(self._field("timestamp"), self._now)
        self._fault("timestamp", faults)
        fix = "send the event's time: seconds since 1970, or ISO 8601"
        missing = [Fault(int(at), None, "missing", fix) for at in np.flatnonzero(clean == 0)]
        self._fault("timestamp", missing)
        return clean

    def _versions(self) -> Coded:
        given = self._field("version")
        return self._reader.category("version", ["unknown" if one in (None, "") else one for one in given])

    def _mapping(self, name: str) -> list[dict[str, Any]]:
        def read(value: Any) -> dict[str, Any]:
            if value is not None and not isinstance(value, dict):
                raise BadValueError(
                    f"expected an object, got {columns.named(value)}", f"send {name} as an object"
                )
            return value or {}

        empty: dict[str, Any] = {}
        clean, faults = columns.one_by_one(self._field(name), read, empty)
        self._fault(name, faults)
        return clean
