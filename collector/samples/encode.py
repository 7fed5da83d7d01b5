"""A sample as an Arrow IPC stream, which other tools can read too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from collector.batch import Coded
from profiles.sample import BottomK, Column, Hashes, Sample

HASH = "hash"
FEW = 256  # words that are written whether they occur or not
OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
PLAIN = pa.ipc.IpcWriteOptions()


def encode(sample: Sample, *, packed: bool) -> bytes:
    """The rows of a sample; `packed` with zstd, which pays where they are kept for long."""
    return encode_columns(sample.hashes, sample.columns, packed=packed)


def encode_columns(hashes: Hashes, columns: Mapping[str, Column | Coded], *, packed: bool) -> bytes:
    """The same of rows that are no sample yet; their words may come encoded."""
    arrays = [pa.array(hashes), *(_array(column) for column in columns.values())]
    batch = pa.RecordBatch.from_arrays(arrays, [HASH, *columns])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=OPTIONS if packed else PLAIN) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _array(column: Column | Coded) -> Any:
    if isinstance(column, Coded):
        return _words(column)
    if column.dtype == object:
        return pa.array(column, pa.string()).dictionary_encode()
    if column.ndim > 1:
        return pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])
    return pa.array(column)


def _words(column: Coded) -> Any:
    names, codes = column.names, column.codes
    if len(names) > FEW:
        used, codes = np.unique(np.append(codes, -1), return_inverse=True)  # -1 comes first
        names, codes = tuple(names[place] for place in used[1:].tolist()), codes[:-1] - 1
    words = pa.array([None if name is None else str(name) for name in names], pa.string())
    indices = pa.array(codes.astype(np.int32), mask=codes < 0 if codes.min(initial=0) < 0 else None)
    return pa.DictionaryArray.from_arrays(indices, words)


def decode(blob: bytes, space: BottomK) -> Sample:
    """Read what `encode` wrote.

    Raises:
        ValueError: it is no stored sample.
    """
    try:
        with pa.ipc.open_stream(blob) as reader:
            table = reader.read_all()
        table.validate(full=True)
        table = table.unify_dictionaries().combine_chunks()
        if not len(table):
            return space.zero()
        (batch,) = table.to_batches()
        columns = {name: _column(batch.column(name)) for name in batch.schema.names if name != HASH}
        return space.summarize(batch.column(HASH).to_numpy().astype(np.uint64), columns)
    except (pa.ArrowException, OSError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise ValueError(f"not a stored sample: {error!r}") from error


def _column(array: Any) -> Column:
    column: Column
    if pa.types.is_dictionary(array.type):
        words = np.array([*array.dictionary.to_pylist(), None], object)
        column = words[array.indices.fill_null(-1).to_numpy()]
    elif pa.types.is_fixed_size_list(array.type):
        column = array.flatten().to_numpy().reshape(len(array), array.type.list_size).astype(np.float32)
    else:
        column = array.to_numpy(zero_copy_only=False).astype(np.float64)
    return column
