"""Batches that come as columns: Arrow IPC streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.batch import Batch, Labels, Predictions, Rejection
from collector.schema import Schema
from collector.validation.decode import BadBodyError
from collector.validation.flatbuffer import DamagedError, inflated_size
from collector.validation.record import FileError, Record, raw_row

LARGEST = 512 * 1024 * 1024  # bytes of a batch once it is decompressed
MOST_ROWS = 2_000_000
FIX = (
    "send an Arrow IPC stream with the columns id, timestamp, version, score or prediction, and the features"
)
KINDS = ("prediction", "label")


def arrow_batch(
    body: Any, schemas: Mapping[str, Schema], kind: str | None, model: str | None, now: float | None
) -> Batch:
    """Validate an Arrow IPC stream.

    Args:
        body: the stream's bytes.
        schemas: every monitored model's schema, by name.
        kind: `prediction` or `label`; None for the stream's metadata to say it as `kind`.
        model: the model of all rows; None for the stream's metadata, or a column `model`, to say it.
        now: the server's time in seconds, or None to accept times in the future.

    Raises:
        BadBodyError: it is no such stream, or too large, or names no model or kind.
    """
    try:
        size = inflated_size(body)
        if size > LARGEST:
            raise BadBodyError(f"the stream inflates to {size} bytes", f"send at most {LARGEST} at a time")
        with pa.ipc.open_stream(body) as stream:
            said = {key.decode(): value.decode() for key, value in (stream.schema.metadata or {}).items()}
            records = list(_checked(stream))
    except (pa.ArrowException, OSError, DamagedError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, BadBodyError):
            raise
        raise BadBodyError(f"not an Arrow IPC stream: {error}", FIX) from None
    sort = kind or said.get("kind")
    if sort not in KINDS:
        raise BadBodyError(f"{sort!r} is no kind of event that comes in columns", "send prediction or label")
    parts = _Parts(schemas, sort, now)
    for record in records:
        parts.add(record, model or said.get("model"))
    return parts.batch()


def _checked(stream: Any) -> Iterator[Any]:
    """The stream's batches, each checked to be what it says."""
    rows = 0
    for record in stream:
        record.validate(full=True)  # offsets may point anywhere, and texts be no Unicode
        rows += record.num_rows
        if rows > MOST_ROWS:
            raise BadBodyError(f"it holds more than {MOST_ROWS} rows", "send fewer at a time")
        if len(set(record.schema.names)) < len(record.schema.names):
            raise BadBodyError("a column comes twice", "name each column once")
        yield record


class _Parts:
    """What the batches of a stream hold, by model."""

    def __init__(self, schemas: Mapping[str, Schema], kind: str, now: float | None) -> None:
        self._schemas, self._kind, self._now = schemas, kind, now
        self._rows = 0
        self._received: dict[str, int] = defaultdict(int)
        self._predictions: dict[str, list[Predictions]] = defaultdict(list)
        self._labels: dict[str, list[Labels]] = defaultdict(list)
        self._rejections: list[Rejection] = []

    def add(self, record: Any, model: str | None) -> None:
        """Take in one batch, of one model or with a column `model`."""
        if model is not None:
            self._of_model(record, model, np.arange(record.num_rows))
        elif "model" in record.schema.names:
            names = record.column("model")
            if not pa.types.is_string(names.type):
                names = names.cast(pa.string())
            for value in names.unique().to_pylist():
                same = pc.is_null(names) if value is None else pc.equal(names, value).fill_null(False)
                rows = np.flatnonzero(same.to_numpy(zero_copy_only=False))
                self._of_model(record.take(pa.array(rows)), value, rows)
        else:
            raise BadBodyError(
                "the stream names no model", "add ?model=NAME, metadata `model`, or a column `model`"
            )
        self._rows += record.num_rows

    def _of_model(self, record: Any, model: str | None, rows: Any) -> None:
        schema = self._schemas.get(model or "")
        if schema is None:
            self._unknown(record, model, rows)
            return
        try:
            read = Record(_flat(record), schema, 0, self._now, decided=True)
            batch = read.batch(None) if self._kind == "prediction" else read.labels()
        except (FileError, pa.ArrowException, UnicodeDecodeError) as error:  # names within a struct
            raise BadBodyError(str(error), FIX) from None
        for part in batch.predictions.get(schema.model, ()):
            if part.ids is None:
                raise BadBodyError(
                    f"there is no column {schema.columns.id!r}", "give every event a unique id"
                )
            self._predictions[schema.model].append(part)
        self._labels[schema.model] += batch.labels.get(schema.model, ())
        self._received[schema.model] += batch.total
        self._refuse(batch.rejections, rows)

    def _refuse(self, rejections: Any, rows: Any) -> None:
        for one in rejections:
            self._rejections.append(Rejection(**{**one.__dict__, "row": self._rows + int(rows[one.row])}))

    def _unknown(self, record: Any, model: str | None, rows: Any) -> None:
        self._received[""] += record.num_rows
        known = ", ".join(sorted(self._schemas)) or "none"
        fix = f"monitored are: {known}; add a monitor file"
        for place, row in enumerate(rows.tolist()):
            raw = raw_row(record, place)
            told = ("model", str(model)[:200], "no such model is monitored", fix, raw)
            self._rejections.append(Rejection(self._rows + row, self._kind, "", *told))

    def batch(self) -> Batch:
        """Everything that was taken in."""
        self._rejections.sort(key=lambda one: one.row)
        return Batch(self._received, self._predictions, self._labels, rejections=self._rejections)


def _flat(record: Any) -> Any:
    """The record with the fields of `features` and `tags` as columns of their own."""
    columns = dict(zip(record.schema.names, record.columns, strict=True))
    for name in ("features", "tags"):
        held = columns.get(name)
        if held is not None and pa.types.is_struct(held.type):
            del columns[name]
            fields = [held.type.field(place).name for place in range(held.type.num_fields)]
            columns |= dict(zip(fields, held.flatten(), strict=True))
    if len(columns) == record.num_columns:
        return record
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
