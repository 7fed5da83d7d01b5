"""Rows of files of JSON lines: flat, as in a table, or events as they are on the wire."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from collector.schema import Schema
from collector.sources.lines import line_count, lines
from collector.sources.piece import BadRow, Piece, column_of
from collector.validation.columns import named
from collector.validation.decode import BadBodyError, event_of_line
from collector.validation.validate import KINDS

LOOKED_AT = 1000


class JsonLines:
    """A file of JSON lines.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        known: dict[str, None] = {}
        self.events = False
        for row in self._first():
            known.update(dict.fromkeys(row))
            self.events |= isinstance(row.get("features"), dict) or row.get("kind") in KINDS
        self.names: Sequence[str] = list(known)

    def _first(self) -> Iterator[dict[str, Any]]:
        """The first rows, which say what the columns are."""
        for some in lines(self.path):
            for line in some[:LOOKED_AT]:
                row = event_of_line(line)
                if isinstance(row, dict):
                    yield row
            return

    @cached_property
    def rows(self) -> int:
        """How many lines."""
        return line_count(self.path)

    def parts(self) -> Iterator[tuple[int, list[Any]]]:
        """The rows, some at a time, and the number of the first; what is not JSON is a `BadBodyError`."""
        first = 0
        for some in lines(self.path):
            yield first, [event_of_line(line) for line in some]
            first += len(some)

    def pieces(self, wanted: Sequence[str], schema: Schema) -> Iterator[Piece]:  # noqa: ARG002 - JSON has types
        """The rows in order."""
        for first, rows in self.parts():
            good = [(first + at, row) for at, row in enumerate(rows) if isinstance(row, dict)]
            bad = [_bad(first + at, row) for at, row in enumerate(rows) if not isinstance(row, dict)]
            columns = [column_of([row.get(name) for _, row in good]) for name in wanted]
            record = pa.RecordBatch.from_arrays(columns, list(wanted))
            yield Piece(first + len(rows), record, np.array([place for place, _ in good], np.int64), bad)


def _bad(place: int, row: Any) -> BadRow:
    if isinstance(row, BadBodyError):
        return BadRow(place, row.raw, str(row), row.fix)
    return BadRow(place, str(row), f"expected an object, got {named(row)}", "write a JSON object a line")
