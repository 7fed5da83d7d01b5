"""What a worker holds in memory: copies of committed rows, checked against the model's revision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from collector.fit import fits
from collector.labels.filter import Filter
from collector.labels.halves import Halves
from collector.labels.join import kinds
from collector.samples.writer import SampleWriter
from collector.schema import Schema
from collector.store import tables
from collector.store.read import ARRIVED
from collector.store.rows import load_shape, put, write_profiles
from collector.summarize import Key
from profiles import Profile, Shape

PROFILES_CACHED = 64


@dataclass
class Model:
    """The state of one model, within a transaction that holds its lock.

    Attributes:
        shape: of its profiles; None while there is none that fits the schema.
        watermark: the latest event time, in microseconds.
        live: whether events come as they happen.
        revision: counts the model's commits; the next commit makes `revision + 1`.
        epoch: counts compactions, which rewrite other workers' profiles.
        halves: the label join.
        samples: the samples of its windows.
    """

    shape: Shape | None
    watermark: int
    live: bool
    revision: int
    epoch: int
    halves: Halves
    samples: SampleWriter


class Memory:
    """The models' states, and the profiles that this worker wrote last.

    Args:
        schemas: every monitored model's schema, by name.
        shard: this worker's share of every profile: nobody else adds to it.
    """

    def __init__(self, schemas: Mapping[str, Schema], shard: int) -> None:
        self._schemas, self._shard = schemas, shard
        self._models: dict[str, Model] = {}
        self._profiles: dict[str, dict[Key, Profile]] = defaultdict(dict)
        self._filter = Filter()

    def clear(self) -> None:
        """Forget everything: it will be read from the database again."""
        self._models.clear()
        self._profiles.clear()

    def model(self, connection: sa.Connection, name: str) -> Model:
        """The state of a model, as of the last commit of any worker."""
        row = connection.execute(sa.select(tables.models).filter_by(model=name)).one_or_none()
        known = self._models.get(name)
        if known is None:
            schema = self._schemas[name]
            halves = Halves(name, self._filter, kinds(schema.task), schema.labels.most)
            known = self._models[name] = Model(
                None, 0, False, -1, -1, halves, SampleWriter(name, self._shard)
            )
        revision, epoch = (row.revision, row.epoch) if row else (0, 0)
        shape = load_shape(connection, row.shape) if row and row.shape else None
        if shape is not known.shape:
            if shape is not None and not fits(shape, self._schemas[name]):
                shape = None
            known.shape = shape
            self._profiles[name].clear()
        if epoch != known.epoch:
            self._profiles[name].clear()
        known.watermark, known.live = (row.watermark, row.live) if row else (0, False)
        known.revision, known.epoch = revision, epoch
        known.halves.refresh(connection, revision)
        return known

    def add_arrivals(self, connection: sa.Connection, name: str, deltas: Mapping[Key, Profile]) -> None:
        """Add to what is counted of the rows that are in no profile of a model."""
        shape = self._models[name].shape
        if shape is not None:
            write_profiles(connection, (name, ARRIVED, self._shard), deltas, shape, {})

    def add_profiles(self, connection: sa.Connection, name: str, deltas: Mapping[Key, Profile]) -> None:
        """Add to the stored profiles of a model."""
        shape = self._models[name].shape
        if shape is None or not deltas:
            return
        cached = self._profiles[name]
        owner = (name, "production", self._shard)
        for key, whole in write_profiles(connection, owner, deltas, shape, cached).items():
            cached.pop(key, None)
            cached[key] = whole  # the last: what was not used for longest goes first
        while len(cached) > PROFILES_CACHED:
            cached.pop(next(iter(cached)))

    def save(self, connection: sa.Connection, name: str) -> None:
        """Write the model's state, as a new revision."""
        state = self._models[name]
        state.revision += 1
        values = {"watermark": state.watermark, "live": state.live, "revision": state.revision}
        put(connection, tables.models, {"model": name}, values, {"shape": None})
