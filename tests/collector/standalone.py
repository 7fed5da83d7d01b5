"""A collector in a process of its own: `python -m tests.collector.standalone FOLDER PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from collector.intake import Intake
from collector.sources import http
from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.validation.validate import Validator
from tests.collector.collecting import SCHEMAS, open_database

if __name__ == "__main__":
    database: Database = open_database(Path(sys.argv[1]) / "modelwatch.db")
    intake = Intake(Ledger(database, SCHEMAS))
    app = FastAPI()
    app.include_router(http.router(intake, Validator(SCHEMAS)))
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
    intake.close()
