"""Prediction logs in Parquet files, read in batches, never whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from collector import columns
from collector.batch import Batch, Coded, Hashes, Labels, Mask, Predictions, Rejection, Values
from collector.columns import Fault
from collector.schema import EmbeddingFeature, Schema
from collector.typed import Reader, decided
from profiles.counts import Ints

log = logging.getLogger(__name__)
ROWS_AT_ONCE = 100_000
PSEUDO_WINDOWS = 30
UNKNOWN = "unknown"


class FileError(ValueError):
    """A file cannot be read as the monitor describes it."""


@dataclass
class PassedOver:
    """Counts the rows of a file that were rejected, and keeps the first to say why."""

    path: Path
    rows: int = 0
    rejected: int = 0
    first: Rejection | None = None

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        self.rows += batch.total
        self.rejected += len(batch.rejections)
        self.first = self.first or next(iter(batch.rejections), None)

    def tell(self) -> None:
        """Say that there are some.

        Raises:
            FileError: all of them are.
        """
        if self.first is None:
            return
        first = self.first
        why = f"row {first.row}, {first.field}: {first.value!r}: {first.reason}; {first.fix}"
        if self.rejected == self.rows:
            raise FileError(f"{self.path}: none of its {self.rows} rows can be read: the first is {why}")
        log.warning("%s: %d of %d rows passed over, the first: %s", self.path, self.rejected, self.rows, why)


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises:
        FileError: it does not exist, or is not Parquet.
    """
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise FileError(f"{path}: not a readable Parquet file: {error}") from None


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from None


def _records(file: pq.ParquetFile, path: Path, wanted: list[str]) -> Iterator[Any]:
    records = file.iter_batches(ROWS_AT_ONCE, columns=wanted)
    while True:
        with _readable(path):
            record = next(records, None)
        if record is None:
            return
        yield record


def _plain(values: Any) -> Any:
    """A column as one of the types that the readers know: some writers have several for the same values."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    return values.cast(pa.float64()) if pa.types.is_decimal(kind) else values


class PredictionFile:
    """A file of predictions, with or without labels in the same rows.

    Args:
        path: the file.
        schema: names its columns.
        reference: whether rows without a time are accepted: they are cut into `PSEUDO_WINDOWS` windows in the
            order in which they stand, so that the reference can still calibrate itself.
    """

    def __init__(self, path: Path, schema: Schema, *, reference: bool = False) -> None:
        self._file, self._schema, self.path = open_parquet(path), schema, path
        held = set(self._file.schema_arrow.names)
        self.rows = int(self._file.metadata.num_rows)
        self._timeless = schema.columns.timestamp not in held
        if self._timeless and not reference:
            raise FileError(
                f"{path}: has no column {schema.columns.timestamp!r} for the event time; "
                f"name it as columns.timestamp; the file has {sorted(held)}"
            )
        self._wanted = [name for name in self._names() if name in held]
        required = [name for name, spec in schema.features.items() if spec.required and not self._has(name)]
        if required:
            raise FileError(f"{path}: has no column for the required features {required}")

    def _names(self) -> list[str]:
        features = [
            column
            for name, spec in self._schema.features.items()
            for column in (spec.columns if isinstance(spec, EmbeddingFeature) else (name,))
        ]
        named = self._schema.columns.model_dump().values()
        return list(dict.fromkeys([*named, *features, *self._schema.segments]))

    def _has(self, feature: str) -> bool:
        spec = self._schema.features[feature]
        needed = spec.columns if isinstance(spec, EmbeddingFeature) else (feature,)
        return all(column in self._wanted for column in needed)

    def batches(self) -> Iterator[Batch]:
        """The file's rows as validated batches, in order."""
        first = 0
        for record in _records(self._file, self.path, self._wanted):
            with _readable(self.path):
                batch = _Record(record, self._schema, first).batch(self._pseudo_times(first, record.num_rows))
            yield batch
            first += record.num_rows

    def _pseudo_times(self, first: int, rows: int) -> Ints | None:
        if not self._timeless:
            return None
        place = np.arange(first, first + rows, dtype=np.int64)
        return place * PSEUDO_WINDOWS // max(self.rows, 1) * self._schema.window.length + 1


