"""Prediction logs in Parquet files, read in batches, never whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from collector.batch import Batch, Rejection
from collector.schema import EmbeddingFeature, Schema
from collector.validation.record import FileError, Record
from profiles.counts import Ints

__all__ = ["FileError", "LabelFile", "PassedOver", "PredictionFile"]
log = logging.getLogger(__name__)
ROWS_AT_ONCE = 100_000
PSEUDO_WINDOWS = 30


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
                batch = Record(record, self._schema, first).batch(self._pseudo_times(first, record.num_rows))
            yield batch
            first += record.num_rows

    def _pseudo_times(self, first: int, rows: int) -> Ints | None:
        if not self._timeless:
            return None
        place = np.arange(first, first + rows, dtype=np.int64)
        return place * PSEUDO_WINDOWS // max(self.rows, 1) * self._schema.window.length + 1


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
                batch = Record(record, self._schema, first).labels()
            yield batch
            first += record.num_rows
