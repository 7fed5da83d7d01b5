"""What the ledger holds in memory: a copy of committed rows, dropped when a commit fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from collector.fit import fits
from collector.labels.join import Halves
from collector.schema import Schema
from collector.store import tables
from collector.store.rows import load_blocks, load_shape, write_profiles
from collector.summarize import Key
from profiles import Profile, Shape

PROFILES_CACHED = 512


@dataclass
class Model:
    """The state of one model."""

    shape: Shape | None
    watermark: int
    live: bool
    halves: Halves


class Memory:
    """The models' states, and the profiles that were written last.

    Args:
        schemas: every monitored model's schema, by name.
    """

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas
        self._models: dict[str, Model] = {}
        self._profiles: dict[str, dict[Key, Profile]] = defaultdict(dict)

    def clear(self) -> None:
        """Forget everything: it will be read from the database again."""
        self._models.clear()
        self._profiles.clear()

    def model(self, connection: sa.Connection, name: str) -> Model:
        """The state of a model, loaded once."""
        if name not in self._models:
            row = connection.execute(sa.select(tables.models).filter_by(model=name)).one_or_none()
            shape = load_shape(connection, row.shape) if row and row.shape else None
            if shape is not None and not fits(shape, self._schemas[name]):
                shape = None
            named = self._schemas[name].task == "multiclass"
            halves = Halves(
                load_blocks(connection, name, "predictions", named=named),
                load_blocks(connection, name, "labels", named=named),
            )
            self._models[name] = Model(shape, row.watermark if row else 0, bool(row and row.live), halves)
        return self._models[name]

    def add_profiles(self, connection: sa.Connection, name: str, deltas: Mapping[Key, Profile]) -> None:
        """Add to the stored profiles of a model."""
        shape = self.model(connection, name).shape
        if shape is None:
            return
        cached = self._profiles[name]
        wholes = write_profiles(connection, (name, "production"), deltas, shape, cached)
        for key, whole in wholes.items():
            cached.pop(key, None)
            cached[key] = whole  # the last: what was not used for longest goes first
        while len(cached) > PROFILES_CACHED:
            cached.pop(next(iter(cached)))
