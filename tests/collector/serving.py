"""A real HTTP server on loopback, over a real database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from collector.intake import Intake
from collector.schema import Schema
from collector.sources import http
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI application; yields its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Collector:
    """A served collector, a client of it, and its database."""

    database: Database
    intake: Intake
    client: httpx.Client

    def post(self, path: str, body: Any, kind: str = "application/json", **headers: str) -> httpx.Response:
        """Post a body: bytes as they are, anything else as JSON, in which NaN may stand."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers={"Content-Type": kind, **names})


@contextmanager
def collecting(
    database: Database,
    schemas: Mapping[str, Schema],
    *,
    ledger: Ledger | None = None,
    waiting: int = 64,
    largest: int = http.LARGEST_BODY,
) -> Iterator[Collector]:
    """Serve the collector's routes."""
    intake = Intake(ledger or Ledger(database, schemas), waiting)
    app = FastAPI()
    app.include_router(http.router(intake, Validator(schemas), largest))
    try:
        with served(app) as address, httpx.Client(base_url=address, timeout=30) as client:
            yield Collector(database, intake, client)
    finally:
        intake.close()
