"""The exactly-once commit: a delivery and everything that it changes, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import sqlalchemy as sa

from collector.batch import Batch, Labels, Predictions
from collector.fit import fit_shape
from collector.labels.join import Halves, first_of_each, join_labels, join_predictions
from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from collector.store.memory import Memory
from collector.store.rows import put, save_blocks, store_shape
from collector.summarize import Joined, Key, summarize, summarize_outcomes
from collector.window import MICROSECOND
from profiles import Profile

ERRORS_TOLD = 20
NEVER = -(1 << 62)
LIVE_LAG = 3_600_000_000  # events at most this old come from traffic as it happens, not from a replay


class KeyReusedError(ValueError):
    """An idempotency key was sent before with another batch: neither is taken for the other."""


@dataclass(frozen=True)
class Receipt:
    """What became of a delivery; stored with it, so that a repeated delivery gets the same answer."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    errors: list[dict[str, str | int]] = field(default_factory=list)


class Ledger:
    """Commits deliveries, exactly once each.

    Args:
        database: where everything is kept.
        schemas: every monitored model's schema, by name.
        forgets: whether what is older than a model's label horizon is no longer joined.
    """

    def __init__(self, database: Database, schemas: Mapping[str, Schema], *, forgets: bool = True) -> None:
        self._database, self.schemas, self.forgets = database, schemas, forgets
        self.memory = Memory(schemas)

    def commit(self, source: str, key: str, batch: Batch, now: int) -> tuple[Receipt, bool]:
        """Commit a delivery and its position.

        Args:
            source: where it came from, such as `http`.
            key: its idempotency key: a delivery with a key that was committed before changes nothing.
            batch: the validated events.
            now: the server's time in microseconds; 0 when the events are not from now.

        Returns:
            The receipt, and whether it is that of an earlier delivery with the same key.

        Raises:
            KeyReusedError: the earlier delivery was another batch.
        """
        try:
            with self._database.write() as connection:
                return _Commit(self, connection, source, key, batch, now).run()
        except KeyReusedError:
            raise
        except BaseException:
            self.memory.clear()  # it may be ahead of the database: load again
            raise


