"""The chunks of blocks in the database: about a page of rows each, of which one statement reads many."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from collector.batch import Hashes
from collector.labels.blocks import Block
from collector.store import tables
from collector.store.quarantine import keep

log = logging.getLogger(__name__)
held = tables.chunks.c
ROWS = sa.select(held.place, held.ids, held.columns).where(held.block == sa.bindparam("block"))
RANGE = ROWS.where(held.place.between(sa.bindparam("low"), sa.bindparam("high"))).order_by(held.place)
# one parameter for all places: thousands of them would have to be parsed
SOME = ROWS.where(held.place.in_(sa.text("SELECT value FROM json_each(:places)"))).order_by(held.place)
POSTGRES = "SELECT place, ids, columns FROM chunks WHERE block = %s AND place = ANY(%s) ORDER BY place"


class Chunk(NamedTuple):
    """A chunk as it is stored."""

    place: int
    ids: bytes
    columns: bytes


WORD = 8  # bytes of a hash
DENSE = 0.5  # of a range: from this share of its chunks on all of them are read


class Chunks:
    """Reads the chunks of one side of a model's label join.

    Args:
        model: the model.
        side: `predictions` or `labels`.
    """

    def __init__(self, model: str, side: str) -> None:
        self._model, self._side = model, side

    def read(
        self, connection: sa.Connection, block: int, places: Sequence[int], header: Mapping[str, Any]
    ) -> Block:
        """The rows of some chunks of a block, of ascending places; a damaged one's are lost to the join."""
        rows = _rows(connection, block, places)
        try:
            return _whole(rows, header)
        except (ValueError, KeyError, TypeError):
            return _whole([row for row in rows if self._sound(connection, block, row, header)], header)

    def _sound(self, connection: sa.Connection, block: int, row: Any, header: Mapping[str, Any]) -> bool:
        try:
            _whole([row], header)
        except (ValueError, KeyError, TypeError) as error:
            said = "a chunk of %s's waiting %s is damaged: %s"
            log.error(said, self._model, self._side, error)  # noqa: TRY400 - it is known where
            name = f"{self._side} block={block} place={row.place}"
            keep(connection, "chunk", self._model, name, str(error), bytes(row.ids) + bytes(row.columns))
            emptied = tables.chunks.update().filter_by(block=block, place=row.place)
            connection.execute(emptied.values(ids=b"", columns=b""))
            return False
        return True

    def write(self, connection: sa.Connection, block: int, first: int, rows: Block, size: int) -> Hashes:
        """Store rows in chunks of `size` from place `first` on; returns the smallest id of each."""
        starts = range(0, len(rows), size)
        firsts = rows.ids[::size]
        chunks = [
            {
                "block": block,
                "place": first + number,
                "first": int(rows.ids[start]).to_bytes(8, "big"),
                "ids": rows.ids[start : start + size].tobytes(),
                "columns": rows.take(slice(start, start + size)).to_bytes(),
            }
            for number, start in enumerate(starts)
        ]
        connection.execute(tables.chunks.insert(), chunks)
        return firsts


def _rows(connection: sa.Connection, block: int, places: Sequence[int]) -> Sequence[Any]:
    if connection.dialect.name == "postgresql":  # as bytes: text would be twice as long, and to be decoded
        driver: Any = connection.connection.driver_connection
        return [Chunk(*row) for row in driver.execute(POSTGRES, [block, list(places)], binary=True)]
    low, high = int(places[0]), int(places[-1])
    if len(places) >= DENSE * (high - low + 1):
        wanted = set(places)
        found = connection.execute(RANGE, {"block": block, "low": low, "high": high}).all()
        return [row for row in found if row.place in wanted]
    return connection.execute(SOME, {"block": block, "places": json.dumps(list(places))}).all()


def _whole(rows: Sequence[Any], header: Mapping[str, Any]) -> Block:
    """The rows of chunks as one block.

    Raises:
        ValueError: one is damaged.
    """
    ids = np.frombuffer(b"".join([row.ids for row in rows]), "<u8")
    columns = list(_columns(rows, header))
    held = {
        name: np.concatenate([part[name] for part in columns]) if columns else np.zeros(0, kind)
        for name, kind in header["kinds"].items()
    }
    for name, values in header["names"].items():
        if int(held[name].max(initial=0)) > len(values):
            raise ValueError(f"{name} has codes of no name")
    if bool((ids[1:] <= ids[:-1]).any()):
        raise ValueError("its ids are not in order")
    return Block(ids, held, {name: tuple(values) for name, values in header["names"].items()})


def _columns(rows: Sequence[Any], header: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The columns of chunks; those of one size, nearly all of them, are taken apart together."""
    kinds = {name: np.dtype(kind) for name, kind in header["kinds"].items()}
    width = sum(kind.itemsize for kind in kinds.values())
    sizes = [len(row.ids) // WORD for row in rows]
    if any(len(row.columns) != size * width for row, size in zip(rows, sizes, strict=True)):
        raise ValueError("it has more bytes than rows, or fewer")
    edges = [0, *(np.flatnonzero(np.diff(sizes)) + 1).tolist(), len(rows)]
    for low, high in pairwise(edges):
        if low < high and sizes[low]:
            joined = np.frombuffer(b"".join([row.columns for row in rows[low:high]]), np.uint8)
            table = joined.reshape(high - low, sizes[low] * width)
            stops = np.cumsum([sizes[low] * kind.itemsize for kind in kinds.values()]).tolist()
            parts = zip(kinds.items(), [0, *stops], stops, strict=False)
            yield {
                name: np.ascontiguousarray(table[:, at:stop]).reshape(-1).view(kind)
                for (name, kind), at, stop in parts
            }
