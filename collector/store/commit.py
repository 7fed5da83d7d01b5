"""One transaction's work: what deliveries change, worked on together and accounted for one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector import concat
from collector.batch import Deployment, Labels, Predictions, Rejection
from collector.delivery import Delivery, KeyReusedError
from collector.fit import fit_shape
from collector.labels.halves import PREDICTIONS
from collector.labels.held import Held
from collector.labels.join import Join
from collector.labels.sampling import Sampling
from collector.log.stage import stage
from collector.refused import duplicates, rejected, timed_predictions
from collector.samples.rows import row_hashes
from collector.schema import Schema
from collector.store import tables
from collector.store.accounts import Accounts, Outcome
from collector.store.memory import Memory, Model
from collector.store.rows import store_shape
from collector.summarize import Cut, Key, summarize, summarize_outcomes, windows
from collector.window import MICROSECOND
from profiles import Profile
from profiles.counts import Ints

NEVER = -(1 << 62)
LIVE_LAG = 3_600_000_000  # events at most this old come from traffic as it happens, not from a replay


class Commit:
    """One transaction's work.

    Args:
        connection: the transaction; it holds the locks of all models.
        memory: what the worker holds in memory.
        schemas: every monitored model's schema, by name.
        now: the server's time in microseconds; 0 when the events are not from now.
        forgets: whether what is older than a model's label horizon is no longer joined.
    """

    def __init__(
        self,
        connection: sa.Connection,
        memory: Memory,
        schemas: Mapping[str, Schema],
        now: int,
        *,
        forgets: bool,
    ) -> None:
        self._connection, self._memory, self._schemas = connection, memory, schemas
        self._now, self._forgets = now, forgets

    def run(self, deliveries: Sequence[Delivery]) -> list[Outcome | KeyReusedError]:
        """Commit all; what each came to.

        Raises:
            FencedError: a position was moved by another worker.
        """
        accounts = Accounts(self._connection, deliveries, self._now)
        accounts.advance()
        new = [(place, deliveries[place]) for place in accounts.new()]
        names = {
            name
            for _, one in new
            for name in (
                *one.batch.predictions,
                *one.batch.labels,
                *(item.model for item in one.batch.deployments),
                *(item.model for item in one.batch.rejections if item.model),
            )
        }
        for name in sorted(names):
            state = self._memory.model(self._connection, name)
            _ModelCommit(self, name, state, accounts).run(deliveries, new)
            self._memory.save(self._connection, name)
        for _, one in new:
            if one.also is not None:
                one.also(self._connection)
        return accounts.close()

    @property
    def connection(self) -> sa.Connection:
        """The transaction."""
        return self._connection

    @property
    def logs(self) -> bool:
        """Whether predictions go to the prediction log: those of history are in files already."""
        return bool(self._now)

    def schema(self, name: str) -> Schema:
        """A model's schema."""
        return self._schemas[name]

    def oldest(self, name: str, watermark: int) -> int:
        """What is older is forgotten: by the watermark before, whatever the order within the deliveries."""
        return watermark - self._schemas[name].label_horizon // MICROSECOND if self._forgets else NEVER

    def seen(self, name: str, state: Model, moment: int) -> None:
        """Move a model's watermark, and note whether its events come as they happen.

        A sender whose clock is fast moves it no further than the server's time: it would close windows early.
        """
        state.watermark = max(min(moment, self._now) if self._now else moment, state.watermark)
        lag = max(LIVE_LAG, self._schemas[name].window.length)
        state.live = bool(self._now) and self._now - state.watermark < lag

    def save(
        self, name: str, found: Iterable[Mapping[Key, Profile]], arrived: Iterable[Mapping[Key, Profile]]
    ) -> None:
        """Add to a model's profiles, and to what is counted of the rows that are in none."""
        self._memory.add_profiles(self._connection, name, _summed(found))
        self._memory.add_arrivals(self._connection, name, _summed(arrived))


