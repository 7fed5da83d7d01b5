"""The bounded queue in memory, and its overflow on the way to the spool."""

from __future__ import annotations

import threading
import time
from collections import deque

from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.wire import Event

_LEAST_OVERFLOW = 10_000
_LINGER = 0.05  # seconds for which the spiller lets events gather: one write instead of many


class Buffer:
    """Holds raw events, oldest first: the queue, then what is in the spool, then the overflow.

    Once the queue has overflowed, new events take the way through the spool until that is empty again,
    or they would overtake older ones.
    """

    def __init__(self, ledger: Ledger, max_queue: int, batch_size: int, *, spill: bool) -> None:
        self._ledger = ledger
        self._lock = ledger.lock
        self._queue: deque[Event] = deque()
        self._overflow: deque[Event] = deque()
        self._max_queue = max_queue
        self._batch_size = batch_size
        self._max_overflow = max(max_queue, _LEAST_OVERFLOW) if spill else 0
        self._arrived = threading.Condition(self._lock)
        self._spilled = threading.Condition(self._lock)
        self._flushes = 0
        self._healthy = True
        self.spilling = False
        self.closed = False

    def put(self, event: Event) -> bool:
        """Takes in one event; costs a microsecond and never waits for anybody's I/O.

        Returns:
            False when there is no room, or the buffer is closed: the event was not taken.
        """
        with self._lock:
            if self.closed:
                return False
            if self.spilling or len(self._queue) >= self._max_queue:
                return self._put_overflow(event)
            self._queue.append(event)
            self._ledger.entered += 1
            waiting = len(self._queue)
            if waiting in (1, self._batch_size):  # the sender sleeps through the others
                self._arrived.notify()
            return True

    def _put_overflow(self, event: Event) -> bool:
        if len(self._overflow) >= self._max_overflow:
            return False
        if not self.spilling:
            self.spilling = True
            self._arrived.notify()
        self._overflow.append(event)
        self._ledger.entered += 1
        if len(self._overflow) in (1, self._batch_size, self._max_overflow // 2):
            self._spilled.notify()
        return True

    def take(self, linger: float) -> list[Event]:
        """Waits for a batch of events; the sender's side.

        Args:
            linger: Seconds for which to let a batch grow after its first event.

        Returns:
            Up to a batch of the oldest events; none when the sender should look elsewhere (spilling, closed).
        """
        with self._lock:
            while not (self._queue or self.closed or self.spilling):
                self._arrived.wait()
            deadline = time.monotonic() + linger
            while len(self._queue) < self._batch_size and not (self.closed or self.spilling or self._flushes):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._arrived.wait(left)
            return [self._queue.popleft() for _ in range(min(self._batch_size, len(self._queue)))]

    def wait_overflow(self) -> bool:
        """Waits until there is something for the spool; the spiller's side.

        Returns:
            False when the buffer is closed: the spiller's work is over.
        """
        with self._lock:
            while not (self.closed or self._must_spill()):
                self._spilled.wait()
            if len(self._overflow) < self._batch_size and not self.closed:
                self._spilled.wait(_LINGER)
            return not self.closed

    def _must_spill(self) -> bool:
        # While the collector answers, the sender empties the spool and then takes the overflow from memory:
        # writing it to disk as well would only keep the detour open for ever.
        return len(self._overflow) > (self._max_overflow // 2 if self._healthy else 0)

    def take_overflow(self) -> list[Event]:
        """Takes a batch for the spool, without waiting."""
        with self._lock:
            return [self._overflow.popleft() for _ in range(min(self._batch_size, len(self._overflow)))]

    def end_spill(self) -> None:
        """Lets the overflow follow the queue directly, because nothing is in the spool any more."""
        with self._lock:
            self._queue.extend(self._overflow)
            self._overflow.clear()
            self.spilling = False

    def set_healthy(self, healthy: bool) -> None:
        """Says whether the collector answered last time."""
        with self._lock:
            self._healthy = healthy
            if not healthy:
                self._spilled.notify()

    def wait(self, timeout: float) -> bool:
        """Waits, at most `timeout` seconds, until all that was taken in is settled; batches go out unripe."""
        with self._lock:
            self._flushes += 1
            self._arrived.notify()
            try:
                return self._ledger.wait(timeout)
            finally:
                self._flushes -= 1

    def close(self) -> None:
        """Takes in nothing more and wakes everybody."""
        with self._lock:
            self.closed = True
            self._arrived.notify_all()
            self._spilled.notify_all()

    def drain(self) -> tuple[list[Event], list[Event]]:
        """Takes all that is left: the queue, and the overflow."""
        with self._lock:
            left = list(self._queue), list(self._overflow)
            self._queue.clear()
            self._overflow.clear()
            return left
