"""Rows of files of JSON lines: flat, as in a table, or events as they are on the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from collector.schema import Schema
from collector.sources.lines import lines
from collector.sources.piece import BadRow, Piece, column_of
from collector.validation.columns import named
from collector.validation.decode import BadBodyError, event_of_line
from collector.validation.validate import KINDS

OUTLINE: Callable[[bytes], dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class JsonLines:
    """A file of JSON lines.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.events = False
        known: dict[str, None] = {}
        for some in lines(path):
            self.rows += len(some)
            for line in some:
                row = _outline(line)
                if (
                    row.keys() - known.keys()
                ):  # a column may begin anywhere: what is missing is often left out
                    known.update(dict.fromkeys(row))
                    self.events |= _is_event(row)
        self.names: Sequence[str] = list(known)

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


def _outline(line: bytes) -> Mapping[str, msgspec.Raw]:
    """The keys of a row, with values that are not read yet; nothing where it is no object."""
    try:
        return OUTLINE(line)
    except (ValueError, RecursionError):
        row = event_of_line(line)
        row = row if isinstance(row, dict) else {}
        return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in row.items()}


def _is_event(row: Mapping[str, msgspec.Raw]) -> bool:
    """Whether a row is an event, and not a row of a table."""
    kind, features = (bytes(row.get(name, b"")) for name in ("kind", "features"))
    return kind.strip(b'"').decode(errors="replace") in KINDS or features.startswith(b"{")


def _bad(place: int, row: Any) -> BadRow:
    if isinstance(row, BadBodyError):
        return BadRow(place, row.raw, str(row), row.fix)
    return BadRow(place, str(row), f"expected an object, got {named(row)}", "write a JSON object a line")