class _ModelCommit:
    """What deliveries change of one model."""

    def __init__(self, commit: Commit, name: str, state: Model, accounts: Accounts) -> None:
        self._commit, self._name, self._state, self._accounts = commit, name, state, accounts
        self._schema, self._connection = commit.schema(name), commit.connection
        oldest = commit.oldest(name, state.watermark)
        self._sampling = Sampling(commit.connection, self._schema, oldest)
        held = Held(commit.connection, state.halves, state.revision + 1, oldest, self._sampling)
        self._join = Join(self._schema, held)
        self._found: list[Mapping[Key, Profile]] = []
        self._arrived: list[Mapping[Key, Profile]] = []
        self._deliveries: Sequence[Delivery] = ()

    def run(self, deliveries: Sequence[Delivery], new: Sequence[tuple[int, Delivery]]) -> None:
        self._deliveries = deliveries
        every = [(at, rows) for at, one in new for rows in one.batch.predictions.get(self._name, ())]
        for parts in (
            [part for part in every if part[1].ids is not None],
            [part for part in every if part[1].ids is None],
        ):
            if parts:
                self._predictions(concat.predictions([rows for _, rows in parts]), _places(parts))
        labels = [(at, rows) for at, one in new for rows in one.batch.labels.get(self._name, ())]
        if labels:
            self._labels(concat.labels([rows for _, rows in labels]), _places(labels))
        self._refused([bad for _, one in new for bad in one.batch.rejections])
        self._commit.save(self._name, self._found, self._arrived)
        for place, one in new:
            for deployment in one.batch.deployments:
                if deployment.model == self._name:
                    self._deployment(place, deployment)

    def _predictions(self, rows: Predictions, places: Ints) -> None:
        state, order = self._state, np.arange(len(rows))
        if rows.ids is not None:
            drawn = self._sampling.drawn(rows.ids, windows(rows.times, self._schema))
            order = state.halves.fresh(self._connection, PREDICTIONS, rows.ids, drawn)
            if order.size < len(rows):
                self._arrived.append(duplicates(rows, order, self._schema))
                rows, order = self._only(rows, places, order)
        if not len(rows):
            return
        if state.shape is None:
            state.shape = fit_shape(self._schema, rows)
            store_shape(self._connection, self._name, state.shape, None)
        self._commit.seen(self._name, state, max(int(rows.times.max()), _latest_label(rows)))
        cut = Cut.of(rows, self._schema, state.shape)
        self._found.append(summarize(rows, self._schema, state.shape, cut))
        self._sample(rows, places, cut)
        if self._commit.logs:
            stage(self._connection, self._name, rows, self._schema)
        for joined in self._join.predictions(rows, order, cut, state.shape):
            self._found.append(summarize_outcomes(joined, self._schema, state.shape))

    def _sample(self, rows: Predictions, places: Ints, cut: Cut) -> None:
        # rows without ids have a piece of their own: both may come in one transaction
        piece = 2 * (self._state.revision + 1) + (rows.ids is None)
        hashes = row_hashes(rows, self._deliveries, places)
        most = self._schema.sample.rows
        self._state.samples.add(self._connection, rows, hashes, cut.starts, piece, most)

    def _labels(self, rows: Labels, places: Ints) -> None:
        found, counted = self._join.labels(rows, self._state.shape)
        self._duplicates(places[~counted])
        if counted.any():
            self._commit.seen(self._name, self._state, int(rows.times[counted].max()))
        for joined in found:
            if self._state.shape is not None:
                self._found.append(summarize_outcomes(joined, self._schema, self._state.shape))

    def _refused(self, rejections: Sequence[Rejection]) -> None:
        """Count what was rejected; without a single accepted row there is no shape to count it on."""
        bad = timed_predictions(rejections, self._schema)
        if bad and self._state.shape is not None:
            self._commit.seen(self._name, self._state, max(one.time or 0 for one in bad))
            self._arrived.append(rejected(bad, self._schema))

    def _only(self, rows: Any, places: Ints, order: Ints) -> tuple[Any, Ints]:
        """The rows that are new, and the order of their ids; the others are noted as duplicates."""
        fresh = np.zeros(len(rows), bool)
        fresh[order] = True
        self._duplicates(places[~fresh])
        return rows.take(fresh), (np.cumsum(fresh) - 1)[order]

    def _duplicates(self, places: Ints) -> None:
        """Note rows that came before, by their deliveries."""
        for place, count in enumerate(np.bincount(places).tolist()):
            self._accounts.duplicates[place][self._name] += count

    def _deployment(self, place: int, item: Deployment) -> None:
        identity = {"model": item.model, "at": item.at, "version": item.version}
        query = sa.select(tables.deployments.c.at).filter_by(**identity)
        if self._connection.execute(query).scalar() is not None:
            self._accounts.duplicates[place][self._name] += 1
            return
        values = identity | {"by": item.by, "reason": item.reason}
        self._connection.execute(tables.deployments.insert().values(**values))
        self._commit.seen(self._name, self._state, item.at)


def _summed(found: Iterable[Mapping[Key, Profile]]) -> dict[Key, Profile]:
    deltas: dict[Key, Profile] = defaultdict(Profile)
    for part in found:
        for key, profile in part.items():
            deltas[key] += profile
    return deltas


def _places(parts: Sequence[tuple[int, Any]]) -> Ints:
    """Which delivery each row came with."""
    return np.repeat([at for at, _ in parts], [len(rows) for _, rows in parts])


def _latest_label(rows: Predictions) -> int:
    """When the last label in the same rows became known; 0 where there is none."""
    if rows.label is None or rows.label_times is None:
        return 0
    present = Labels(np.zeros(len(rows), np.uint64), rows.label_times, rows.label).present()
    return int(rows.label_times[present].max(initial=0))
