"""The stored samples of a window and of its reference."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import sqlalchemy as sa

from collector.samples.rows import representative
from collector.schema import Schema
from collector.store.read import Reader
from dashboards.queries.feature import reference_of
from profiles.sample import BottomK, Sample


@dataclass(frozen=True)
class Pair:
    """A window's sample and its reference's.

    Attributes:
        window: of the window; empty where none is stored.
        reference: of the reference's windows together.
        role: reference or production; None while the model was learning.
        windows: how many windows the reference's sample is from.
    """

    window: Sample
    reference: Sample
    role: str | None
    windows: int

    @property
    def digest(self) -> str:
        """Names the rows of both: the same report comes of the same rows."""
        return blake2b(self.window.hashes.tobytes() + b"|" + self.reference.hashes.tobytes()).hexdigest()[:16]

    def sentence(self) -> str:
        """What is compared, for people."""
        what = "windows of the reference file" if self.role == "reference" else "windows of production"
        rows = f"{self.window.count:,} sampled rows of the window"
        return f"{rows} against {self.reference.count:,} of its reference: {self.windows} {what}."


def samples_of(connection: sa.Connection, schema: Schema, start: int) -> Pair:
    """The samples of a window, and of the reference that it was judged against.

    Args:
        connection: for reading.
        schema: of the model.
        start: of the window, in microseconds.
    """
    reader, space = Reader(connection, schema.model), BottomK(max(schema.sample.rows, 1))
    window = reader.samples("production", [start], space).get(start, space.zero())
    chosen = reference_of(connection, reader, schema, start)
    if chosen is None:
        return Pair(window, space.zero(), None, 0)
    held = reader.samples(chosen.role, representative(chosen.starts), space)
    return Pair(window, space.union(list(held.values())), chosen.role, len(held))
