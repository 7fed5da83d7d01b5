"""The log's Parquet files: whole or not there at all, and the same ones again after a crash."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from collector.window import iso

HOUR = 3_600_000_000
UNFINISHED = ".unfinished"
ABANDONED_SECONDS = 3600.0


class Piece(NamedTuple):
    """Rows of one Arrow schema, and the staged batches that they come from."""

    first: int
    last: int
    table: Any


def write(folder: Path, model: str, piece: Piece) -> int:
    """Write a file for each hour of event time; returns how many.

    Args:
        folder: the log's folder.
        model: whose rows they are.
        piece: the rows.

    Raises:
        OSError: a file cannot be written.
    """
    files = 0
    for hour, table in _hours(piece.table):
        moment = iso(hour * HOUR)
        place = folder / f"model={model}" / f"date={moment[:10]}" / f"hour={moment[11:13]}"
        _make(place)
        _write(place, f"{piece.first}-{piece.last}.parquet", table)
        files += 1
    return files


def _hours(table: Any) -> Iterator[tuple[int, Any]]:
    """The rows of each hour since 1970, in their order."""
    clock = _clock(table)
    hours = np.concatenate(
        [chunk.cast(pa.int64()).to_numpy() // HOUR for chunk in table.column(clock).chunks]
    )
    if (np.diff(hours) < 0).any():
        order = np.argsort(hours, kind="stable")
        table, hours = table.take(pa.array(order)), hours[order]
    starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1))
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(hours)], strict=True):
        yield int(hours[start]), table.slice(start, end - start)


def _clock(table: Any) -> str:
    """The column with the event time, however the monitor called it."""
    return str(next(field.name for field in table.schema if pa.types.is_timestamp(field.type)))


def _write(place: Path, name: str, table: Any) -> None:
    clock = _clock(table)
    words = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    unfinished = place / f".{name}.{secrets.token_hex(4)}{UNFINISHED}"
    try:
        with unfinished.open("xb") as file:
            pq.write_table(
                table,
                file,
                compression="lz4",  # a third faster to write than zstd's fastest
                use_dictionary=words,  # numbers hardly ever repeat: looking for it costs more than it saves
                write_statistics=[clock],
                store_schema=False,  # categories are plain strings to every reader
            )
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(place / name)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _sync(place)


def _make(place: Path) -> None:
    """Make a folder that outlasts a power failure."""
    if not place.is_dir():
        if place.parent != place:
            _make(place.parent)
        place.mkdir(exist_ok=True)
        _sync(place.parent)


def _sync(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handles of folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_unfinished(folder: Path) -> int:
    """Remove what crashes have left; returns how many files."""
    removed = 0
    for path in folder.rglob(f".*{UNFINISHED}"):
        if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def remove_before(folder: Path, model: str, moment: int) -> int:
    """Remove the files of hours that end by a moment (microseconds); returns how many."""
    removed = 0
    for day in (folder / f"model={model}").glob("date=*"):
        for hour in day.glob("hour=*"):
            try:
                start = np.datetime64(f"{day.name[5:]}T{hour.name[5:]}", "us").astype(np.int64)
            except ValueError:
                continue  # not ours
            if start + HOUR <= moment:
                removed += sum(_remove(path) for path in hour.iterdir())
                _remove_empty(hour)
        _remove_empty(day)
    return removed


def _remove(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return path.suffix == ".parquet"


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
