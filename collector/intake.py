"""The bounded queue between requests and the one thread that commits."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

from collector.batch import Batch
from collector.store.ledger import Ledger, Receipt

WAITING = 64
Outcome = tuple[Receipt, bool]


class BusyError(Exception):
    """The queue is full, or closed: the client is to try again later."""


@dataclass
class _Delivery:
    source: str
    key: str
    batch: Batch
    done: Future[Outcome]


class Intake:
    """Commits deliveries in the order in which they were submitted.

    Args:
        ledger: commits them.
        waiting: how many may wait; more are refused.
    """

    def __init__(self, ledger: Ledger, waiting: int = WAITING) -> None:
        self._ledger = ledger
        self._queue: queue.Queue[_Delivery | None] = queue.Queue(waiting)
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
        return self._closed or self._queue.full()

    def submit(self, source: str, key: str, batch: Batch) -> Future[Outcome]:
        """Queue a delivery; the future has its receipt once it is durable.

        Raises:
            BusyError: the queue is full, or closed.
        """
        delivery = _Delivery(source, key, batch, Future())
        with self._closing:  # nothing gets in behind the end
            if self._closed:
                raise BusyError
            try:
                self._queue.put_nowait(delivery)
            except queue.Full:
                raise BusyError from None
        return delivery.done

    def _work(self) -> None:
        while (delivery := self._queue.get()) is not None:
            if not delivery.done.set_running_or_notify_cancel():
                continue  # nobody waits for it any more, so nobody was told that it is safe
            try:
                now = time.time_ns() // 1000
                receipt = self._ledger.commit(delivery.source, delivery.key, delivery.batch, now)
            except Exception as error:  # noqa: BLE001 - the request that waits for it answers with it
                delivery.done.set_exception(error)
            else:
                delivery.done.set_result(receipt)

    def close(self) -> None:
        """Commit what waits, then stop."""
        with self._closing:
            first, self._closed = not self._closed, True
        if first:
            self._queue.put(None)
        self._thread.join()
