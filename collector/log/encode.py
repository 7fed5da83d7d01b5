"""From validated columns to an Arrow IPC stream: how predictions wait for their log file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from collector.batch import Coded, Predictions, Values
from collector.log.columns import column_names, sampled
from collector.schema import CategoricalFeature, EmbeddingFeature, Schema
from profiles import Status
from profiles.counts import Floats

TIME = pa.timestamp("us", "UTC")
WORD = pa.dictionary(pa.int32(), pa.string())
VECTOR = pa.list_(pa.float32())
BY_CLASS = pa.map_(pa.string(), pa.float64())


def log_schema(schema: Schema) -> Any:
    """The Arrow schema of a model's log."""
    outcome = {"binary": pa.int8(), "multiclass": WORD}.get(schema.task, pa.float64())
    kinds: dict[str, Any] = {"id": pa.string(), "timestamp": TIME, "version": WORD, "prediction": outcome}
    kinds |= {"score": pa.float64(), "scores": BY_CLASS, "latency": pa.float64(), "failed": pa.bool_()}
    for name, feature in schema.features.items():
        word = WORD if isinstance(feature, CategoricalFeature) else pa.float64()
        kinds[f"features.{name}"] = VECTOR if isinstance(feature, EmbeddingFeature) else word
    return pa.schema([pa.field(given, kinds.get(name, WORD)) for name, given in column_names(schema).items()])


def encode(rows: Predictions, schema: Schema) -> tuple[bytes, int]:
    """The rows that the monitor's sampling keeps, as an Arrow IPC stream, and how many they are."""
    kept = None if schema.log is None else sampled(rows, schema.log.sample)
    if kept is not None:
        rows = rows.take(kept)
    if not len(rows) or schema.log is None:
        return b"", 0
    columns: dict[str, Any] = {"id": rows.names, "timestamp": rows.times, "version": rows.versions}
    columns |= {"prediction": rows.prediction, "score": rows.score}
    columns |= {"scores": None if rows.scores is None else _by_class(rows.scores)}
    columns |= {"latency": rows.latency, "failed": _failed(rows.status)}
    columns |= {f"features.{name}": values for name, values in rows.features.items()}
    columns |= {f"segments.{name}": values for name, values in rows.segments.items()}
    kinds = log_schema(schema)
    arrays = [
        _array(columns.get(name), kind, len(rows))
        for name, kind in zip(column_names(schema), kinds.types, strict=True)
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, kinds) as writer:  # as it is: it is read again within the minute
        writer.write_batch(pa.record_batch(arrays, schema=kinds))
    return sink.getvalue().to_pybytes(), len(rows)


def _failed(status: Floats | None) -> Floats | None:
    """Whether each request failed: 1, 0, or NaN where that is unknown."""
    return None if status is None else np.where(np.isnan(status), np.nan, status > Status.OK)


def _array(values: Values | Any, kind: Any, rows: int) -> Any:
    """A column; missing values are null, for NaN would spoil every sum over the log."""
    if values is None:
        return pa.nulls(rows, kind)
    if isinstance(values, pa.Array):
        return values
    if isinstance(values, Coded):
        words = [None if name is None else str(name) for name in values.names]
        codes = pa.array(values.codes.astype(np.int32), mask=values.codes < 0)
        return pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.string()))
    if values.ndim > 1:
        return _vectors(values)
    if kind == TIME:
        return pa.array(values).cast(pa.timestamp("us")).cast(TIME)
    return _numbers(values, kind)


def _by_class(scores: Mapping[str, Floats]) -> Any:
    """Probabilities by class as maps; null where there are none."""
    matrix = np.column_stack(list(scores.values()))
    given = ~np.isnan(matrix)
    sizes = given.sum(axis=1)
    offsets = np.append(np.cumsum(sizes) - sizes, sizes.sum()).astype(np.int32)
    words = pa.array(list(scores), pa.string()).take(pa.array(np.nonzero(given)[1]))
    missing = np.append(sizes == 0, [False])
    return pa.MapArray.from_arrays(pa.array(offsets, mask=missing), words, pa.array(matrix[given]))


def _numbers(values: Floats, kind: Any) -> Any:
    missing = np.isnan(values)
    mask = missing if missing.any() else None
    if kind == pa.float64():
        return pa.array(values, mask=mask)
    whole = values if mask is None else np.where(missing, 0, values)
    return pa.array(whole.astype(np.bool_ if kind == pa.bool_() else np.int8), mask=mask)


def _vectors(values: Floats) -> Any:
    rows, width = values.shape
    missing = np.isnan(values).any(axis=1)
    offsets = pa.array(np.arange(rows + 1, dtype=np.int32) * np.int32(width))
    flat = pa.array(values.astype(np.float32).ravel())
    return pa.ListArray.from_arrays(offsets, flat, mask=pa.array(missing) if missing.any() else None)
