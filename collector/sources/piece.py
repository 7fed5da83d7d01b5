"""What every kind of file gives: pieces of its rows as Arrow records, never the whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from collector.schema import Schema
from collector.validation.record import FileError
from profiles.counts import Ints

LARGEST_WHOLE = 1 << 63


class BadRow(NamedTuple):
    """A row that cannot be taken apart: its number, its text, what is wrong and what to do."""

    row: int
    text: str
    reason: str
    fix: str


@dataclass(frozen=True)
class Piece:
    """Some rows of a file.

    Attributes:
        following: the number of the row after the last.
        record: those that could be taken apart, as an Arrow record batch.
        places: their numbers, shape (n,).
        bad: the others.
    """

    following: int
    record: Any
    places: Ints
    bad: Sequence[BadRow] = ()

    def since(self, row: int) -> Piece:
        """The rows from a number on."""
        if not self.places.size or self.places[0] >= row:
            record, places = self.record, self.places
        else:
            kept = self.places >= row
            record, places = self.record.filter(pa.array(kept)), self.places[kept]
        return Piece(self.following, record, places, [one for one in self.bad if one.row >= row])


class Rows(Protocol):
    """An open file of rows."""

    path: Path
    names: Sequence[str]

    @property
    def rows(self) -> int:
        """How many it has, about."""
        ...

    def pieces(self, wanted: Sequence[str], schema: Schema) -> Iterator[Piece]:
        """Its rows in order, some columns of them, in pieces that are the same every time.

        Args:
            wanted: the columns.
            schema: says what they are, where the file does not.

        Raises:
            FileError: it cannot be read.
        """
        ...


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Tells whatever goes wrong with a file as a `FileError`."""
    try:
        yield
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError, EOFError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from None


def column_of(values: Sequence[Any]) -> Any:
    """Values as an Arrow array; where their types differ, as a union, so that each can be told apart.

    >>> column_of([1, None, 2.5]).type
    DataType(double)
    >>> column_of([1.5, "x", None]).to_pylist()
    [1.5, 'x', None]
    """
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return _union([_plain(value) for value in values])


def _plain(value: Any) -> Any:
    """A value as one of the types of a union."""
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if -LARGEST_WHOLE <= value < LARGEST_WHOLE else float(value)
    return json.dumps(value, default=str)


def _union(values: Sequence[Any]) -> Any:
    kinds = {float: pa.float64(), str: pa.string(), bool: pa.bool_(), int: pa.int64()}
    codes = {kind: code for code, kind in enumerate(kinds)}
    children: list[list[Any]] = [[] for _ in kinds]
    types, offsets = [], []
    for value in values:
        code = codes[float if value is None else type(value)]
        types.append(code)
        offsets.append(len(children[code]))
        children[code].append(value)
    arrays = [pa.array(child, kind) for child, kind in zip(children, kinds.values(), strict=True)]
    return pa.UnionArray.from_dense(pa.array(types, pa.int8()), pa.array(offsets, pa.int32()), arrays)
