"""What a source that fetches events itself is: one file configures it, one worker runs it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry

from collector.schema import Schema
from collector.store.database import Database


class SourceError(ValueError):
    """A source file is wrong, or what it needs is not there; the message says what to do."""


class PullingSource(Protocol):
    """Fetches events and commits them, each with the position that follows it."""

    @property
    def source(self) -> str:
        """Its name in the books and in the positions, such as `kafka:payments`."""

    def ready(self) -> None:
        """Check what cannot be checked by reading the file, such as secrets.

        Raises:
            SourceError: something is missing.
        """

    def run(
        self,
        database: Database,
        schemas: Mapping[str, Schema],
        stop: threading.Event,
        registry: CollectorRegistry,
    ) -> None:
        """Fetch and commit until `stop` is set; outlasts outages of both ends.

        Args:
            database: where everything is committed.
            schemas: every monitored model's schema, by name.
            stop: ends it, after the commit under way.
            registry: takes its metrics.
        """
