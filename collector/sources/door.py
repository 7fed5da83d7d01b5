"""Where halves come in: many requests share one transaction, and each is answered once it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from fastapi.concurrency import run_in_threadpool
from prometheus_client import CollectorRegistry, Gauge

from collector.sources import waiting
from collector.sources.waiting import Half
from collector.store.database import Database

_gauges: WeakKeyDictionary[CollectorRegistry, Gauge] = WeakKeyDictionary()


class Door:
    """Stores halves. What comes while a transaction is under way goes into the next, together.

    Args:
        database: where to.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: list[tuple[Sequence[Half], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def store(self, halves: Sequence[Half]) -> None:
        """Store halves; they are durable when it returns."""
        if not halves:
            return
        done = asyncio.get_running_loop().create_future()
        self._queue.append((halves, done))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        while self._queue:
            taken, self._queue = self._queue, []
            halves = [half for some, _ in taken for half in some]
            error: Exception | None = None
            try:
                await run_in_threadpool(waiting.put, self._database, halves)
            except Exception as failure:  # noqa: BLE001 - each request that waits for it answers with it
                error = failure
            for _, done in taken:
                if done.done():  # its client has gone
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)


def gauge(registry: CollectorRegistry, database: Database, source: str) -> None:
    """Show how many halves of a source wait."""

    def waits() -> float:
        with database.read() as connection:
            return waiting.count(connection, source)

    if registry not in _gauges:
        text = "Requests that wait for their response, and responses for their request."
        _gauges[registry] = Gauge("modelwatch_waiting_halves", text, ["source"], registry=registry)
    _gauges[registry].labels(source).set_function(waits)
