"""An Arrow record batch, from a file or from the wire, on its way to validated columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.batch import Batch, Coded, Labels, Mask, Predictions, Rejection, Values
from collector.schema import Columns, EmbeddingFeature, Schema
from collector.validation import columns
from collector.validation.columns import Fault
from collector.validation.faults import Faults, timed
from collector.validation.ids import hashes
from collector.validation.probabilities import by_class
from collector.validation.sheet import RAW_KEPT
from collector.validation.times import times
from collector.validation.typed import Reader, decided, undecided
from profiles.counts import Ints

UNKNOWN = "unknown"
SCORES = "scores"  # the column of structs or maps, on the wire and in the prediction log


class FileError(ValueError):
    """A file cannot be read as the monitor describes it."""


class Record:
    """One Arrow record batch on its way to columns.

    Args:
        record: the record batch.
        schema: names its columns: as the monitor does, or as events on the wire.
        first: the row number of its first row.
        now: the server's time in seconds, or None to accept times in the future.
        decided: whether every row must have a prediction, a score, or the status of a request that failed.
    """

    def __init__(
        self, record: Any, schema: Schema, first: int, now: float | None = None, *, decided: bool = False
    ) -> None:
        self._decided = decided
        self._record, self._schema, self._first, self._now = record, schema, first, now
        held = set(record.schema.names)
        given, wire = schema.columns.model_dump(exclude={"scores"}), Columns().model_dump()
        self._names = Columns(**{k: name if name in held else wire[k] for k, name in given.items()})
        self._faults = Faults()
        self._reader = Reader(schema, nan_is_missing=True, fault=self._faults.note)

    def _column(self, name: str, *, coded: bool = False) -> Any:
        held: list[str] = self._record.schema.names
        if name not in held:
            return None
        values = self._record.column(held.index(name))
        return values if coded and is_coded_text(values.type) else plain(values)

    def _segment(self, name: str) -> Coded:
        values = self._column(name, coded=True)
        if values is None:
            return Coded(np.full(self._record.num_rows, -1, np.int64), ())
        return self._reader.category(name, values)

    def _versions(self) -> Coded:
        values = self._column(self._names.version, coded=True)
        if values is None:
            return Coded(np.zeros(self._record.num_rows, np.int64), (UNKNOWN,))
        read = self._reader.version(values)
        return Coded(
            np.where(read.codes < 0, len(read.names), read.codes),
            (*(name or UNKNOWN for name in read.names), UNKNOWN),
        )

    def batch(self, moments: Ints | None) -> Batch:
        """The good rows as predictions, the bad ones as rejections."""
        names, task, reader = self._names, self._schema.task, self._reader
        score = reader.score(self._column(names.score))
        scores = self._scores()
        label = self._column(names.label)
        label_times = self._column(names.label_time)
        given, versions = self._ids(), self._versions()
        read = Predictions(
            ids=None if given is None else hashes(given),
            names=given,
            times=self._times(names.timestamp) if moments is None else moments,
            versions=versions,
            features={name: self._feature(name) for name in self._schema.features if self._held(name)},
            prediction=decided(
                task, reader.outcome("prediction", self._column(names.prediction)), score, scores
            ),
            score=score,
            scores=scores,
            latency=reader.latency(self._column(names.latency)),
            status=reader.status(self._column(names.status)),
            segments={
                name: versions if self._schema.is_version(name) else self._segment(name)
                for name in self._schema.segments
            },
            label=reader.outcome("label", label),
            label_times=None if label is None or label_times is None else self._known(names.label_time),
        )
        if self._decided:
            self._faults.note("prediction", undecided(read, task))
        model = self._schema.model
        good = np.ones(len(read), bool)
        good[list(self._faults)] = False
        kept = read if good.all() else read.take(good)
        rejections = timed(self._rejections("prediction"), self._faults, read)
        return Batch({model: len(read)}, {model: [kept]}, rejections=rejections)

    def labels(self) -> Batch:
        """The good rows as labels, the bad ones as rejections."""
        names, model = self._names, self._schema.model
        when = names.timestamp if self._column(names.timestamp) is not None else names.label_time
        moments, given = self._times(when), self._ids()
        ids = None if given is None else hashes(given)
        values = self._reader.outcome("label", self._column(names.label))
        if ids is None or values is None:
            raise FileError(f"a labels file needs the columns {names.id!r} and {names.label!r}")
        absent = values.codes < 0 if isinstance(values, Coded) else np.isnan(values)
        good: Mask = ~absent
        good[list(self._faults)] = False
        kept = Labels(ids, moments, values).take(good)
        rejections = self._rejections("label")
        return Batch({model: len(kept) + len(rejections)}, labels={model: [kept]}, rejections=rejections)

    def _rejections(self, kind: str) -> list[Rejection]:
        return [
            Rejection(
                self._first + at,
                kind,
                self._schema.model,
                name,
                str(fault.value)[:200],
                fault.reason,
                fault.fix,
                raw_row(self._record, at),
                violation=fault.violation,
            )
            for at, (name, fault) in sorted(self._faults.items())
        ]

    def _scores(self) -> Mapping[str, Any] | None:
        """Probabilities by class: a column for each, as the monitor says, or one of structs or maps."""
        if self._schema.task != "multiclass":
            return None
        given = {name: self._column(column) for name, column in self._schema.columns.scores.items()}
        found = {name: column for name, column in given.items() if column is not None}
        whole = None if found or SCORES in self._schema.features else self._column(SCORES)
        # a file may have a column of that name that is something else
        if whole is not None and (self._decided or isinstance(whole, pa.StructArray | pa.MapArray)):
            found, faults = by_class(whole)
            self._faults.note(SCORES, faults)
        return self._reader.scores(found)

    def _held(self, feature: str) -> bool:
        spec, held = self._schema.features[feature], self._record.schema.names
        whole = isinstance(spec, EmbeddingFeature) and all(column in held for column in spec.parts(feature))
        return feature in held or whole

    def _feature(self, name: str) -> Values:
        spec = self._schema.features[name]
        if not isinstance(spec, EmbeddingFeature) or name in self._record.schema.names:
            return self._reader.feature(name, self._column(name, coded=True))
        read = []
        for column in spec.columns:
            values, faults = columns.numeric(self._column(column), nan_is_missing=True)
            self._faults.note(f"features.{name}.{column}", faults)
            read.append(values)
        return np.column_stack(read)

    def _ids(self) -> Any:
        values = self._column(self._names.id)
        if values is None:
            return None
        if pa.types.is_integer(values.type):
            values = values.cast(pa.string())
        elif not pa.types.is_string(values.type):  # as numbers have them: 7.0 is the id 7
            clean, faults = columns.one_by_one(values, columns.identity, None)
            self._faults.note("id", faults)
            values = pa.array(clean, pa.string())
        fix = "give every row a unique id, or leave the column out"
        array = values.fill_null("")
        missing = np.flatnonzero(pc.equal(array, "").to_numpy(zero_copy_only=False))
        self._faults.note("id", [Fault(int(at), None, "missing", fix) for at in missing])
        return array

    def _times(self, name: str) -> Ints:
        values = self._column(name)
        if values is None:
            raise FileError(f"the file has no column {name!r} for the time")
        read, faults = times(values, self._now)
        self._faults.note(name, faults)
        missing = [
            Fault(int(at), None, "missing", "give every row a time") for at in np.flatnonzero(read == 0)
        ]
        self._faults.note(name, missing)
        return read

    def _known(self, name: str) -> Ints:
        read, faults = times(self._column(name), None)
        self._faults.note(name, faults)
        return read


def raw_row(record: Any, row: int) -> str:
    """A row as JSON, as far as it is told."""
    held = {}
    for name, column in zip(record.schema.names, record.columns, strict=True):
        try:
            held[name] = column[row].as_py()
        except (ValueError, OverflowError):  # a date that Python does not have
            held[name] = repr(column[row])
    return json.dumps(held, default=str)[:RAW_KEPT]


def is_coded_text(kind: Any) -> bool:
    """Whether a type is that of dictionary-encoded text."""
    return bool(pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type))


def plain(values: Any) -> Any:
    """A column as one of the types that the readers know: some writers have several for the same values."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return plain(values.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    return values.cast(pa.float64(), safe=False) if pa.types.is_decimal(kind) else values
