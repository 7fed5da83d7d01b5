"""Files of every kind, brought in by a backfill."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd

from collector.sources.files import PredictionFile
from collector.sources.inference_table import InferenceTable
from collector.sources.layout import Layout
from modelwatch.backfill import Backfill, History
from modelwatch.monitor import Monitor
from tests.collector.collecting import SCHEMA
from tests.sources.contract import Case, Event, Place, at_time
from tests.sources.loggers import BODIES

MONITOR = Monitor.model_validate(SCHEMA.model_dump())


def frame(events: list[Event]) -> pd.DataFrame:
    """Events as a flat table."""
    rows = []
    for event in events:
        flat = {
            name: value for name, value in event.items() if name not in ("features", "tags", "kind", "model")
        }
        e0, e1 = event["features"]["e"]
        given = {"x": event["features"]["x"], "c": event["features"]["c"], "e0": e0, "e1": e1}
        rows.append(flat | given | event["tags"])
    return pd.DataFrame(rows)


def write(path: Path, table: pd.DataFrame) -> None:
    """Write a table as its suffix says."""
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    elif ".csv" in path.name:
        table.to_csv(path, index=False)
    else:  # pandas rounds numbers in JSON
        text = "".join(json.dumps(row) + "\n" for row in table.to_dict("records"))
        data = text.encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


class Filed(Case):
    """Flat files."""

    again = False

    def __init__(self, suffix: str) -> None:
        self.name = f"file{suffix}"
        self._suffix = suffix

    def path(self, place: Place) -> Path:
        return place.folder / f"history{self._suffix}"

    def file(self, path: Path) -> History:
        return PredictionFile(path, MONITOR)

    def write(self, path: Path, events: list[Event]) -> None:
        write(path, frame(events))

    def send(self, place: Place, events: list[Event]) -> None:
        path = self.path(place)
        if not path.exists():
            self.write(path, events)
        Backfill(place.database, MONITOR).run("predictions", self.file(path), lambda *_: None)


class Wire(Filed):
    """Events of the wire, a line each."""

    def __init__(self) -> None:
        super().__init__(".ndjson")
        self.name = "file of events"

    def write(self, path: Path, events: list[Event]) -> None:
        path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")


class Table(Filed):
    """Inference tables."""

    def __init__(self, suffix: str, bodies: str) -> None:
        super().__init__(suffix)
        self.name = f"inference table {suffix} {bodies}"
        self._body, layout = BODIES[bodies]
        self._layout = Layout.model_validate(layout)

    def file(self, path: Path) -> History:
        return InferenceTable(path, MONITOR, self._layout)

    def write(self, path: Path, events: list[Event]) -> None:
        rows = []
        for number, event in enumerate(events):
            request, response = self._body(event)
            rows.append(
                {
                    "databricks_request_id": f"db-{number}",
                    "client_request_id": event["id"],
                    "date": "2024-05-01",
                    "timestamp_ms": round(at_time(event) * 1000),
                    "status_code": event["status"],
                    "sampling_fraction": 1.0,
                    "execution_time_ms": int(event["latency_ms"]),
                    "request": json.dumps(request),
                    "response": json.dumps(response),
                    "request_metadata": json.dumps({"model_name": "m", "model_version": event["version"]}),
                }
            )
        write(path, pd.DataFrame(rows))


FILES: list[Case] = [
    *(Filed(suffix) for suffix in (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")),
    Wire(),
    Table(".parquet", "v2"),
    Table(".jsonl", "v1 lists"),
    Table(".csv", "v1"),
]
