"""Upkeep: what keeps the database and the prediction log bounded, while the service runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter

from alerts import tables as alerting
from collector.log.drain import drain
from collector.log.files import remove_before, remove_unfinished
from collector.store import quarantine, retention, samples, tables
from collector.store.compaction import compact
from collector.store.database import Database
from collector.store.read import Reader
from collector.window import MICROSECOND
from modelwatch.monitor import Monitor
from modelwatch.trackers import Trackers

log = logging.getLogger(__name__)
COMPACT_SECONDS = 30.0  # between compactions: each makes workers read their shares again
RETAIN_SECONDS = 600.0
RETRY_SECONDS = 10.0  # after a log file could not be written
AHEAD = 86_400_000_000  # the clock may be so far ahead of the newest event
MARGIN = 600_000_000  # windows are compacted so long after they have ended
Stop = Callable[[], bool]


class Upkeep:
    """One leader's upkeep of one database.

    Args:
        database: what is kept up.
        monitors: every monitored model.
        folder: where the prediction log is.
        registry: gets the metrics.
    """

    def __init__(
        self, database: Database, monitors: Sequence[Monitor], folder: Path, registry: CollectorRegistry
    ) -> None:
        self._database, self._monitors, self._folder = database, monitors, folder
        self._began = (time.time_ns() - time.monotonic_ns()) // 1000
        self._next = dict.fromkeys(("drain", "compact", "retain"), 0.0)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"modelwatch_{name}", text, labels, registry=registry)

        self._written = counter("log_files_written", "Files of the prediction log.")
        self._failed = counter("log_failures", "Times that the log could not be written.", "model")
        self._folded = counter("profiles_compacted", "Profiles that became part of another.", "model")
        self._merged = counter("samples_merged", "Pieces of samples that became part of another.", "model")
        self._rolled = counter("profiles_rolled_up", "Profiles that became part of a day.", "model")
        self._removed = counter("removed", "What was removed when its time was up.", "what")

    def once(self, stop: Stop) -> None:
        """Do what is due."""
        self._quarantine()
        if self._due("drain", 0.0):
            self._drain(everything=False)
        if self._due("compact", COMPACT_SECONDS):
            for monitor in self._monitors:
                self._compact(monitor, stop)
        if self._due("retain", RETAIN_SECONDS):
            for monitor in self._monitors:
                self._retain(monitor, stop)
            self._forget(stop)

    def finish(self) -> None:
        """Write what waits for the log."""
        self._drain(everything=True)

    def _due(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._next[what]:
            return False
        self._next[what] = now + seconds
        return True

    def _quarantine(self) -> None:
        """Move aside the damaged profiles that readers have met."""
        for identity, reason in quarantine.noted():
            with self._database.write(f"model:{identity['model']}") as connection:
                quarantine.set_aside(connection, identity, reason)

    def _drain(self, *, everything: bool) -> None:
        done = drain(self._database, self._folder, everything=everything)
        self._written.inc(done.files)
        for model in done.failed:
            self._failed.labels(model).inc()
            self._next["drain"] = time.monotonic() + RETRY_SECONDS

    def _compact(self, monitor: Monitor, stop: Stop) -> None:
        with self._database.read() as connection:
            reader = Reader(connection, monitor.model)
        if reader.row is None:
            return
        open_for = (monitor.lateness or MICROSECOND) // MICROSECOND + MARGIN
        before = monitor.window.start(reader.row.watermark - open_for)
        folded = compact(self._database, monitor.model, before, stop)
        self._folded.labels(monitor.model).inc(folded)
        merged = samples.fold(self._database, monitor.model, before, monitor.sample.rows, stop)
        self._merged.labels(monitor.model).inc(merged)

    def _retain(self, monitor: Monitor, stop: Stop) -> None:
        """Roll up and delete what is old, by event time: a clock that is ahead deletes nothing new."""
        model, keep = monitor.model, monitor.keep
        with self._database.read() as connection:
            reader = Reader(connection, model)
            row = connection.execute(sa.select(alerting.progress).filter_by(model=model)).one_or_none()
            if reader.row is None:
                return
            trackers = Trackers() if row is None else Trackers.from_json(row.trackers)
            needed = monitor.reference.needed(reader, trackers.past, trackers.past_outcomes)
        today = reader.row.watermark
        judged = 0 if row is None else row.judged_until
        before = min(today - keep.windows // MICROSECOND, judged)
        needed |= set(trackers.pending)
        rolled = retention.roll_up(self._database, model, before, needed, stop)
        self._rolled.labels(model).inc(rolled)
        days = retention.delete_days(self._database, model, today - keep.days // MICROSECOND, stop)
        self._removed.labels("days").inc(days)
        before = min(today - monitor.sample.keep // MICROSECOND, judged)
        removed = samples.delete(self._database, model, before, needed, stop)
        self._removed.labels("samples").inc(removed)
        if monitor.log is not None:
            files = remove_before(self._folder, model, today - monitor.log.keep // MICROSECOND)
            self._removed.labels("log files").inc(files)

    def _forget(self, stop: Stop) -> None:
        """Delete what is kept by the server's time; what belongs to no model as long as any model's."""
        now = self._now()
        before = {one.model: now - one.keep.rejected // MICROSECOND for one in self._monitors}
        before[""] = min(before.values())
        self._removed.labels("rejected").inc(retention.delete_rejected(self._database, before, stop))
        keys = min(now - one.keep.deliveries // MICROSECOND for one in self._monitors)
        self._removed.labels("deliveries").inc(retention.delete_deliveries(self._database, keys, stop))
        if self._folder.is_dir():
            remove_unfinished(self._folder)

    def _now(self) -> int:
        """The server's time, unless it has jumped ahead: of what has passed, or of the events."""
        passed = self._began + time.monotonic_ns() // 1000
        with self._database.read() as connection:
            newest = connection.execute(sa.select(sa.func.max(tables.models.c.watermark))).scalar() or 0
        return min(time.time_ns() // 1000, passed, newest + AHEAD)
