"""What a source that is sent events itself is: a route takes them, and a worker may finish the job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from fastapi import APIRouter

from collector.intake import Intake
from collector.schema import Schema
from collector.sources.source import PullingSource
from collector.store.database import Database


@runtime_checkable
class PushingSource(PullingSource, Protocol):
    """Takes events over HTTP; `run` does what is left to do behind its route, until it is told to stop."""

    def router(self, intake: Intake, database: Database, schemas: Mapping[str, Schema]) -> APIRouter:
        """The routes that take events.

        Args:
            intake: commits deliveries.
            database: where everything is kept.
            schemas: every monitored model's schema, by name.
        """
