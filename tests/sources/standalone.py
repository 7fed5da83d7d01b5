"""A collector for inference loggers, as a process: `python -m tests.sources.standalone FOLDER PORT`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry, generate_latest

from collector.intake import Intake
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.sources.contract import SCHEMAS
from tests.sources.loggers import Logger

if __name__ == "__main__":
    database = Database(Path(sys.argv[1]) / "modelwatch.db")
    source = Logger("standalone", "v1").source
    intake, registry, stop = Intake(Ledger(database, SCHEMAS)), CollectorRegistry(), threading.Event()
    worker = threading.Thread(target=source.run, args=(database, SCHEMAS, stop, registry), daemon=True)
    worker.start()
    app = FastAPI()
    app.include_router(source.router(intake, database, SCHEMAS))

    @app.get("/metrics")
    def metrics() -> Response:
        """What Prometheus reads."""
        return Response(generate_latest(registry))

    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
    stop.set()
    worker.join()
    intake.close()