class _Commit:
    """One transaction's work."""

    def __init__(
        self, ledger: Ledger, connection: sa.Connection, source: str, key: str, batch: Batch, now: int
    ) -> None:
        self._ledger, self._connection = ledger, connection
        self._source, self._key, self._batch, self._now = source, key, batch, now
        self._duplicates: dict[str, int] = defaultdict(int)
        self._deltas: dict[str, dict[Key, Profile]] = defaultdict(dict)
        self._watermarks = {
            name: ledger.memory.model(connection, name).watermark
            for name in {*batch.predictions, *batch.labels}
        }

    def run(self) -> tuple[Receipt, bool]:
        position = {"source": self._source, "key": self._key}
        prior = self._connection.execute(
            sa.select(tables.deliveries.c.receipt).filter_by(**position)
        ).scalar()
        if prior is not None:
            digest = prior.pop("digest", "")
            if digest and self._batch.digest and digest != self._batch.digest:
                raise KeyReusedError(f"{self._key!r} came before, with another body")
            self._duplicates.update(self._batch.received)
            self._keep_books(rejected=False)
            return Receipt(**prior), True
        for model, parts in self._batch.predictions.items():
            for rows in parts:
                self._predictions(model, rows)
        for model, labels in self._batch.labels.items():
            for part in labels:
                self._labels(model, part)
        self._deployments()
        for model, deltas in self._deltas.items():
            self._ledger.memory.add_profiles(self._connection, model, deltas)
        self._keep_rejected()
        receipt = self._keep_books(rejected=True)
        kept = asdict(receipt) | {"digest": self._batch.digest}
        self._connection.execute(tables.deliveries.insert().values(**position, at=self._now, receipt=kept))
        return receipt, False

    def _predictions(self, model: str, rows: Predictions) -> None:
        schema, state = self._ledger.schemas[model], self._ledger.memory.model(self._connection, model)
        if rows.ids is not None:
            fresh = first_of_each(rows.ids, state.halves.predictions)
            self._duplicates[model] += int((~fresh).sum())
            rows = rows.take(fresh)
        if not len(rows):
            return
        if state.shape is None:
            state.shape = fit_shape(schema, rows)
            store_shape(self._connection, model, state.shape, None)
        self._advance(model, max(int(rows.times.max()), _latest_label(rows)))
        self._add(model, summarize(rows, schema, state.shape))
        halves, joined = join_predictions(rows, state.halves, schema, state.shape, self._oldest(model))
        self._joined(model, halves, joined)

    def _labels(self, model: str, rows: Labels) -> None:
        schema, state = self._ledger.schemas[model], self._ledger.memory.model(self._connection, model)
        fresh = first_of_each(rows.ids, state.halves.labels)
        self._duplicates[model] += int((~fresh).sum())
        rows = rows.take(fresh)
        if not len(rows):
            return
        self._advance(model, int(rows.times.max()))
        halves, joined = join_labels(rows, state.halves, schema, state.shape, self._oldest(model))
        self._joined(model, halves, joined)

    def _oldest(self, model: str) -> int:
        """What is older is forgotten: by the watermark before this delivery, whatever the order within it."""
        horizon = self._ledger.schemas[model].label_horizon // MICROSECOND
        return self._watermarks[model] - horizon if self._ledger.forgets else NEVER

    def _joined(self, model: str, halves: Halves, joined: Iterable[Joined]) -> None:
        state = self._ledger.memory.model(self._connection, model)
        for side in ("predictions", "labels"):
            old, new = getattr(state.halves, side), getattr(halves, side)
            if old is not new:
                saved = save_blocks(self._connection, model, side, old, new)
                halves = replace(halves, **{side: saved})
        state.halves = halves
        for part in joined:
            if state.shape is not None:
                self._add(model, summarize_outcomes(part, self._ledger.schemas[model], state.shape))

    def _add(self, model: str, found: Mapping[Key, Profile]) -> None:
        deltas = self._deltas[model]
        for key, profile in found.items():
            deltas[key] = deltas.get(key, Profile()) + profile

    def _advance(self, model: str, moment: int) -> None:
        """Move the model's watermark, and note whether its events come as they happen.

        A sender whose clock is fast moves it no further than the server's time: it would close windows early.
        """
        state = self._ledger.memory.model(self._connection, model)
        watermark = max(min(moment, self._now) if self._now else moment, state.watermark)
        lag = max(LIVE_LAG, self._ledger.schemas[model].window.length)
        live = bool(self._now) and self._now - watermark < lag
        if watermark > state.watermark or live != state.live:
            state.watermark, state.live = watermark, live
            changed = {"watermark": state.watermark, "live": state.live}
            put(self._connection, tables.models, {"model": model}, changed, {"shape": None})

    def _deployments(self) -> None:
        for item in self._batch.deployments:
            identity = {"model": item.model, "at": item.at, "version": item.version}
            known = self._connection.execute(
                sa.select(tables.deployments.c.at).filter_by(**identity)
            ).scalar()
            if known is not None:
                self._duplicates[item.model] += 1
                continue
            self._connection.execute(
                tables.deployments.insert().values(**identity, by=item.by, reason=item.reason)
            )
            self._advance(item.model, item.at)

    def _keep_rejected(self) -> None:
        if self._batch.rejections:
            common = {"at": self._now, "source": self._source, "key": self._key}
            rows = [common | asdict(rejection) for rejection in self._batch.rejections]
            self._connection.execute(tables.rejected.insert(), rows)

    def _keep_books(self, *, rejected: bool) -> Receipt:
        """Add this delivery to the books: received = accepted + duplicate + rejected, for every model."""
        refused: dict[str, int] = defaultdict(int)
        for rejection in self._batch.rejections if rejected else ():
            refused[rejection.model] += 1
        sums = {"received": 0, "accepted": 0, "duplicate": 0, "rejected": 0}
        for model, received in self._batch.received.items():
            bad, again = refused[model], self._duplicates[model]
            entry = {
                "received": received,
                "accepted": received - bad - again,
                "duplicate": again,
                "rejected": bad,
            }
            columns = {name: tables.books.c[name] + count for name, count in entry.items()}
            identity = {"source": self._source, "model": model}
            put(self._connection, tables.books, identity, columns, entry)
            sums = {name: sums[name] + count for name, count in entry.items()}
        errors = [
            {name: getattr(item, name) for name in ("row", "field", "value", "reason", "fix")}
            for item in self._batch.rejections[:ERRORS_TOLD]
        ]
        return Receipt(**sums, errors=errors)


def _latest_label(rows: Predictions) -> int:
    """When the last label in the same rows became known; 0 where there is none."""
    if rows.label is None or rows.label_times is None:
        return 0
    present = Labels(np.zeros(len(rows), np.uint64), rows.label_times, rows.label).present()
    return int(rows.label_times[present].max(initial=0))