class _Record:
    """One Arrow record batch on its way to columns."""

    def __init__(self, record: Any, schema: Schema, first: int) -> None:
        self._record, self._schema, self._first = record, schema, first
        self._faults: dict[int, tuple[str, Fault]] = {}
        self._reader = Reader(schema, nan_is_missing=True, fault=self._fault)

    def _fault(self, name: str, faults: Sequence[Fault]) -> None:
        for fault in faults:
            self._faults.setdefault(fault.row, (name, fault))

    def _column(self, name: str) -> Any:
        held: list[str] = self._record.schema.names
        return _plain(self._record.column(held.index(name))) if name in held else None

    def _segment(self, name: str) -> Coded:
        values = self._column(name)
        if values is None:
            return Coded(np.zeros(self._record.num_rows, np.int64), ("",))
        return self._reader.category(name, values)

    def _versions(self) -> Coded:
        values = self._column(self._schema.columns.version)
        if values is None:
            return Coded(np.zeros(self._record.num_rows, np.int64), (UNKNOWN,))
        read = self._reader.category("version", values)
        return Coded(
            np.where(read.codes < 0, len(read.names), read.codes),
            (*(name or UNKNOWN for name in read.names), UNKNOWN),
        )

    def batch(self, times: Ints | None) -> Batch:
        """The good rows as predictions, the bad ones as rejections."""
        names, task, reader = self._schema.columns, self._schema.task, self._reader
        score = reader.score(self._column(names.score))
        label = self._column(names.label)
        label_times = self._column(names.label_time)
        read = Predictions(
            ids=self._ids(),
            times=self._times(names.timestamp) if times is None else times,
            versions=self._versions(),
            features={name: self._feature(name) for name in self._schema.features if self._held(name)},
            prediction=decided(task, reader.outcome("prediction", self._column(names.prediction)), score),
            score=score,
            latency=reader.latency(self._column(names.latency)),
            failed=reader.failed(self._column(names.status)),
            segments={name: self._segment(name) for name in self._schema.segments},
            label=reader.outcome("label", label),
            label_times=None if label is None or label_times is None else self._known(names.label_time),
        )
        model = self._schema.model
        good = np.ones(len(read), bool)
        good[list(self._faults)] = False
        kept = read if good.all() else read.take(good)
        return Batch({model: len(read)}, {model: [kept]}, rejections=self._rejections("prediction"))

    def labels(self) -> Batch:
        """The good rows as labels, the bad ones as rejections."""
        names, model = self._schema.columns, self._schema.model
        when = names.timestamp if self._column(names.timestamp) is not None else names.label_time
        times, ids = self._times(when), self._ids()
        values = self._reader.outcome("label", self._column(names.label))
        if ids is None or values is None:
            raise FileError(f"a labels file needs the columns {names.id!r} and {names.label!r}")
        absent = values.codes < 0 if isinstance(values, Coded) else np.isnan(values)
        good: Mask = ~absent
        good[list(self._faults)] = False
        kept = Labels(ids, times, values).take(good)
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
                str(self._record.slice(at, 1).to_pylist()[0])[:2000],
            )
            for at, (name, fault) in sorted(self._faults.items())
        ]

    def _held(self, feature: str) -> bool:
        spec = self._schema.features[feature]
        needed = spec.columns if isinstance(spec, EmbeddingFeature) else (feature,)
        return all(self._column(column) is not None for column in needed)

    def _feature(self, name: str) -> Values:
        spec = self._schema.features[name]
        if not isinstance(spec, EmbeddingFeature):
            return self._reader.feature(name, self._column(name))
        read = []
        for column in spec.columns:
            values, faults = columns.numeric(self._column(column), nan_is_missing=True)
            self._fault(f"features.{name}.{column}", faults)
            read.append(values)
        return np.column_stack(read)

    def _ids(self) -> Hashes | None:
        values = self._column(self._schema.columns.id)
        if values is None:
            return None
        if pa.types.is_integer(values.type):
            values = values.cast(pa.string())
        elif not pa.types.is_string(values.type):  # as numbers have them: 7.0 is the id 7
            clean, faults = columns.one_by_one(values, columns.identity, None)
            self._fault("id", faults)
            values = pa.array(clean, pa.string())
        fix = "give every row a unique id, or leave the column out"
        array = values.fill_null("")
        missing = np.flatnonzero(pc.equal(array, "").to_numpy(zero_copy_only=False))
        self._fault("id", [Fault(int(at), None, "missing", fix) for at in missing])
        return columns.hashes(array)

    def _times(self, name: str) -> Ints:
        values = self._column(name)
        if values is None:
            raise FileError(f"the file has no column {name!r} for the time")
        read, faults = columns.times(values, None)
        self._fault(name, faults)
        missing = [
            Fault(int(at), None, "missing", "give every row a time") for at in np.flatnonzero(read == 0)
        ]
        self._fault(name, missing)
        return read

    def _known(self, name: str) -> Ints:
        read, faults = columns.times(self._column(name), None)
        self._fault(name, faults)
        return read


class LabelFile:
    """A file of labels that came later: the id, the label, and when it became known.

    Args:
        path: the file.
        schema: names its columns.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self._file, self._schema, self.path = open_parquet(path), schema, path
        self.rows = int(self._file.metadata.num_rows)
        names = schema.columns
        held = self._file.schema_arrow.names
        missing = [name for name in (names.id, names.label) if name not in held]
        if missing or not {names.timestamp, names.label_time} & set(held):
            missing += [] if {names.timestamp, names.label_time} & set(held) else [names.timestamp]
            raise FileError(f"{path}: a labels file needs the columns {missing}; it has {sorted(held)}")
        wanted = (names.id, names.label, names.timestamp, names.label_time)
        self._wanted = [name for name in dict.fromkeys(wanted) if name in held]

    def batches(self) -> Iterator[Batch]:
        """The file's rows as validated batches, in order; a row without a label is passed over."""
        first = 0
        for record in _records(self._file, self.path, self._wanted):
            with _readable(self.path):
                batch = _Record(record, self._schema, first).labels()
            yield batch
            first += record.num_rows
