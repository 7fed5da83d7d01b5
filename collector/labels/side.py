"""One side of a model's label join, predictions or labels: blocks in the database, in chunks.

Blocks grow as the runs of a log-structured merge tree do (O'Neil et al., Acta Informatica 33, 1996): new rows
join the newest block while it is small, and every `FAN` blocks of one size become one of the next, so a row
is rewritten a logarithmic number of times. Ids are hashes, spread evenly over every block: what is looked up
is read in chunks of about a page, in the order of the ids.

Only blocks that follow each other are merged, so they stay in the order in which their rows came: of an id
that several hold, the last one's row is the newest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Hashes
from collector.labels.blocks import Block, Recoder
from collector.labels.chunks import Chunks
from collector.labels.filter import LEAST_BITS, Filter
from collector.store import tables
from profiles.counts import Ints

CHUNK = 256  # rows, with 13 to 15 bytes each: half a page of SQLite
SMALL = 8192  # rows: a smaller block is one chunk, and rows are added to it
FAN = 8
AT_ONCE = 1024  # chunks that one statement reads
MERGED_AT_ONCE = 1 << 16  # rows that a merge holds in memory
LARGEST = 1 << 25  # rows of a block: a block is forgotten as a whole
FILTERED = 1 << 24  # rows of the blocks that have filters
FILTER_BITS = 6  # of a row, at least: one look in fifteen at the wrong block is in vain, or fewer


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
        """Its size class: 0 while it is small, then one more for every `FAN` times as many rows."""
        return 0 if self.rows < SMALL else 1 + int(np.log(self.rows / SMALL) / np.log(FAN) + 1e-9)


class Side:
    """Reads and writes one side of one model; every method works inside its caller's transaction.

    Args:
        model: the model.
        side: `predictions` or `labels`.
        largest: rows of a block that grows no further.
    """

    def __init__(self, model: str, side: str, largest: int = LARGEST) -> None:
        self.model, self.side, self._largest = model, side, largest
        self.stored: list[Stored] = []
        self._chunks = Chunks(model, side)
        self._small: dict[int, Block] = {}
        self._yield: dict[int, float] = {}
        self._filters: dict[int, Filter] = {}  # of blocks written here: they save looks at the wrong ones

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
            yield self._read(connection, item, places).ids

    def find(self, connection: sa.Connection, ids: Hashes) -> Iterator[tuple[Block, Ints]]:
        """What is held of ids, ascending: the newest rows, and the places of their ids in `ids`."""
        yield from self._find(connection, ids, self.stored[::-1])

    def find_distinct(self, connection: sa.Connection, ids: Hashes) -> Iterator[tuple[Block, Ints]]:
        """The same where no id is held twice: blocks in which the ids before were found are asked first."""
        newest_first = self.stored[::-1]
        newest_first.sort(key=lambda item: -self._yield.get(item.key, 1.0))
        yield from self._find(connection, ids, newest_first)

    def _find(
        self, connection: sa.Connection, ids: Hashes, items: Sequence[Stored]
    ) -> Iterator[tuple[Block, Ints]]:
        waiting, found_of_chunks = np.arange(ids.size), dict[int, float]()
        for item in items:
            if not waiting.size:
                break
            found = np.zeros(waiting.size, bool)
            likely = np.arange(waiting.size)
            if item.key in self._filters:
                likely = np.flatnonzero(self._filters[item.key].maybe(ids[waiting], 0))
            chunk = np.searchsorted(item.firsts, ids[waiting[likely]], "right") - 1
            touched = np.unique(chunk[chunk >= 0])
            for places in _parts(touched.tolist()):
                block = self._read(connection, item, places)
                low, high = np.searchsorted(chunk, [places[0], places[-1] + 1])
                asked = waiting[likely[low:high]]
                row = block.find(ids[asked])
                hit = np.flatnonzero(row >= 0)
                if hit.size:
                    found[likely[low + hit]] = True
                    yield block.take(row[hit]), asked[hit]
            waiting = waiting[~found]
            found_of_chunks[item.key] = float(found.sum()) / max(touched.size, 1)
        if any(found_of_chunks.values()):  # else they were new ids, which tells nothing of where others are
            self._yield.update(found_of_chunks)

    def _read(self, connection: sa.Connection, item: Stored, places: Sequence[int]) -> Block:
        if item.tier:
            return self._chunks.read(connection, item.key, places, item.header)
        if item.key not in self._small:
            every = range(item.firsts.size)
            self._small[item.key] = self._chunks.read(connection, item.key, every, item.header)
        return self._small[item.key]

    def add(self, connection: sa.Connection, block: Block, newest: int, revision: int, oldest: int) -> None:
        """Hold more rows, in place of those with the same ids; forget blocks older than `oldest`."""
        self.drop(connection, [item for item in self.stored if item.newest < oldest])
        if not len(block):
            return
        small = [item for item in self.stored[-1:] if item.tier == 0]
        parts = [block, *(self._read(connection, item, [0]) for item in small)]
        if small:
            block = Recoder([part.header() for part in parts]).whole(parts)
        newest = max([newest, *(item.newest for item in small)])
        self.drop(connection, small)
        self._write(connection, block.header(), iter([block]), newest, revision, len(block))
        while len(run := self._due()) > 1:
            self._merge(connection, run)

    def _due(self) -> Sequence[Stored]:
        """The last blocks, where they are to be merged: smaller ones before the last, or many of one size."""
        tiers = [item.tier for item in self.stored]
        first = len(tiers) - 1
        while first and tiers[first - 1] < tiers[-1]:
            first -= 1
        if first == len(tiers) - 1:
            while first and tiers[first - 1] == tiers[-1]:
                first -= 1
            if len(tiers) - first < FAN:
                return []
        run = self.stored[first:]
        while sum(item.rows for item in run) > self._largest:
            run = run[1:]
        return run if len(run) >= min(FAN // 2, len(self.stored) - first) else []

    def _merge(self, connection: sa.Connection, run: Sequence[Stored]) -> None:
        newest_first = run[::-1]
        recoder = Recoder([item.header for item in newest_first])
        pieces = max(1, -(-sum(item.rows for item in run) // MERGED_AT_ONCE))
        edges = [(number << 64) // pieces for number in range(pieces + 1)]  # hashes are spread evenly

        def merged() -> Iterator[Block]:
            for low, high in pairwise(edges):
                parts = [part for item in newest_first for part in self._between(connection, item, low, high)]
                if parts:
                    yield recoder.whole(parts)

        newest, revision = max(item.newest for item in run), max(item.revision for item in run)
        for item in run:
            self._filters.pop(item.key, None)
        self._write(connection, recoder.header(), merged(), newest, revision, sum(item.rows for item in run))
        self._yield[self.stored[-1].key] = max(self._yield.get(item.key, 1.0) for item in run)
        self.drop(connection, run)

    def _between(self, connection: sa.Connection, item: Stored, low: int, high: int) -> Iterator[Block]:
        """The rows with ids from `low` up to, without, `high`."""
        first = max(int(np.searchsorted(item.firsts, np.uint64(low), "right")) - 1, 0)
        last = item.firsts.size if high >= 1 << 64 else int(np.searchsorted(item.firsts, np.uint64(high)))
        for places in _parts(range(first, last)):
            block = self._read(connection, item, places)
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
        most: int,
    ) -> None:
        """Store a block of at most so many rows, which come in parts."""
        values = {"model": self.model, "side": self.side, "header": header, "revision": revision}
        inserted = connection.execute(tables.blocks.insert().values(**values, rows=0, newest=newest))
        key = int((inserted.inserted_primary_key or [0])[0])
        firsts, places, rows, seen = [np.zeros(0, np.uint64)], 0, 0, self._filter(most)
        for part in parts:
            size = CHUNK if most >= SMALL else SMALL
            if seen is not None:
                seen.add(part.ids, 0)
            firsts.append(self._chunks.write(connection, key, places, part, size))
            places += firsts[-1].size
            rows += len(part)
        connection.execute(tables.blocks.update().filter_by(id=key).values(rows=rows))
        self.stored.append(Stored(key, rows, newest, revision, header, np.concatenate(firsts)))
        if seen is not None:
            self._filters[key] = seen

    def _filter(self, rows: int) -> Filter | None:
        """An empty filter for a block of so many rows; None for a small one, and where there are too many."""
        taken = sum(item.rows for item in self.stored if item.key in self._filters)
        if rows < SMALL or taken + rows > FILTERED:
            return None
        return Filter(max((FILTER_BITS * rows).bit_length(), LEAST_BITS))

    def drop(self, connection: sa.Connection, gone: Sequence[Stored]) -> None:
        """Forget whole blocks."""
        if not gone:
            return
        keys = [item.key for item in gone]
        connection.execute(tables.chunks.delete().where(tables.chunks.c.block.in_(keys)))
        connection.execute(tables.blocks.delete().where(tables.blocks.c.id.in_(keys)))
        self.stored = [item for item in self.stored if item.key not in keys]
        for key in keys:
            self._small.pop(key, None)
            self._yield.pop(key, None)
            self._filters.pop(key, None)


def _parts(places: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), AT_ONCE):
        yield places[start : start + AT_ONCE]
