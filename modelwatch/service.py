"""The service: collector and pages in one process, and the leader's duties in one of all processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from collector.intake import Intake
from collector.sources import http
from collector.sources.catalog import AnySource
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from dashboards import app as pages
from dashboards.metrics import Exporter
from modelwatch.access import guard
from modelwatch.duties import Duties
from modelwatch.monitor import Monitor
from modelwatch.opening import open_database
from modelwatch.references.install import install_file
from modelwatch.sources import Sources


@dataclass(frozen=True)
class Settings:
    """How the service runs.

    Attributes:
        data: the folder that everything is kept in, except what is in another database.
        url: where the pages are, for messages.
        allowed_hosts: where webhooks may go.
        token: what clients must present; None for no authentication (loopback only).
        interval: seconds between looks for closed windows.
        database: a PostgreSQL URL; None for the environment's, or a SQLite file in `data`.
        log: the prediction log's folder; None for `log` in `data`.
    """

    data: Path
    url: str
    allowed_hosts: Sequence[str] = ()
    token: str | None = None
    interval: float = 0.2
    database: str | None = None
    log: Path | None = None


class Core:
    """The database and the duties: what a process with pages, and one without, have in common."""

    def __init__(self, settings: Settings, monitors: Sequence[Monitor]) -> None:
        self.schemas = {monitor.model: monitor for monitor in monitors}
        self.database: Database = open_database(settings.data, settings.database)
        try:
            for monitor in monitors:
                if monitor.reference.file is not None:
                    install_file(self.database, monitor, monitor.reference.file)
        except BaseException:
            self.database.close()
            raise
        self.registry = CollectorRegistry()
        self.registry.register(Exporter(self.database, self.schemas))
        self.duties = Duties(
            self.database,
            monitors,
            folder=settings.data,
            logs=settings.log or settings.data / "log",
            url=settings.url,
            allowed_hosts=settings.allowed_hosts,
            interval=settings.interval,
            registry=self.registry,
        )

    def routes(self) -> APIRouter:
        """The routes of machines: `/metrics` and `/healthz`."""
        router = APIRouter()

        @router.get("/metrics", include_in_schema=False)
        def metrics() -> Response:
            return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

        @router.get("/healthz")
        def healthz() -> dict[str, str]:
            return {"status": "ok"}

        return router

    def application(self, settings: Settings) -> FastAPI:
        """An application of those routes, for a process without pages; with it the duties begin and end."""

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            self.duties.start()
            yield
            self.close()

        application = FastAPI(title="Modelwatch evaluation", lifespan=lifespan, openapi_url=None)
        application.include_router(self.routes())
        guard(application, settings.token, settings.url)
        return application

    def close(self) -> None:
        """Stop every thread."""
        self.duties.close()
        self.database.close()


class Service:
    """A collector with pages, which takes its turn as the leader."""

    def __init__(
        self, settings: Settings, monitors: Sequence[Monitor], sources: Sequence[AnySource] = ()
    ) -> None:
        self._settings = settings
        self._core = Core(settings, monitors)
        self.database = self._core.database
        self.intake = Intake(Ledger(self.database, self._core.schemas))
        self._sources = Sources(sources, self.intake, self.database, self._core.schemas, self._core.registry)
        self.app = self._application()

    def _application(self) -> FastAPI:
        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            self._core.duties.start()
            self._sources.start()
            yield
            self.close()

        application = FastAPI(title="Modelwatch", lifespan=lifespan)
        application.include_router(http.router(self.intake, Validator(self._core.schemas)))
        for router in self._sources.routers:
            application.include_router(router)
        application.include_router(pages.router(self.database, self._core.schemas))
        application.include_router(self._core.routes())
        waiting = Gauge(
            "modelwatch_intake_waiting", "Deliveries that wait to be committed.", registry=self._core.registry
        )
        waiting.set_function(lambda: self.intake.waiting)
        guard(application, self._settings.token, self._settings.url)
        return application

    def close(self) -> None:
        """Commit what waits, then stop every thread."""
        self._sources.close()
        self.intake.close()
        self._core.close()
