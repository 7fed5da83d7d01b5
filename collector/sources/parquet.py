"""Rows of Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from collector.schema import Schema
from collector.sources.piece import Piece, readable
from collector.validation.record import FileError

ROWS_AT_ONCE = 100_000


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


class ParquetRows:
    """An open Parquet file.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._file, self.path = open_parquet(path), path
        self.names: Sequence[str] = self._file.schema_arrow.names
        self.rows = int(self._file.metadata.num_rows)

    def pieces(self, wanted: Sequence[str], schema: Schema) -> Iterator[Piece]:  # noqa: ARG002 - it has types
        """The rows in order."""
        records, first = self._file.iter_batches(ROWS_AT_ONCE, columns=list(wanted)), 0
        while True:
            with readable(self.path):
                record = next(records, None)
            if record is None:
                return
            following = first + record.num_rows
            yield Piece(following, record, np.arange(first, following, dtype=np.int64))
            first = following
