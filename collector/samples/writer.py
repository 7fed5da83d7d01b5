"""Adds rows to the samples of windows, at the cost of one comparison for a row that does not belong there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.batch import Coded, Hashes, Mask, Predictions
from collector.samples.encode import encode_columns
from collector.samples.rows import sample_columns
from collector.store import samples, tables
from profiles.counts import Ints
from profiles.sample import BottomK, smallest_of

PIECES = 64  # of one worker and window; then they are merged
KNOWN = 256  # windows whose hashes a worker remembers, 8 kB each
LARGEST = np.uint64(2**64 - 1)


class SampleWriter:
    """Adds rows to a model's samples. It remembers hashes alone: rows above the largest are passed over.

    What it remembers are hashes of rows that are stored, by whomever. So a row that it passes over is not
    among the smallest of all, whatever other workers have, and nothing that they do makes it stale.

    Args:
        model: the model.
        shard: the worker's: nobody else adds to its pieces.
    """

    def __init__(self, model: str, shard: int) -> None:
        self._model, self._shard = model, shard
        self._known: dict[int, Hashes] = {}
        self._pieces: dict[int, int] = defaultdict(int)

    def add(
        self,
        connection: sa.Connection,
        rows: Predictions,
        hashes: Hashes,
        starts: Coded,
        piece: int,
        most: int,
    ) -> None:
        """Add what belongs into the samples of some windows.

        Args:
            connection: the transaction that accepts the rows; it holds the model's lock.
            rows: the rows.
            hashes: of the rows, shape (n,).
            starts: the start of each row's window.
            piece: a number that is used once for the model.
            most: rows of a window's sample; 0 for none.
        """
        if not most:
            return
        space = BottomK(most)
        self._remember(connection, starts.names, space)
        places = self._new(hashes, starts, most)
        if not places.size:
            return
        columns = sample_columns(replace(rows, ids=None, names=None).take(places))
        found, codes = hashes[places], starts.codes[places]
        added = []
        for low, high in _runs(codes):
            part = slice(low, high)
            mine = {name: c.take(part) if isinstance(c, Coded) else c[part] for name, c in columns.items()}
            blob = encode_columns(found[part], mine, packed=False)  # as it is: it is soon merged
            identity = self._identity(starts.names[codes[low]])
            added.append(identity | {"piece": piece, "sample": blob})
        connection.execute(tables.samples.insert(), added)
        self._merge(connection, [row["start"] for row in added], space, piece)

    def _identity(self, start: int) -> dict[str, Any]:
        return {"model": self._model, "role": "production", "start": start, "shard": self._shard}

    def _remember(self, connection: sa.Connection, starts: Sequence[int], space: BottomK) -> None:
        """Know the smallest hashes of these windows that are stored, and forget those long unused."""
        unknown = [start for start in starts if start not in self._known]
        stored = samples.read(connection, self._model, "production", unknown, space) if unknown else {}
        for start in starts:
            known = self._known.pop(start, None)
            self._known[start] = stored[start].hashes if known is None else known  # as the last
        while len(self._known) > max(KNOWN, len(starts)):
            start = next(iter(self._known))
            del self._known[start]
            self._pieces.pop(start, None)

    def _new(self, hashes: Hashes, starts: Coded, most: int) -> Ints:
        """The places of rows that belong into a sample, by window; they are known from now on."""
        known = [self._known[start] for start in starts.names]
        limits = np.array([one[-1] if one.size >= most else LARGEST for one in known], np.uint64)
        limit = limits[0] if limits.size == 1 else limits[starts.codes]
        places = np.flatnonzero(hashes <= limit)  # few, once a window has many rows
        places = places[np.argsort(starts.codes[places], kind="stable")] if limits.size > 1 else places
        found = []
        for low, high in _runs(starts.codes[places]):
            code, fresh = int(starts.codes[places[low]]), hashes[places[low:high]]
            first = smallest_of(fresh, most)
            first = first[~_among(fresh[first], known[code])]
            whole = np.sort(np.concatenate([known[code], fresh[first]]))[:most]
            self._known[starts.names[code]] = whole
            found.append(places[low + first[fresh[first] <= whole[-1]]])
        return np.concatenate(found) if found else places

    def _merge(self, connection: sa.Connection, starts: Iterable[int], space: BottomK, piece: int) -> None:
        """Make one of the pieces of windows that have many."""
        for start in starts:
            self._pieces[start] += 1
            if self._pieces[start] >= PIECES:
                samples.merge(connection, self._identity(start), space, (self._shard, piece), packed=False)
                self._pieces[start] = 1


def _among(values: Hashes, known: Hashes) -> Mask:
    """Which values are among the known, which are in order."""
    if not known.size:
        return np.zeros(values.size, bool)
    found: Mask = known[np.minimum(np.searchsorted(known, values), known.size - 1)] == values
    return found


def _runs(codes: Ints) -> list[tuple[int, int]]:
    """Where runs of equal codes begin and end."""
    if not codes.size:
        return []
    return list(pairwise([0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), codes.size]))
