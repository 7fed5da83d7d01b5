"""The books: an event enters once and is settled once."""

from __future__ import annotations

import threading

from modelwatch_sdk.report import Complaints
from modelwatch_sdk.stats import Stats


class Ledger:
    """Counts the events of one process, and lets `flush` wait for them.

    `lock` is the one lock of the memory queue and of the figures; nothing slow happens under it. It is
    re-entrant, because a signal handler may log in the middle of a log().

    >>> ledger = Ledger(Complaints())
    >>> ledger.entered += 2
    >>> ledger.settle(2, accepted=2)
    >>> ledger.wait(0), ledger.stats().accepted
    (True, 2)
    """

    def __init__(self, complaints: Complaints) -> None:
        self.lock = threading.RLock()
        self.complaints = complaints
        self.entered = 0
        self.settled = 0
        self.replaying = False
        """Whether events of earlier processes are still being sent."""
        self._changed = threading.Condition(self.lock)
        self._sent = self._accepted = self._duplicate = self._rejected = self._retries = 0
        self.dropped = 0

    def count_sent(self, events: int) -> None:
        """Counts events that go out for the first time."""
        with self.lock:
            self._sent += events

    def count_retry(self) -> None:
        """Counts a request that has to be repeated."""
        with self.lock:
            self._retries += 1

    def settle(
        self, own: int, *, accepted: int = 0, duplicate: int = 0, rejected: int = 0, dropped: int = 0
    ) -> None:
        """Closes the books on a batch, in the order of entry.

        Args:
            own: How many of its events entered through this process.
            accepted: Events that the collector accepted.
            duplicate: Events that it knew already.
            rejected: Events that it refused for good.
            dropped: Events that were given up here.
        """
        with self.lock:
            self.settled += own
            self._accepted += accepted
            self._duplicate += duplicate
            self._rejected += rejected
            self.dropped += dropped
            self._changed.notify_all()

    def drop(self, events: int, *, entered: bool = True) -> None:
        """Counts lost events.

        Args:
            events: How many.
            entered: Whether they had entered. Their entry is then undone rather than settled: older events
                may still be waiting, and flush() must not take the newer ones' fate for theirs.
        """
        with self.lock:
            self.dropped += events
            if entered:
                self.entered -= events
                self._changed.notify_all()

    def set_replaying(self, replaying: bool) -> None:
        """Says whether events of earlier processes are being sent."""
        with self.lock:
            self.replaying = replaying
            self._changed.notify_all()

    def wait(self, timeout: float) -> bool:
        """Waits, at most `timeout` seconds, until all that has entered so far is settled."""
        with self.lock:
            target = self.entered

            def done() -> bool:
                return not self.replaying and self.settled >= min(target, self.entered)

            return self._changed.wait_for(done, timeout)

    def stats(self) -> Stats:
        """The figures at this moment."""
        with self.lock:
            return Stats(
                queued=self.entered - self.settled,
                sent=self._sent,
                accepted=self._accepted,
                duplicate=self._duplicate,
                rejected=self._rejected,
                dropped=self.dropped,
                retries=self._retries,
                last_error=self.complaints.last,
            )
