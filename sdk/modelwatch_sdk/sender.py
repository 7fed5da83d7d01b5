"""The thread that sends: batch by batch, in order, until the collector has answered for each."""

from __future__ import annotations

import threading
from collections import deque

from modelwatch_sdk.answer import Meaning, Receipt, interpret
from modelwatch_sdk.backoff import Backoff
from modelwatch_sdk.batch import Batch, chunks
from modelwatch_sdk.buffer import Buffer
from modelwatch_sdk.encoding import encode_all
from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.leftovers import Leftovers
from modelwatch_sdk.options import Options
from modelwatch_sdk.spool import Spool
from modelwatch_sdk.transport import Reply, Transport

_MOST_BYTES = 8 << 20  # of a request's body


class Sender:
    """Owns the order of things: leftovers of earlier processes, the queue, the spool, then the queue again.

    `abandon` takes the work away from the thread, which may be stuck in a request, without losing a batch:
    the thread changes its state only under `_turn`, and never after having been abandoned.
    """

    def __init__(
        self,
        options: Options,
        buffer: Buffer,
        ledger: Ledger,
        transport: Transport,
        spool: Spool | None,
        leftovers: Leftovers | None,
    ) -> None:
        self._options = options
        self._buffer = buffer
        self._ledger = ledger
        self._transport = transport
        self._spool = spool
        self._leftovers = leftovers
        self._backoff = Backoff()
        self._pending: deque[Batch] = deque()
        self._most_bytes = _MOST_BYTES
        self._turn = threading.Lock()
        self._hurry = threading.Event()
        self._abandoned = False

    def run(self) -> None:
        """Works until everything is answered for and the buffer is closed, or until it is abandoned."""
        while self._guarded_step():
            pass
        self._transport.close()

    def _guarded_step(self) -> bool:
        try:
            return self._step()
        except Exception as error:  # noqa: BLE001 - a dead sender would lose everything, silently
            self._complain("bug", f"a bug in modelwatch_sdk, please report it: {error!r}")
            self._pause(1.0)
            return True

    def _step(self) -> bool:
        with self._turn:
            if self._abandoned:
                return False
            if not self._pending:
                going_on = self._refill()
                if not self._pending:
                    return going_on
            batch = self._pending[0]
            if not batch.sent:
                batch.sent = True
                self._ledger.count_sent(len(batch.lines))
        reply = self._transport.post(batch, self._ledger.dropped)
        with self._turn:
            if self._abandoned:
                return False
            delay = self._conclude(batch, reply)
            self._buffer.set_healthy(delay == 0)
        if delay:
            self._pause(delay)
        return True

    def _pause(self, seconds: float) -> None:
        if self._hurry.wait(seconds):
            self._hurry.clear()

    def _refill(self) -> bool:
        """Finds the next work, waiting for it if need be; False when there will be none."""
        rows = self._options.batch_size
        batch = self._leftovers.next(rows, self._most_bytes) if self._leftovers else None
        if batch is not None:
            self._pending.append(batch)
            return True
        self._ledger.set_replaying(False)
        events = self._buffer.take(self._options.flush_interval)
        if events:
            lines = encode_all(events, self._ledger)
            self._pending.extend(Batch(part) for part in chunks(lines, self._most_bytes))
            return True
        if self._spool is not None and self._buffer.spilling:
            with self._spool.lock:
                batch = self._spool.next(rows, self._most_bytes)
                if batch is None:
                    self._buffer.end_spill()
                else:
                    self._pending.append(batch)
            return True
        return not self._buffer.closed

    def _conclude(self, batch: Batch, reply: Reply) -> float:
        """Draws the consequences of an answer; returns the seconds to wait before the next request."""
        meaning, receipt, why = interpret(reply)
        if meaning is Meaning.LATER:
            self._ledger.count_retry()
            if reply.stale:
                return 0.0
            self._complain("later", f"events wait, the collector does not take them: {why}")
            return self._backoff.delay(reply.retry_after)
        if receipt is not None:
            self._accept(batch, receipt)
        elif meaning is Meaning.TOO_LARGE:
            self._split(batch)
        else:
            events = len(batch.lines)
            self._complain("refused", f"the collector refuses {events} events for good: {why}")
            self._pop(batch, rejected=events)
        self._backoff.reset()
        return 0.0

    def _accept(self, batch: Batch, receipt: Receipt) -> None:
        unaccounted = len(batch.lines) - receipt.accepted - receipt.duplicate - receipt.rejected
        if receipt.rejected:
            self._complain(
                "rejected", f"the collector rejected {receipt.rejected} events, first {receipt.first_error}"
            )
        if unaccounted:
            self._complain(
                "answer", f"the collector's answer does not add up: {receipt} for {len(batch.lines)} events"
            )
        self._pop(batch, receipt.accepted, receipt.duplicate, rejected=receipt.rejected + max(unaccounted, 0))

    def _split(self, batch: Batch) -> None:
        if len(batch.lines) == 1:
            self._complain(
                "large", f"one event of {batch.size} bytes is too large for the collector: dropped"
            )
            self._pop(batch, dropped=1)
            return
        self._most_bytes = min(self._most_bytes, batch.size // 2)  # spare the next batches the same
        self._pending.popleft()
        self._pending.extendleft(reversed(batch.halves()))

    def _pop(
        self, batch: Batch, accepted: int = 0, duplicate: int = 0, *, rejected: int = 0, dropped: int = 0
    ) -> None:
        self._pending.popleft()
        if batch.segment is not None:
            batch.segment.advance(batch)
        self._ledger.settle(
            batch.own, accepted=accepted, duplicate=duplicate, rejected=rejected, dropped=dropped
        )

    def _complain(self, kind: str, message: str) -> None:
        self._ledger.complaints.report(kind, message)

    def hurry(self) -> None:
        """Cuts the current wait between two attempts short."""
        self._hurry.set()

    def abandon(self) -> list[Batch]:
        """Ends the thread's work, at the latest when its request times out.

        Returns:
            The batches that are in memory only, oldest first. The first one may have arrived.
        """
        with self._turn:
            self._abandoned = True
        self._hurry.set()
        self._transport.abort()
        return [batch for batch in self._pending if batch.segment is None]
