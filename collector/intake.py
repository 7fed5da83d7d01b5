"""The bounded queue between requests and the one thread that commits."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

from collector.delivery import Delivery, KeyReusedError
from collector.store.ledger import Ledger, Outcome

WAITING = 64
GROUPED = 200_000  # events that one transaction takes
EVENTS = 1_000_000  # that may wait, however few deliveries they came in


class BusyError(Exception):
    """The queue is full, or closed: the client is to try again later."""


@dataclass
class _Waiting:
    delivery: Delivery
    done: Future[Outcome]


class Intake:
    """Commits deliveries in the order in which they were submitted.

    Args:
        ledger: commits them.
        waiting: how many may wait; more are refused.
    """

    def __init__(self, ledger: Ledger, waiting: int = WAITING) -> None:
        self._ledger = ledger
        self._events = 0  # that wait, counted under the lock
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(waiting)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="intake")
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many deliveries wait now."""
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """Whether one more delivery would be refused now."""
        return self._closed or self._queue.full() or self._events > EVENTS

    def submit(self, delivery: Delivery) -> Future[Outcome]:
        """Queue a delivery; the future has its receipt once it is durable.

        Raises:
            BusyError: the queue is full, or closed.
        """
        waiting = _Waiting(delivery, Future())
        with self._closing:  # nothing gets in behind the end
            if self.full:
                raise BusyError
            self._queue.put_nowait(waiting)
            self._events += delivery.batch.total
        return waiting.done

    def _work(self) -> None:
        over = False
        held: _Waiting | None = None
        while not over or held is not None:
            group, held, over = self._group(held)
            # where nobody waits any more, nobody was told that it is safe
            with self._closing:
                self._events -= sum(one.delivery.batch.total for one in group)
            group[:] = [one for one in group if one.done.set_running_or_notify_cancel()]
            self._commit(group)

    def _group(self, held: _Waiting | None) -> tuple[list[_Waiting], _Waiting | None, bool]:
        """What waits now, for one transaction; what did not fit; and whether the end has come."""
        first = held or self._queue.get()
        if first is None:
            return [], None, True
        group, keys = [first], {(first.delivery.source, first.delivery.key)}
        events = first.delivery.batch.total
        while events < GROUPED:
            try:
                one = self._queue.get_nowait()
            except queue.Empty:
                break
            if one is None:
                return group, None, True
            key = (one.delivery.source, one.delivery.key)
            if one.delivery.key and key in keys:
                return group, one, False
            group.append(one)
            keys.add(key)
            events += one.delivery.batch.total
        return group, None, False

    def _commit(self, group: list[_Waiting]) -> None:
        """Commit a group in one transaction; one by one if that fails, so that none fails others."""
        now = time.time_ns() // 1000
        try:
            outcomes = self._ledger.commit_all([one.delivery for one in group], now) if group else []
        except Exception as error:  # noqa: BLE001 - the requests that wait for it answer with it
            if len(group) == 1:
                group[0].done.set_exception(error)
                return
            for one in group:
                self._commit([one])
            return
        waiting = [one.done for one in group]
        group.clear()  # the batches are let go before the senders hear of it and send the next
        for done, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, KeyReusedError):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._closing:
            first, self._closed = not self._closed, True
        if first:
            self._queue.put(None)
        self._thread.join()
