"""Rows of CSV files. They say nothing of types: those follow from what the monitor says of the columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from collector.schema import EmbeddingFeature, NumericFeature, Schema
from collector.sources.lines import line_count
from collector.sources.piece import BadRow, Piece, column_of, readable

BYTES_AT_ONCE = 4 * 1024 * 1024
MISSING = ("", "NA", "N/A", "NULL", "null", "None", "nan", "NaN")  # of numbers and times
WHOLE = r"^(-?\d+)\.0+$"  # some writers give integers beside missing values a fraction


class DelimitedRows:
    """A CSV file with a header.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._open(None, []) as reader:
            self.names: Sequence[str] = reader.schema.names

    @cached_property
    def rows(self) -> int:
        """How many lines after the header."""
        return max(line_count(self.path) - 1, 0)

    @contextmanager
    def _open(self, wanted: Sequence[str] | None, torn: list[Any]) -> Iterator[Any]:
        """A reader of texts alone; `torn` collects the rows with too few or too many values."""

        def tear(row: Any) -> str:
            torn.append(row)
            return "skip"

        texts = None if wanted is None else dict.fromkeys(wanted, pa.string())
        kept = csv.ConvertOptions(
            column_types=texts, include_columns=wanted, null_values=[""], strings_can_be_null=True
        )
        # one thread: what is torn belongs to the piece that is read, and pieces are the same every time
        how = csv.ReadOptions(use_threads=False, block_size=BYTES_AT_ONCE)
        parse = csv.ParseOptions(newlines_in_values=True, invalid_row_handler=tear)
        compression = "gzip" if self.path.suffix == ".gz" else None
        with readable(self.path), pa.input_stream(str(self.path), compression=compression) as stream:
            reader = csv.open_csv(stream, how, parse, kept)
            yield reader
            reader.close()

    def pieces(self, wanted: Sequence[str], schema: Schema) -> Iterator[Piece]:
        """The rows in order."""
        first = 0
        torn: list[Any] = []
        with self._open(list(wanted), torn) as reader:
            while True:
                try:
                    record = reader.read_next_batch()
                except StopIteration:
                    record = None
                rows = 0 if record is None else record.num_rows
                bad = [_bad(first + rows + at, row) for at, row in enumerate(torn)]
                torn.clear()
                following = first + rows + len(bad)
                if record is not None:
                    places = np.arange(first, first + rows, dtype=np.int64)
                    yield Piece(following, typed(record, schema), places, bad)
                elif bad:
                    nothing = pa.RecordBatch.from_pylist([], schema=reader.schema)
                    yield Piece(following, nothing, np.zeros(0, np.int64), bad)
                first = following
                if record is None:
                    return


def _bad(place: int, row: Any) -> BadRow:
    reason = f"it has {row.actual_columns} values for {row.expected_columns} columns"
    return BadRow(place, row.text, reason, "quote texts that hold commas or line ends")


def typed(record: Any, schema: Schema) -> Any:
    """A record of texts with the types that the monitor's columns have."""
    names = schema.columns
    numbers = {
        names.score,
        names.latency,
        *names.scores.values(),
        *([names.prediction, names.label] if schema.task in {"regression", "ranking"} else []),
    }
    for name, spec in schema.features.items():
        if isinstance(spec, NumericFeature):
            numbers.add(name)
        elif isinstance(spec, EmbeddingFeature):
            numbers.update(spec.columns)
    columns = []
    for name, column in zip(record.schema.names, record.columns, strict=True):
        if name in numbers:
            columns.append(_numbers(column))
        elif name in (names.timestamp, names.label_time):
            columns.append(_cast(_absent(column), pa.float64()))
        elif name in (names.prediction, names.label):
            texts = pc.replace_substring_regex(column, WHOLE, r"\1")
            plain = schema.task == "binary" and schema.positive is None
            columns.append(_cast(texts, pa.float64()) if plain else texts)
        elif name == names.status:
            columns.append(_cast(pc.replace_substring_regex(column, WHOLE, r"\1"), pa.int64()))
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, record.schema.names)


def _absent(column: Any) -> Any:
    return pc.if_else(pc.is_in(column, pa.array(MISSING)), pa.scalar(None, pa.string()), column)


def _cast(column: Any, kind: Any) -> Any:
    """A column of another type; as it is where a value does not fit: its row is told later."""
    try:
        return column.cast(kind)
    except pa.ArrowInvalid:
        return column


def _numbers(column: Any) -> Any:
    """Numbers; what is none stays a text, so that its row alone is rejected."""
    absent = _absent(column)
    cast = _cast(absent, pa.float64())
    return (
        cast if pa.types.is_floating(cast.type) else column_of([_number(one) for one in absent.to_pylist()])
    )


def _number(text: str | None) -> float | str | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return text
