"""The same events through the service and through analyze give the same profiles and the same lines."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from collector.store.database import Database
from collector.summarize import Key
from modelwatch import schema
from modelwatch.analyze import ingest, stored_lines
from modelwatch.monitor import Monitor
from modelwatch.references.install import install_file
from profiles import Profile
from tests.collector.collecting import counted
from tests.modelwatch.flows import HOUR, START, Workplace, alike, events_of, labels_of, same, traffic
from tests.modelwatch.processes import ServiceProcess, send

HOURS = 20
Found = tuple[dict[Key, Profile], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return Workplace(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return traffic(HOURS, seed=2, bad_from=14)


@pytest.fixture(scope="module")
def monitor(place: Workplace) -> Monitor:
    path = place.file("reference", traffic(24, seed=1, first=START - 100 * HOUR))
    return place.monitor(reference={"kind": "file", "path": str(path)})


@pytest.fixture(scope="module")
def stream(place: Workplace, table: pd.DataFrame, monitor: Monitor) -> Found:
    """What the service counted and said."""
    service = ServiceProcess(place.folder / "monitor.yaml", place.folder / "data")
    events = events_of(table)
    service.start()
    for first in range(0, len(events), 173):
        send(service.url, f"batch-{first}", events[first : first + 173])
    service.settled(START + (HOURS - 1) * HOUR)
    for page in ("/", "/metrics", "/incidents/1"):
        assert httpx.get(service.url + page, follow_redirects=True).status_code == 200
    assert "modelwatch_intake_waiting 0.0" in httpx.get(f"{service.url}/metrics").text
    assert service.stop() == 0
    assert "Traceback" not in service.log.read_text(encoding="utf-8")
    with closing(Database(service.data / "modelwatch.db")) as database:
        with database.read() as connection:
            lines = [line.public() for line in stored_lines(connection, monitor.model)]
        return counted(database), lines


def until(lines: list[dict[str, Any]], hour: int) -> list[dict[str, Any]]:
    """The lines that were known by some hour."""
    limit = str(pd.Timestamp(START + hour * HOUR, unit="s").isoformat()) + "Z"
    return [line for line in lines if line.get("known_at", line["window_end"]) <= limit]


@pytest.mark.parametrize("apart", [False, True], ids=["labels inline", "labels apart"])
def test_a_stream_is_judged_as_files_are(
    place: Workplace, table: pd.DataFrame, monitor: Monitor, stream: Found, apart: bool
) -> None:
    labels = labels_of(table) if apart else None
    production = table.drop(columns=["label", "label_ts"]) if apart else table
    paths = [place.file("production", production), None if labels is None else place.file("labels", labels)]
    with closing(Database(None)) as database:
        schema.create(database)
        assert monitor.reference.file is not None
        install_file(database, monitor, monitor.reference.file)
        ingest(database, monitor, Path(str(paths[0])), paths[1], lambda *_: None)
        assert same(counted(database), stream[0])
    lines = place.lines(
        pd.read_parquet(monitor.reference.file), production, labels, place.monitor(reference=None)
    )
    last = HOURS - 1  # the last window of a stream closes when the next begins
    assert alike(until(lines, last), until(stream[1], last))
    assert {line["verdict"] for line in until(lines, last)} == {"ok", "breach", "insufficient"}
    assert [line for line in until(lines, last) if line["alert"]]
