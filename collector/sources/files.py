"""Prediction logs and labels in files, Parquet, CSV or JSON lines, read in pieces, never whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from collector.batch import Batch, Rejection
from collector.schema import EmbeddingFeature, Schema
from collector.sources.delimited import DelimitedRows
from collector.sources.json_lines import JsonLines
from collector.sources.parquet import ParquetRows, open_parquet
from collector.sources.passed_over import PassedOver
from collector.sources.piece import Piece, Rows, readable
from collector.validation.record import SCORES, FileError, Record
from collector.validation.sheet import RAW_KEPT
from collector.validation.validate import Validator
from profiles.counts import Ints

__all__ = ["FileError", "LabelFile", "PassedOver", "PredictionFile", "RowFile", "open_parquet", "open_rows"]
PSEUDO_WINDOWS = 30
SUFFIXES: Mapping[str, Callable[[Path], Rows]] = {
    ".parquet": ParquetRows,
    ".csv": DelimitedRows,
    ".csv.gz": DelimitedRows,
    ".jsonl": JsonLines,
    ".ndjson": JsonLines,
    ".jsonl.gz": JsonLines,
    ".ndjson.gz": JsonLines,
}


def open_rows(path: Path) -> Rows:
    """Open a file by its suffix.

    Raises:
        FileError: it cannot be opened, or its suffix is not known.
    """
    name = path.name.lower()
    kind = next((SUFFIXES[suffix] for suffix in SUFFIXES if name.endswith(suffix)), None)
    if kind is None:
        raise FileError(f"{path}: what is it? Name it {', '.join(SUFFIXES)}, by what it holds")
    with readable(path):
        return kind(path)


class RowFile(ABC):
    """A file of one model's rows.

    Args:
        path: the file.
        schema: names its columns.
    """

    kind: str

    def __init__(self, path: Path, schema: Schema) -> None:
        self._rows, self._schema, self.path = open_rows(path), schema, path
        self._wanted: Sequence[str] = ()
        self._wire = isinstance(self._rows, JsonLines) and self._rows.events
        if not self._wire:
            self._wanted = self._columns(self._rows.names)

    @property
    def rows(self) -> int:
        """How many rows it has, about."""
        return self._rows.rows

    @abstractmethod
    def _columns(self, held: Sequence[str]) -> list[str]:
        """Which columns to read, of those that it has."""

    @abstractmethod
    def _read(self, piece: Piece) -> Batch:
        """A piece, validated."""

    def batches(self) -> Iterator[Batch]:
        """The file's rows as validated batches, in order."""
        return (batch for _, batch in self.since(0))

    def since(self, row: int) -> Iterator[tuple[int, Batch]]:
        """The rows from a number on as validated batches, each with the number of the row that follows."""
        if isinstance(self._rows, JsonLines) and self._wire:
            yield from self._events(self._rows, row)
            return
        for piece in self._rows.pieces(self._wanted, self._schema):
            if piece.following <= row:
                continue
            kept = piece.since(row)
            with readable(self.path):
                batch = self._read(kept)
            yield piece.following, self._whole(batch, kept)

    def _whole(self, batch: Batch, piece: Piece) -> Batch:
        """A batch with the rows that could not be taken apart, and every row by its number in the file."""
        model = self._schema.model
        placed = [replace(one, row=int(piece.places[one.row])) for one in batch.rejections]
        bad = [
            Rejection(one.row, self.kind, model, "", one.text[:200], one.reason, one.fix, one.text[:RAW_KEPT])
            for one in piece.bad
        ]
        received = Counter(batch.received) + Counter({model: len(bad)})
        return replace(batch, received=received, rejections=[*placed, *bad])

    def _events(self, rows: JsonLines, since: int) -> Iterator[tuple[int, Batch]]:
        """Rows that are events, as on the wire; what they leave out follows from the file's use."""
        validator = Validator({self._schema.model: self._schema})
        given = {"kind": self.kind, "model": self._schema.model}
        for first, every in rows.parts():
            following, skipped = first + len(every), max(since - first, 0)
            if skipped >= len(every):
                continue
            events = [given | row if isinstance(row, dict) else row for row in every[skipped:]]
            batch = validator.batch(events, None, None)
            placed = [replace(one, row=one.row + first + skipped) for one in batch.rejections]
            yield following, replace(batch, rejections=placed)


class PredictionFile(RowFile):
    """A file of predictions, with or without labels in the same rows.

    Args:
        path: the file.
        schema: names its columns.
        reference: whether rows without a time are accepted: they are cut into `PSEUDO_WINDOWS` windows in the
            order in which they stand, so that the reference can still calibrate itself.
    """

    kind = "prediction"

    def __init__(self, path: Path, schema: Schema, *, reference: bool = False) -> None:
        self._reference = reference
        super().__init__(path, schema)

    def _columns(self, held: Sequence[str]) -> list[str]:
        schema = self._schema
        self._timeless = schema.columns.timestamp not in held
        if self._timeless and not self._reference:
            raise FileError(
                f"{self.path}: has no column {schema.columns.timestamp!r} for the event time; "
                f"name it as columns.timestamp; the file has {sorted(held)}"
            )
        features = {
            name: spec.parts(name) if isinstance(spec, EmbeddingFeature) else (name,)
            for name, spec in schema.features.items()
        }
        lacking = [name for name, needed in features.items() if not set(needed) <= set(held)]
        required = [name for name in lacking if schema.features[name].required]
        if required:
            raise FileError(f"{self.path}: has no column for the required features {required}")
        named: list[Any] = list(schema.columns.model_dump(exclude={"scores"}).values())
        named += [*schema.columns.scores.values(), SCORES]
        wanted = [*named, *(column for needed in features.values() for column in needed), *schema.segments]
        return [name for name in dict.fromkeys(wanted) if name in held]

    def _read(self, piece: Piece) -> Batch:
        return Record(piece.record, self._schema, 0).batch(self._pseudo_times(piece.places))

    def _pseudo_times(self, places: Ints) -> Ints | None:
        if not self._timeless:
            return None
        times: Ints = places * PSEUDO_WINDOWS // max(self.rows, 1) * self._schema.window.length + 1
        return times.astype(np.int64)


class LabelFile(RowFile):
    """A file of labels that came later: the id, the label, and when it became known.

    A row without a label is passed over.
    """

    kind = "label"

    def _columns(self, held: Sequence[str]) -> list[str]:
        names = self._schema.columns
        missing = [name for name in (names.id, names.label) if name not in held]
        if not {names.timestamp, names.label_time} & set(held):
            missing.append(names.timestamp)
        if missing:
            raise FileError(f"{self.path}: a labels file needs the columns {missing}; it has {sorted(held)}")
        wanted = (names.id, names.label, names.timestamp, names.label_time)
        return [name for name in dict.fromkeys(wanted) if name in held]

    def _read(self, piece: Piece) -> Batch:
        return Record(piece.record, self._schema, 0).labels()
