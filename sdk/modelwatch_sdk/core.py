"""All that works behind a `Monitor` in one process; a forked child gets a new one."""

from __future__ import annotations

import threading
import time

from modelwatch_sdk import lifecycle
from modelwatch_sdk.batch import Batch
from modelwatch_sdk.buffer import Buffer
from modelwatch_sdk.encoding import encode_all
from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.leftovers import Leftovers
from modelwatch_sdk.options import Options
from modelwatch_sdk.report import Complaints
from modelwatch_sdk.sender import Sender
from modelwatch_sdk.spiller import Spiller, spill
from modelwatch_sdk.spool import Spool, model_folder
from modelwatch_sdk.stats import Stats
from modelwatch_sdk.transport import Transport, producer_id
from modelwatch_sdk.wire import Event

_GRACE = 0.2  # seconds for the threads to notice that it is over


class Core:
    """The queue, its books and its threads."""

    def __init__(self, options: Options, complaints: Complaints) -> None:
        producer = producer_id()
        self._options = options
        self.complaints = complaints
        self._ledger = Ledger(complaints)
        self._spool: Spool | None = None
        self._leftovers: Leftovers | None = None
        if options.spool is not None:
            self._spool = Spool(options.spool, options.model, producer, options.spool_limit, self._ledger)
            self._leftovers = Leftovers(model_folder(options.spool, options.model), self._ledger)
        self._buffer = Buffer(
            self._ledger, options.max_queue, options.batch_size, spill=self._spool is not None
        )
        self._transport = Transport(options, producer)
        self._sender = Sender(
            options, self._buffer, self._ledger, self._transport, self._spool, self._leftovers
        )
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()
        self._closing = threading.Lock()

    def put(self, event: Event) -> None:
        """Queues an event, or drops, counts and reports it."""
        if not self._buffer.put(event):
            if self._buffer.closed:
                self.refuse("closed", "an event came after close(): dropped")
            else:
                self.refuse("full", "the queue is full: the newest events are dropped")
        elif not self._threads:
            self.start()

    def refuse(self, kind: str, why: str) -> None:
        """Counts and reports an event that could not be queued."""
        self._ledger.drop(1, entered=False)
        self.complaints.report(kind, why)

    def start(self) -> None:
        """Starts the threads, unless they run or somebody else is starting them."""
        if not self._starting.acquire(blocking=False):
            return
        try:
            if not (self._threads or self._buffer.closed):
                self._start_threads()
        except RuntimeError as error:  # the interpreter is going down, or the system has no more threads
            self.complaints.report("thread", f"no background thread, events wait: {error}")
        finally:
            self._starting.release()

    def _start_threads(self) -> None:
        lifecycle.started()
        self._ledger.set_replaying(self._leftovers is not None)
        works = {"sender": self._sender.run}
        if self._spool is not None:
            works["spiller"] = Spiller(self._buffer, self._spool, self._ledger).run
        for name, run in works.items():
            thread = threading.Thread(target=run, name=f"modelwatch-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def flush(self, timeout: float) -> bool:
        """Waits until everything so far is answered for."""
        return self._buffer.wait(timeout)

    def close(self, timeout: float) -> bool:
        """Waits like `flush`; what is not answered for by then is spooled, or dropped and counted."""
        if not self._closing.acquire(blocking=False):
            return self._ledger.wait(0.0)
        deadline = time.monotonic() + timeout
        self._buffer.close()
        self._sender.hurry()
        done = self._ledger.wait(timeout if self._threads else 0.0)
        batches = self._sender.abandon()
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), _GRACE))
        self._keep(batches)
        return done

    def _keep(self, batches: list[Batch]) -> None:
        queue, overflow = self._buffer.drain()
        lines = encode_all(queue, self._ledger)
        left = len(lines) + sum(len(batch.lines) for batch in batches)
        kept = 0
        if self._spool is not None:
            kept = self._spool.keep(batches, lines)
            spill(overflow, self._spool, self._ledger)
            self._spool.close()
        if self._leftovers is not None:
            self._leftovers.close()
        if kept < left:
            self._ledger.drop(left - kept)
            self.complaints.report(
                "closed", f"closed with {left - kept} events that the collector has not answered for"
            )

    def stats(self) -> Stats:
        """The figures at this moment."""
        return self._ledger.stats()

    def discard(self) -> None:
        """Closes the parent's handles in a forked child, and touches nothing else of the parent's."""
        self._transport.discard()
        for files in (self._spool, self._leftovers):
            if files is not None:
                files.discard()
