"""Rows of the label join, sorted by id hash, each column in the narrowest type that holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from collector.batch import Coded, Hashes
from profiles.counts import Ints

Names = tuple[Any, ...]
CODES = ("u1", "u2", "u4")  # 0 is missing, then the place in the names, counted from 1


@dataclass(frozen=True, eq=False)
class Block:
    """Rows sorted by id hash, shape (n,) throughout.

    Attributes:
        ids: ascending; in what is stored distinct.
        columns: numbers, or codes: 0 for missing, otherwise a place in `names` counted from 1.
        names: by column, what codes stand for; a column that is not in here holds numbers.
    """

    ids: Hashes
    columns: Mapping[str, Any]
    names: Mapping[str, Names]

    @classmethod
    def of(cls, ids: Hashes, columns: Mapping[str, Any]) -> Self:
        """A block of sorted ids, with columns in the same order: arrays of numbers, or `Coded`."""
        held, names = {}, {}
        for name, column in columns.items():
            if isinstance(column, Coded):
                held[name] = (column.codes + 1).astype(code_type(len(column.names)))
                names[name] = column.names
            else:
                held[name] = column
        return cls(ids, held, names)

    def __len__(self) -> int:
        return int(self.ids.size)

    def column(self, name: str) -> Any:
        """A column as it was given."""
        if name not in self.names:
            return self.columns[name]
        return Coded(self.columns[name].astype(np.int64) - 1, self.names[name])

    def take(self, rows: Any) -> Block:
        """Some rows, by mask, slice or places."""
        return Block(
            self.ids[rows], {name: column[rows] for name, column in self.columns.items()}, self.names
        )

    def header(self) -> dict[str, Any]:
        """What `from_bytes` must know beside the bytes, as JSON."""
        kinds = {name: column.dtype.str for name, column in self.columns.items()}
        return {"kinds": kinds, "names": {name: list(values) for name, values in self.names.items()}}

    def to_bytes(self) -> bytes:
        """The columns one after the other (hashes and scores do not compress)."""
        return b"".join(np.ascontiguousarray(column).tobytes() for column in self.columns.values())

    @classmethod
    def from_bytes(cls, ids: Hashes, columns: bytes, header: Mapping[str, Any]) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: it is damaged.
        """
        at, held = 0, {}
        for name, kind in header["kinds"].items():
            held[name] = np.frombuffer(columns, np.dtype(kind), ids.size, at)
            at += held[name].nbytes
            names = header["names"].get(name)
            if names is not None and int(held[name].max(initial=0)) > len(names):
                raise ValueError(f"{name} has codes of no name")
        if at != len(columns) or bool((ids[1:] <= ids[:-1]).any()):
            raise ValueError("it has more bytes than rows, or its ids are not in order")
        return cls(ids, held, {name: tuple(values) for name, values in header["names"].items()})

    def find(self, ids: Hashes) -> Ints:
        """The place of each id, -1 where it is absent."""
        if not self.ids.size:
            return np.full(ids.size, -1, np.int64)
        place = np.minimum(np.searchsorted(self.ids, ids), self.ids.size - 1)
        return np.where(self.ids[place] == ids, place, -1).astype(np.int64)


def code_type(names: int) -> str:
    """The narrowest type for codes of so many names."""
    return next(kind for kind in CODES if names <= np.iinfo(kind).max)


class Recoder:
    """Brings blocks to the same names, so that their rows can be put together.

    Args:
        headers: of all the blocks.
    """

    def __init__(self, headers: Sequence[Mapping[str, Any]]) -> None:
        self.kinds: dict[str, str] = {
            name: kind for header in reversed(headers) for name, kind in header["kinds"].items()
        }
        coded = list(dict.fromkeys(name for header in headers for name in header["names"]))
        self.names: dict[str, Names] = {
            name: tuple(dict.fromkeys(value for header in headers for value in header["names"].get(name, ())))
            for name in coded
        }
        self._places = {
            name: {value: place + 1 for place, value in enumerate(values)}
            for name, values in self.names.items()
        }

    def header(self) -> dict[str, Any]:
        """The header of what is put together."""
        coded = {name: np.dtype(code_type(len(values))).str for name, values in self.names.items()}
        names = {name: list(values) for name, values in self.names.items()}
        return {"kinds": self.kinds | coded, "names": names}

    def whole(self, blocks: Sequence[Block]) -> Block:
        """All rows by id, in one block; of an id that several have, the first block's row."""
        every = self.joined(blocks)
        order = np.argsort(every.ids, kind="stable")
        ids = every.ids[order]
        if ids.size:
            fresh = np.concatenate([[True], ids[1:] != ids[:-1]])
            if not fresh.all():
                order = order[fresh]
        return every.take(order)

    def joined(self, blocks: Sequence[Block]) -> Block:
        """All rows, block after block; what a block has no column for is 0, or missing."""
        ids = np.concatenate([block.ids for block in blocks])
        columns = {
            name: np.concatenate([self._recoded(block, name) for block in blocks]) for name in self.kinds
        }
        return Block(ids, columns, self.names)

    def _recoded(self, block: Block, name: str) -> Any:
        if name not in block.columns:
            kind = code_type(len(self.names[name])) if name in self.names else self.kinds[name]
            return np.zeros(len(block), kind)
        if name not in self.names:
            return block.columns[name]
        kind, old = code_type(len(self.names[name])), block.names[name]
        if old == self.names[name][: len(old)]:
            return block.columns[name].astype(kind)
        table = np.array([0, *(self._places[name][value] for value in old)], kind)
        return table[block.columns[name]]
