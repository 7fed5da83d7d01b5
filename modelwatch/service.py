"""The service: collector, evaluation, alerts and pages in one process."""

from __future__ import annotations

import base64
import hmac
import logging
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from alerts.dispatch import Dispatcher
from alerts.egress import Egress
from collector.intake import Intake
from collector.sources import http
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from dashboards import app as pages
from dashboards.metrics import Exporter
from modelwatch import schema
from modelwatch.evaluation import Evaluation
from modelwatch.monitor import Monitor
from modelwatch.reference import install_file

log = logging.getLogger(__name__)
OPEN_PATHS = ("/healthz",)
BACKLOG_SECONDS = 60.0


@dataclass(frozen=True)
class Settings:
    """How the service runs.

    Attributes:
        data: the folder that everything is kept in.
        url: where the pages are, for messages.
        allowed_hosts: where webhooks may go.
        token: what clients must present; None for no authentication (loopback only).
        interval: seconds between looks for closed windows.
    """

    data: Path
    url: str
    allowed_hosts: Sequence[str] = ()
    token: str | None = None
    interval: float = 0.2


class Service:
    """Owns the threads and the database."""

    def __init__(self, settings: Settings, monitors: Sequence[Monitor]) -> None:
        self._settings = settings
        self._owned = own(settings.data)
        self.database = Database(settings.data / "modelwatch.db")
        try:
            schema.upgrade(self.database)
            for monitor in monitors:
                if monitor.reference.file is not None:
                    install_file(self.database, monitor, monitor.reference.file)
        except BaseException:
            self.database.close()
            self._owned.close()
            raise
        schemas = {monitor.model: monitor for monitor in monitors}
        self.intake = Intake(Ledger(self.database, schemas))
        self._egress = Egress(list(settings.allowed_hosts))
        alerting = {monitor.model: monitor.alerts for monitor in monitors}
        self._dispatcher = Dispatcher(self.database, alerting, self._egress, settings.url)
        self._evaluations = [Evaluation(self.database, monitor, settings.url) for monitor in monitors]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._evaluate, name="evaluation"),
            threading.Thread(target=self._dispatcher.run, name="dispatch"),
        ]
        self.app = self._application(schemas)

    def _application(self, schemas: dict[str, Monitor]) -> FastAPI:
        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            for thread in self._threads:
                thread.start()
            yield
            self.close()

        application = FastAPI(title="Modelwatch", lifespan=lifespan)
        application.include_router(http.router(self.intake, Validator(schemas)))
        application.include_router(pages.router(self.database, schemas))
        registry = CollectorRegistry()
        registry.register(Exporter(self.database, schemas))
        waiting = Gauge(
            "modelwatch_intake_waiting", "Deliveries that wait to be committed.", registry=registry
        )
        waiting.set_function(lambda: self.intake.waiting)

        @application.get("/metrics", include_in_schema=False)
        def metrics() -> Response:
            return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

        @application.get("/healthz")
        def healthz() -> dict[str, str]:
            return {"status": "ok"}

        if self._settings.token is not None:
            application.add_middleware(TokenGuard, token=self._settings.token)
        else:  # a page elsewhere could point its own name at this machine, and read or send through a browser
            hosts = ["localhost", "127.0.0.1", urlsplit(self._settings.url).hostname or "localhost"]
            application.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
        return application

    def _evaluate(self) -> None:
        began = time.monotonic()
        while not self._stop.wait(self._settings.interval):
            # what was sent while the service was down is still on its way: nothing is called silence yet
            settled = time.monotonic() - began > BACKLOG_SECONDS
            now = time.time_ns() // 1000 if settled else None
            for evaluation in self._evaluations:
                try:
                    evaluation.advance(now, stop=self._stop.is_set)
                except Exception:
                    log.exception("an evaluation failed; it is tried again")

    def close(self) -> None:
        """Commit what waits, then stop every thread."""
        self.intake.close()
        self._stop.set()
        self._dispatcher.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._egress.close()
        self.database.close()
        self._owned.close()


def own(folder: Path) -> sqlite3.Connection:
    """Keep other services out of a folder while the connection is open; the system closes it if need be.

    What the ledger holds in memory is only true while nobody else writes.

    Raises:
        OSError: another service is in.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "owner.lock"
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        connection.close()
        raise OSError(f"{folder}: another service uses this folder; stop it, or choose another") from None
    return connection


class TokenGuard:
    """Lets requests pass that present the token: as a bearer token, or as a browser's password."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._allowed(scope):
            await self._app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": 'Basic realm="modelwatch"'}
        answer = PlainTextResponse("Send the token: Authorization: Bearer <token>\n", 401, headers=headers)
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        given: bytes = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, credentials = given.partition(b" ")
        if scheme.lower() == b"basic":
            try:
                credentials = base64.b64decode(credentials, validate=True).partition(b":")[2]
            except ValueError:
                return False
        elif scheme.lower() != b"bearer":
            return False
        return hmac.compare_digest(credentials, self._token)
