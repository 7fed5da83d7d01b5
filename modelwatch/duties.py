"""What the leader does for all: evaluation, alerts and upkeep, each on a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Gauge

from alerts.dispatch import Dispatcher
from alerts.egress import Egress
from collector.store.database import Database
from modelwatch.evaluation import Evaluation
from modelwatch.leader import Fenced, NotLeadingError, leader_of
from modelwatch.monitor import Monitor
from modelwatch.upkeep import Upkeep

log = logging.getLogger(__name__)
BACKLOG_SECONDS = 60.0
CHECK_SECONDS = 0.5  # between looks whether this process leads
UPKEEP_SECONDS = 2.0
PAUSE_SECONDS = 1.0  # after a failure


class Duties:
    """The leader's work; in a process that does not lead, the wait for its turn.

    Args:
        database: which many processes may share.
        monitors: every monitored model.
        folder: where the leader's lock is when the database is a file.
        logs: the prediction log's folder.
        url: where the pages are, for messages.
        allowed_hosts: where webhooks may go.
        interval: seconds between looks for closed windows.
        registry: gets the metrics.
    """

    def __init__(
        self,
        database: Database,
        monitors: Sequence[Monitor],
        *,
        folder: Path,
        logs: Path,
        url: str,
        allowed_hosts: Sequence[str],
        interval: float,
        registry: CollectorRegistry,
    ) -> None:
        self._leader = leader_of(database, folder)
        fenced = Fenced(database, self._leader)
        self._interval = interval
        self._egress = Egress(list(allowed_hosts))
        alerting = {monitor.model: monitor.alerts for monitor in monitors}
        self._dispatcher = Dispatcher(fenced, alerting, self._egress, url, fenced.led)
        self._evaluations = [Evaluation(fenced, monitor, url) for monitor in monitors]
        self._upkeep = Upkeep(fenced, monitors, logs, registry)
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name)
            for name, work in (
                ("evaluation", self._evaluate),
                ("dispatch", self._dispatcher.run),
                ("upkeep", self._keep_up),
            )
        ]
        leads = Gauge("modelwatch_leader", "Whether this process evaluates and acts.", registry=registry)
        leads.set_function(lambda: float(self._leader.leading))

    def start(self) -> None:
        """Begin, on threads of their own."""
        for thread in self._threads:
            thread.start()

    def _evaluate(self) -> None:
        checked = since = 0.0
        while not self._stop.wait(self._interval):
            now = time.monotonic()
            if not self._leader.leading or now - checked > CHECK_SECONDS:
                led, checked = self._leader.leading, now
                if not self._leader.lead():
                    self._stop.wait(CHECK_SECONDS)
                    continue
                if not led:
                    log.info("this process leads now")
                    since = now
            # what was sent while nobody led may still be on its way: nothing is called silence yet
            settled = now - since > BACKLOG_SECONDS
            clock = time.time_ns() // 1000 if settled else None
            for evaluation in self._evaluations:
                self._attempt("an evaluation", partial(self._advance, evaluation, clock))

    def _advance(self, evaluation: Evaluation, clock: int | None) -> None:
        due = time.monotonic() + CHECK_SECONDS  # then it is looked again whether this process leads
        evaluation.advance(clock, stop=lambda: self._stop.is_set() or time.monotonic() > due)

    def _keep_up(self) -> None:
        while not self._stop.wait(UPKEEP_SECONDS):
            if self._leader.leading:
                self._attempt("upkeep", lambda: self._upkeep.once(self._stop.is_set))
        if self._leader.leading:
            self._attempt("the last upkeep", self._upkeep.finish)

    def _attempt(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except NotLeadingError:
            log.warning("%s was left to another process, which leads now", what)
        except sa.exc.OperationalError as error:
            log.error("%s: the database does not answer; it is tried again: %s", what, error.orig)  # noqa: TRY400
            self._stop.wait(PAUSE_SECONDS)
        except Exception:
            log.exception("%s failed; it is tried again", what)
            self._stop.wait(PAUSE_SECONDS)

    def close(self) -> None:
        """Stop every thread, then resign."""
        self._stop.set()
        self._dispatcher.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._egress.close()
        self._leader.close()
