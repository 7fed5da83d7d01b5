"""The label-join state: sorted blocks of hashed ids, merged as a log-structured tree merges its runs.

A row costs its columns and nothing else: no database row, no index. Adding n rows sorts n rows; every
`FAN` blocks of one level become one of the next, so a row is rewritten a logarithmic number of times.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from collector.batch import Coded, Hashes
from profiles.counts import Ints

FAN = 8


@dataclass(frozen=True, eq=False)
class Block:
    """Rows sorted by id hash.

    Attributes:
        ids: shape (n,), ascending and distinct.
        columns: arrays of shape (n,); of type int32 are places in `names`, -1 for missing.
        names: what those stand for.
        newest: the latest event time in it, in microseconds.
        level: how many merges it has been through.
    """

    ids: Hashes
    columns: Mapping[str, Any]
    names: tuple[str, ...]
    newest: int
    level: int = 0

    @classmethod
    def of(cls, ids: Hashes, columns: Mapping[str, Any], level: int = 0) -> Block:
        """Sort rows into a block; `columns` must have `time`, in microseconds."""
        order = np.argsort(ids, kind="stable")
        coded = [column for column in columns.values() if isinstance(column, Coded)]
        names = tuple(dict.fromkeys(name for column in coded for name in column.names))
        held = {
            name: _recoded(column.codes, column.names, names)[order]
            if isinstance(column, Coded)
            else column[order]
            for name, column in columns.items()
        }
        return cls(ids[order], held, names, int(columns["time"].max(initial=0)), level)

    def column(self, name: str, rows: Ints) -> Any:
        """Some rows of a column, as it was given."""
        held = self.columns[name][rows]
        return Coded(held.astype(np.int64), self.names) if held.dtype == np.int32 else held

    def to_bytes(self) -> bytes:
        """A header in JSON, then the arrays as they are (hashes do not compress)."""
        arrays = {"ids": self.ids, **self.columns}
        header = json.dumps(
            {
                "names": self.names,
                "rows": self.ids.size,
                "arrays": {k: v.dtype.str for k, v in arrays.items()},
            }
        ).encode()
        return (
            struct.pack("<I", len(header)) + header + b"".join(array.tobytes() for array in arrays.values())
        )

    @classmethod
    def from_bytes(cls, blob: bytes, newest: int, level: int) -> Block:
        """Read what `to_bytes` wrote."""
        (length,) = struct.unpack_from("<I", blob)
        header = json.loads(blob[4 : 4 + length])
        at, arrays = 4 + length, {}
        for name, kind in header["arrays"].items():
            arrays[name] = np.frombuffer(blob, np.dtype(kind), header["rows"], at)
            at += arrays[name].nbytes
        return cls(arrays.pop("ids"), arrays, tuple(header["names"]), newest, level)

    def find(self, ids: Hashes) -> Ints:
        """The place of each id, -1 where it is absent."""
        if not self.ids.size:
            return np.full(ids.size, -1, np.int64)
        place = np.minimum(np.searchsorted(self.ids, ids), self.ids.size - 1)
        return np.where(self.ids[place] == ids, place, -1).astype(np.int64)


def _recoded(codes: Any, old: tuple[str, ...], new: tuple[str, ...]) -> npt.NDArray[np.int32]:
    """Places in `old` as places in `new`, which has every name of `old`; -1 stays."""
    place = {name: code for code, name in enumerate(new)}
    table: npt.NDArray[np.int32] = np.array([*(place[name] for name in old), -1], np.int32)
    moved: npt.NDArray[np.int32] = table[codes]
    return moved


def merged(blocks: Sequence[Block]) -> Block:
    """One block of the next level with the rows of all; of an id in several, the first block's row."""
    names = tuple(dict.fromkeys(name for block in blocks for name in block.names))
    ids = np.concatenate([block.ids for block in blocks])
    columns = {
        name: np.concatenate(
            [
                _recoded(block.columns[name], block.names, names)
                if column.dtype == np.int32
                else block.columns[name]
                for block in blocks
            ]
        )
        for name, column in blocks[0].columns.items()
    }
    _, first = np.unique(ids, return_index=True)
    kept = {name: column[first] for name, column in columns.items()}
    return Block(ids[first], kept, names, max(b.newest for b in blocks), max(b.level for b in blocks) + 1)


@dataclass(frozen=True)
class Stored:
    """A block and the key of its database row; None until it is written."""

    key: int | None
    block: Block


@dataclass(frozen=True)
class Blocks:
    """All blocks of one side (predictions or labels) of one model, oldest first. Never changed in place."""

    stored: tuple[Stored, ...] = ()

    def contains(self, ids: Hashes) -> Any:
        """Whether each id is held, shape as `ids`."""
        found = np.zeros(ids.size, bool)
        for item in self.stored:
            found |= item.block.find(ids) >= 0
        return found

    def matches(self, ids: Hashes) -> list[tuple[Block, Ints, Ints]]:
        """Where ids are held: each block with the places in it, and the places in `ids`."""
        found = []
        for item in self.stored:
            place = item.block.find(ids)
            hit = np.flatnonzero(place >= 0)
            if hit.size:
                found.append((item.block, place[hit], hit))
        return found

    def add(self, block: Block, oldest: int) -> Blocks:
        """With one more block, merged as the levels fill; blocks wholly older than `oldest` are dropped."""
        kept = [item for item in self.stored if item.block.newest >= oldest]
        kept.append(Stored(None, block))
        level = block.level
        while len(run := [item for item in kept if item.block.level == level]) >= FAN:
            kept = [item for item in kept if item.block.level != level]
            kept.append(Stored(None, merged([item.block for item in run])))
            level += 1
        return Blocks(tuple(kept))
