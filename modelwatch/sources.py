"""The sources of a service: their routes, and the threads that work behind them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from collector.intake import Intake
from collector.schema import Schema
from collector.sources.catalog import AnySource
from collector.sources.inference import Inference
from collector.sources.pushing import PushingSource
from collector.store.database import Database


class Sources:
    """Runs sources beside the routes of the SDK.

    Args:
        sources: what source files configure. Requests with their responses are taken in any case.
        intake: commits deliveries.
        database: where everything is kept.
        schemas: every monitored model's schema, by name.
        registry: takes the sources' metrics.
    """

    def __init__(
        self,
        sources: Sequence[AnySource],
        intake: Intake,
        database: Database,
        schemas: Mapping[str, Schema],
        registry: CollectorRegistry,
    ) -> None:
        plain = [] if any(isinstance(one, Inference) for one in sources) else [Inference()]
        pushing = [one for one in (*sources, *plain) if isinstance(one, PushingSource)]
        self.routers: list[APIRouter] = [one.router(intake, database, schemas) for one in pushing]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=one.run, name=one.source, args=(database, schemas, self._stop, registry))
            for one in sources
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop every thread, after the commit under way."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
