"""Inference tables, as Databricks and MLflow serving log them: a request and its response a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from collector.batch import Batch
from collector.schema import Schema
from collector.sources.files import open_rows
from collector.sources.frame import UnreadableError
from collector.sources.layout import Event, Layout
from collector.sources.piece import Piece, readable
from collector.sources.reading import Reading
from collector.validation.decode import BadBodyError, event_of_line
from collector.validation.record import FileError
from collector.validation.validate import Validator

IDS = ("client_request_id", "databricks_request_id")
TIMES = ("timestamp_ms", "request_time")
LATENCIES = ("execution_time_ms", "execution_duration_ms")
VERSIONS = ("model_version", "served_entity_id")
OTHERS = ("status_code", "request", "response", "request_metadata", "served_entity_id")
NEEDED = ("request", "response")


class InferenceTable:
    """A file of an inference table of one model.

    Args:
        path: the file: Parquet, CSV or JSON lines.
        schema: the model's.
        layout: how its requests and responses are read.
    """

    def __init__(self, path: Path, schema: Schema, layout: Layout | None = None) -> None:
        self._rows, self._schema, self.path = open_rows(path), schema, path
        self._layout, self._validator = layout or Layout(), Validator({schema.model: schema})
        held = self._rows.names
        missing = [name for name in NEEDED if name not in held]
        missing += [names[0] for names in (IDS, TIMES) if not set(names) & set(held)]
        if missing:
            raise FileError(f"{path}: an inference table has the columns {missing}; this has {sorted(held)}")
        self._wanted = [name for name in (*IDS, *TIMES, *LATENCIES, *OTHERS) if name in held]

    @property
    def rows(self) -> int:
        """How many rows it has, about."""
        return self._rows.rows

    def batches(self) -> Iterator[Batch]:
        """The table's rows as validated batches, in order."""
        return (batch for _, batch in self.since(0))

    def since(self, row: int) -> Iterator[tuple[int, Batch]]:
        """The rows from a number on as validated batches, each with the number of the row that follows."""
        for piece in self._rows.pieces(self._wanted, self._schema):
            if piece.following > row:
                kept = piece.since(row)
                with readable(self.path):
                    rows = kept.record.to_pylist()
                yield piece.following, self._read(kept, rows)

    def _read(self, piece: Piece, rows: Sequence[Mapping[str, Any]]) -> Batch:
        model = self._schema.model
        reading = Reading({model: self._schema}, int(piece.places[0]) if rows else piece.following)
        for bad in piece.bad:
            reading.refuse(model, UnreadableError("", bad.text, bad.reason, bad.fix), bad.text)
        for row in rows:
            raw = {name: value for name, value in row.items() if value is not None}
            try:
                request, response = (_document(name, row[name]) for name in NEEDED)
                base = _base(row)
            except UnreadableError as fault:
                reading.refuse(model, fault, raw)
            else:
                reading.pair(model, self._layout, request, response, base, raw)
        return reading.batch(self._validator, None)


def _base(row: Mapping[str, Any]) -> Event:
    """What a row tells beside its bodies."""
    metadata = _document("request_metadata", row.get("request_metadata"))
    if isinstance(metadata, list):  # Arrow's maps are lists of pairs
        metadata = dict(metadata)
    known = {**row, **metadata} if isinstance(metadata, dict) else dict(row)
    base: Event = {
        "id": _first(row, IDS),
        "timestamp": _seconds(row),
        "version": _first(known, VERSIONS),
        "latency_ms": _number(_first(row, LATENCIES)),
        "status": row.get("status_code"),
        "tags": metadata if isinstance(metadata, dict) else {},
    }
    return {name: value for name, value in base.items() if value is not None}


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)


def _number(given: Any) -> Any:
    """A number where a file has it as text; what is none is told later."""
    try:
        return float(given) if isinstance(given, str) else given
    except ValueError:
        return given


def _seconds(row: Mapping[str, Any]) -> Any:
    given = _number(row.get(TIMES[0]) or None)
    if given is None:
        moment = row.get(TIMES[1])
        return moment.isoformat() if isinstance(moment, datetime) else moment
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise UnreadableError(TIMES[0], given, "not a number", "write milliseconds since 1970")
    return given / 1e3


def _document(name: str, given: Any) -> Any:
    """A body, where the table has it as text."""
    if not isinstance(given, str | bytes):
        return given
    if not given.strip():
        return None
    document = event_of_line(given.encode(errors="replace") if isinstance(given, str) else given)
    if isinstance(document, BadBodyError):
        raise UnreadableError(name, given[:200], str(document), document.fix)
    return document
