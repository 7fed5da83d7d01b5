"""One side of a model's label join, predictions or labels: blocks in the database, in chunks.

Blocks grow as the runs of a log-structured merge tree do (O'Neil et al., Acta Informatica 33, 1996): new rows
join the newest block until it fills a chunk, and every `FAN` blocks of one size become one of the next, so a
row is rewritten a logarithmic number of times. Only a few chunks are ever in memory.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Hashes
from collector.labels.blocks import Block, Recoder
from collector.store import tables
from collector.store.quarantine import keep
from profiles.counts import Ints

log = logging.getLogger(__name__)
CHUNK = 8192  # rows: what is read and written at a time
FAN = 8
CACHED = 32  # chunks
AT_ONCE = 8  # chunks that one statement reads
MERGED_AT_ONCE = 1 << 16  # rows that a merge holds in memory


@dataclass(frozen=True)
class Stored:
    """A block in the database, and the smallest id of each of its chunks."""

    key: int
    rows: int
    newest: int
    revision: int
    header: Mapping[str, Any]
    firsts: Hashes

    @property
    def tier(self) -> int:
        """Its size class: 0 below a chunk, then one more for every `FAN` times as many rows."""
        return 0 if self.rows < CHUNK else 1 + int(np.log(self.rows / CHUNK) / np.log(FAN) + 1e-9)


class Side:
    """Reads and writes one side of one model; every method works inside its caller's transaction.

    Args:
        model: the model.
        side: `predictions` or `labels`.
    """

    def __init__(self, model: str, side: str) -> None:
        self.model, self.side = model, side
        self.stored: list[Stored] = []
        self._chunks: OrderedDict[tuple[int, int], Block] = OrderedDict()

    def refresh(self, connection: sa.Connection) -> list[Stored]:
        """Read which blocks there are; returns those that are new here."""
        query = sa.select(tables.blocks).filter_by(model=self.model, side=self.side)
        known = {item.key: item for item in self.stored}
        new = []
        self.stored = []
        for row in connection.execute(query.order_by(tables.blocks.c.id)).all():
            item = known.get(row.id)
            if item is None:
                firsts = sa.select(tables.chunks.c.first).filter_by(block=row.id)
                found = connection.execute(firsts.order_by(tables.chunks.c.place)).scalars()
                smallest = np.frombuffer(b"".join(found), ">u8").astype(np.uint64)
                item = Stored(row.id, row.rows, row.newest, row.revision, row.header, smallest)
                new.append(item)
            self.stored.append(item)
        return new

    def ids(self, connection: sa.Connection, item: Stored) -> Iterator[Hashes]:
        """All ids of a block, in pieces, ascending."""
        for places in _parts(range(item.firsts.size)):
            for block in self._read(connection, item, places):
                yield block.ids

    def find(self, connection: sa.Connection, ids: Hashes) -> Iterator[tuple[Block, Ints]]:
        """Where ids, ascending, are held: rows, and the places of their ids in `ids`."""
        waiting = np.arange(ids.size)
        for item in reversed(self.stored):  # what came last is asked for most
            if not waiting.size:
                return
            found = np.zeros(waiting.size, bool)
            chunk = np.searchsorted(item.firsts, ids[waiting], "right") - 1
            touched = np.unique(chunk[chunk >= 0]).tolist()
            for places in _parts(touched):
                for place, block in zip(places, self._read(connection, item, places), strict=True):
                    low, high = np.searchsorted(chunk, [place, place + 1])
                    asked = waiting[low:high]
                    row = block.find(ids[asked])
                    hit = np.flatnonzero(row >= 0)
                    if hit.size:
                        found[low + hit] = True
                        yield block.take(row[hit]), asked[hit]
            waiting = waiting[~found]

    def _read(self, connection: sa.Connection, item: Stored, places: Sequence[int]) -> list[Block]:
        missing = [place for place in places if (item.key, place) not in self._chunks]
        held = {place: self._chunks[item.key, place] for place in places if place not in missing}
        if missing:
            query = sa.select(tables.chunks.c.place, tables.chunks.c.ids, tables.chunks.c.columns)
            query = query.filter_by(block=item.key).where(tables.chunks.c.place.in_(missing))
            for row in connection.execute(query):
                held[row.place] = self._block(connection, item, row)
                self._keep(item.key, row.place, held[row.place])
        return [held[place] for place in places]

    def _block(self, connection: sa.Connection, item: Stored, row: Any) -> Block:
        """A chunk's rows; a damaged one's are lost to the join, which goes on."""
        try:
            return Block.from_bytes(np.frombuffer(row.ids, "<u8"), row.columns, item.header)
        except (ValueError, KeyError, TypeError) as error:
            log.error("a chunk of %s's waiting %s is damaged: %s", self.model, self.side, error)  # noqa: TRY400
            name, content = f"{self.side} block={item.key} place={row.place}", row.ids + row.columns
            keep(connection, "chunk", self.model, name, str(error), content)
            emptied = {"ids": b"", "columns": b""}
            place = {"block": item.key, "place": row.place}
            connection.execute(tables.chunks.update().filter_by(**place).values(**emptied))
            return Block.from_bytes(np.zeros(0, np.uint64), b"", item.header)

    def _keep(self, key: int, place: int, block: Block) -> None:
        self._chunks[key, place] = block
        if len(self._chunks) > CACHED:
            self._chunks.popitem(last=False)

    def add(self, connection: sa.Connection, block: Block, newest: int, revision: int, oldest: int) -> None:
        """Hold more rows, none of whose ids is held; forget blocks that are wholly older than `oldest`."""
        self.drop(connection, [item for item in self.stored if item.newest < oldest])
        if not len(block):
            return
        small = [item for item in self.stored if item.tier == 0]
        parts = [block, *(part for item in small for part in self._read(connection, item, [0]))]
        if small:
            block = Recoder([part.header() for part in parts]).whole(parts)
        newest = max([newest, *(item.newest for item in small)])
        self.drop(connection, small)
        self._write(connection, block.header(), iter([block]), newest, revision)
        tier = self.stored[-1].tier
        while tier and len(run := [item for item in self.stored if item.tier == tier]) >= FAN:
            self._merge(connection, run)
            tier = self.stored[-1].tier

    def _merge(self, connection: sa.Connection, run: Sequence[Stored]) -> None:
        recoder = Recoder([item.header for item in run])
        pieces = max(1, -(-sum(item.rows for item in run) // MERGED_AT_ONCE))
        edges = [(number << 64) // pieces for number in range(pieces + 1)]  # hashes are spread evenly

        def merged() -> Iterator[Block]:
            for low, high in pairwise(edges):
                parts = [part for item in run for part in self._between(connection, item, low, high)]
                if parts:
                    yield recoder.whole(parts)

        header = recoder.header(run[0].header["kinds"])
        newest, revision = max(item.newest for item in run), max(item.revision for item in run)
        self._write(connection, header, merged(), newest, revision)
        self.drop(connection, run)

    def _between(self, connection: sa.Connection, item: Stored, low: int, high: int) -> Iterator[Block]:
        """The rows with ids from `low` up to, without, `high`."""
        first = max(int(np.searchsorted(item.firsts, np.uint64(low), "right")) - 1, 0)
        last = item.firsts.size if high >= 1 << 64 else int(np.searchsorted(item.firsts, np.uint64(high)))
        for places in _parts(range(first, last)):
            for block in self._read(connection, item, places):
                start = int(np.searchsorted(block.ids, np.uint64(low)))
                stop = len(block) if high >= 1 << 64 else int(np.searchsorted(block.ids, np.uint64(high)))
                if stop > start:
                    yield block.take(slice(start, stop))

    def _write(
        self,
        connection: sa.Connection,
        header: Mapping[str, Any],
        parts: Iterator[Block],
        newest: int,
        revision: int,
    ) -> None:
        values = {"model": self.model, "side": self.side, "header": header, "revision": revision}
        inserted = connection.execute(tables.blocks.insert().values(**values, rows=0, newest=newest))
        key = int((inserted.inserted_primary_key or [0])[0])
        firsts, rows = [], 0
        for part in parts:
            chunks = []
            for start in range(0, len(part), CHUNK):
                chunk = part.take(slice(start, start + CHUNK))
                firsts.append(int(chunk.ids[0]))
                first = firsts[-1].to_bytes(8, "big")
                identity = {"block": key, "place": len(firsts) - 1, "first": first}
                chunks.append(identity | {"ids": chunk.ids.tobytes(), "columns": chunk.to_bytes()})
            connection.execute(tables.chunks.insert(), chunks)
            rows += len(part)
        connection.execute(tables.blocks.update().filter_by(id=key).values(rows=rows))
        self.stored.append(Stored(key, rows, newest, revision, header, np.array(firsts, np.uint64)))

    def drop(self, connection: sa.Connection, gone: Sequence[Stored]) -> None:
        """Forget whole blocks."""
        if not gone:
            return
        keys = [item.key for item in gone]
        connection.execute(tables.chunks.delete().where(tables.chunks.c.block.in_(keys)))
        connection.execute(tables.blocks.delete().where(tables.blocks.c.id.in_(keys)))
        self.stored = [item for item in self.stored if item.key not in keys]
        for chunk in [chunk for chunk in self._chunks if chunk[0] in keys]:
            del self._chunks[chunk]


def _parts(places: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), AT_ONCE):
        yield places[start : start + AT_ONCE]
