"""`modelwatch collect`."""

from __future__ import annotations

import logging
import signal
import threading
import time
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

from collector.sources.catalog import AnySource
from collector.sources.files import FileError
from collector.sources.pushing import PushingSource
from collector.store.database import Database
from modelwatch.allocator import keep_memory
from modelwatch.commands.source_files import load_sources
from modelwatch.commands.terminal import DEFAULT_DATA, Data, DatabaseUrl, err, fail, monitors
from modelwatch.monitor import Monitor
from modelwatch.opening import OpeningError, open_database
from modelwatch.references.install import install_file

QUIET_SECONDS = 30.0


def collect(
    monitor: Annotated[list[Path], typer.Option(help="Monitor files, or folders of them.")],
    source: Annotated[list[Path], typer.Option(help="Source files, such as a Kafka cluster's.")],
    data: Data = DEFAULT_DATA,
    database: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="The address of /metrics and /healthz.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Their port; left out, there are none.")] = None,
) -> None:
    """Fetch events from Kafka and such, and commit them, until SIGTERM or SIGINT. Several may run at once."""
    keep_memory()
    handler = logging.StreamHandler()
    handler.addFilter(_Sparing())
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", handlers=[handler])
    watched = monitors(monitor)
    sources = _pulling(source)
    try:
        opened = open_database(data, database)
    except OpeningError as error:
        fail(error)
    try:
        for one in watched:
            if one.reference.file is not None:
                install_file(opened, one, one.reference.file)
        Collection(opened, watched, sources).run(host, port)
    except (FileError, OSError, sa.exc.DatabaseError) as error:
        fail(error)
    finally:
        opened.close()


def _pulling(paths: list[Path]) -> list[AnySource]:
    loaded = load_sources(paths)
    for one in loaded:
        if isinstance(one, PushingSource):
            fail(f"{one.source} waits for requests: run it with `modelwatch serve --source`")
    return loaded


class _Sparing(logging.Filter):
    """Lets a client library say the same thing once in a while: in an outage it would say little else."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write it."""
        if not record.name.startswith("kafka."):
            return True
        now, place = time.monotonic(), (record.pathname, record.lineno)
        silent = now - self._said.get(place, -QUIET_SECONDS) < QUIET_SECONDS
        if not silent:
            self._said[place] = now
        return not silent


class Collection:
    """Runs sources, each on a thread of its own, until it is told to stop."""

    def __init__(self, database: Database, watched: list[Monitor], sources: list[AnySource]) -> None:
        self._stop = threading.Event()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        schemas = {one.model: one for one in watched}
        self._threads = [
            threading.Thread(
                target=one.run, name=one.source, args=(database, schemas, self._stop, self._registry)
            )
            for one in sources
        ]

    def run(self, host: str, port: int | None) -> None:
        """Run until SIGTERM or SIGINT, or until a source ends by itself."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        server = None if port is None else _Server(self._application(), host, port)
        for thread in self._threads:
            thread.start()
        err.print(f"Modelwatch collects from {', '.join(one.name for one in self._threads)}", highlight=False)
        while not self._stop.wait(1):
            if not all(thread.is_alive() for thread in self._threads):
                break
        failed = not self._stop.is_set()
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if server is not None:
            server.stop()
        if failed:
            fail("a source has ended by itself; its log says why")

    def _application(self) -> FastAPI:
        application = FastAPI(title="Modelwatch collector", openapi_url=None)

        @application.get("/metrics")
        def metrics() -> Response:
            return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

        @application.get("/healthz")
        def healthz() -> JSONResponse:
            dead = [thread.name for thread in self._threads if not thread.is_alive()]
            status = {"status": "failed" if dead else "ok", "ended": dead}
            return JSONResponse(status, 503 if dead else 200)

        return application


class _Server:
    """Serves an application on a thread."""

    def __init__(self, application: FastAPI, host: str, port: int) -> None:
        self._server = uvicorn.Server(uvicorn.Config(application, host=host, port=port, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run, name="metrics")
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise OSError(f"cannot listen on {host}:{port}; choose another --port")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop serving."""
        self._server.should_exit = True
        self._thread.join()
