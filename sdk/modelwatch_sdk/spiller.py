"""The thread that carries the queue's overflow to the spool."""

from __future__ import annotations

from modelwatch_sdk.buffer import Buffer
from modelwatch_sdk.encoding import encode_all
from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.spool import Spool
from modelwatch_sdk.wire import Event


class Spiller:
    """Runs beside the sender, which may be waiting for a collector that hangs."""

    def __init__(self, buffer: Buffer, spool: Spool, ledger: Ledger) -> None:
        self._buffer = buffer
        self._spool = spool
        self._ledger = ledger

    def run(self) -> None:
        """Works until the buffer is closed."""
        while self._buffer.wait_overflow():
            # Under the lock from taking to writing: the sender must not find the spool empty in between.
            with self._spool.lock:
                spill(self._buffer.take_overflow(), self._spool, self._ledger)


def spill(events: list[Event], spool: Spool, ledger: Ledger) -> None:
    """Writes events to the spool; drops, counts and reports those that it cannot take."""
    lines = encode_all(events, ledger)
    try:
        kept = spool.append(lines)
        trouble = "the queue is full, and so is the spool: the newest events are dropped"
    except OSError as error:
        kept = 0
        trouble = f"the queue is full, and the spool fails, so the newest events are dropped: {error}"
    if kept < len(lines):
        ledger.drop(len(lines) - kept)
        ledger.complaints.report("full", trouble)
