"""`modelwatch backfill`: history counts once, however often it is run or killed, and beside a service."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from collector.store.database import Database
from collector.summarize import Key
from profiles import Profile
from tests.collector.collecting import balanced, book, counted, same
from tests.databases import postgres_url
from tests.modelwatch.flows import Workplace, events_of, labels_of, traffic
from tests.modelwatch.processes import ROOT, ServiceProcess, command, run, send

HOURS = 24
KILLS = 2
Counts = dict[Key, Profile]


def found(data: Path) -> Counts:
    with closing(Database(data / "modelwatch.db")) as database:
        assert balanced(database)
        return counted(database)


def books(data: Path) -> tuple[int, int, int, int]:
    with closing(Database(data / "modelwatch.db")) as database:
        return book(database)


@pytest.fixture
def place(workplace: Workplace) -> Workplace:
    reference = workplace.file("reference", traffic(16, seed=1, first=1_700_000_000))
    workplace.monitor(reference={"kind": "file", "path": str(reference)})
    return workplace


@pytest.fixture
def monitor(place: Workplace) -> Path:
    return place.folder / "monitor.yaml"


@pytest.fixture
def table() -> pd.DataFrame:
    return traffic(HOURS, seed=2)


@pytest.fixture
def files(place: Workplace, table: pd.DataFrame) -> tuple[Path, Path]:
    """Predictions in a small Parquet file, labels as CSV."""
    labels = place.folder / "labels.csv"
    labels_of(table).to_csv(labels, index=False)
    return place.file("history", table.drop(columns=["label", "label_ts"])), labels


def test_a_backfill_counts_what_a_service_would_have(
    place: Workplace, monitor: Path, table: pd.DataFrame, files: tuple[Path, Path]
) -> None:
    told = command("backfill", monitor, files[0], "--labels", files[1], "--data", place.folder / "a")
    rows, labels = len(table), len(labels_of(table))
    assert f"history.parquet: received {rows}, accepted {rows}, duplicate 0, rejected 0" in told
    assert f"labels.csv: received {labels}, accepted {labels}, duplicate 0, rejected 0" in told
    events = place.folder / "events.ndjson"
    events.write_text("".join(json.dumps(event) + "\n" for event in events_of(table)))
    command("backfill", monitor, events, "--data", place.folder / "b")
    assert found(place.folder / "a")
    assert same(found(place.folder / "a"), found(place.folder / "b"))


def test_a_second_run_changes_nothing(place: Workplace, monitor: Path, files: tuple[Path, Path]) -> None:
    data = place.folder / "data"
    command("backfill", monitor, files[0], "--labels", files[1], "--data", data)
    before, counts = found(data), books(data)
    told = command("backfill", monitor, files[0], "--labels", files[1], "--data", data)
    assert told.count("all of it was committed before") == 2
    assert same(found(data), before)
    assert books(data) == counts
    longer = traffic(HOURS, seed=2).drop(columns=["label", "label_ts"])
    longer = pd.concat([longer, traffic(1, seed=9).drop(columns=["label", "label_ts"])])
    told = command("backfill", monitor, place.file("history", longer), "--data", data)
    assert "accepted 120, duplicate 2880" in told


def test_the_rejected_rows_are_told_and_kept(place: Workplace, monitor: Path, table: pd.DataFrame) -> None:
    table.loc[7, "score"] = 1.5
    path = place.file("bad", table)
    told = command("backfill", monitor, path, "--data", place.folder / "data")
    assert "rejected 1" in told
    assert "row 7, score: 1.5 is outside 0 to 1 (got 1.5); send a probability" in told
    assert "row 7" in command("rejected", "--data", place.folder / "data")


def test_an_inference_table_with_a_layout(place: Workplace, monitor: Path) -> None:
    row = {"instances": [[0.5, "a", 0.1, 0.2, "north"], [0.7, "b", 0.1, 0.2, "south"]]}
    table = pd.DataFrame(
        {
            "databricks_request_id": ["r1", "r2", "r3"],
            "timestamp_ms": [1_704_067_200_000] * 3,
            "status_code": [200, 500, 200],
            "execution_time_ms": [12, 13, 14],
            "request": [json.dumps(row)] * 3,
            "response": [json.dumps({"predictions": [[0.9, 0.1], [0.2, 0.8]]}), None, "nothing"],
            "request_metadata": [{"model_version": "3"}] * 3,
        }
    )
    layout = place.folder / "layout.yaml"
    layout.write_text(yaml.safe_dump({"features": ["x", "c", "e0", "e1", "region"]}))
    data = place.folder / "data"
    path = place.file("table", table)
    told = command("backfill", monitor, path, "--table", "--layout", layout, "--data", data)
    assert "received 5, accepted 4, duplicate 0, rejected 1" in told
    assert "row 2, response: invalid JSON" in told
    profiles = [profile for key, profile in found(data).items() if key.version == "3" and not key.segment]
    assert sum(profile.rows for profile in profiles) == 4
    layout.write_text("features: 7\n")
    told = command("backfill", monitor, path, "--table", "--layout", layout, "--data", data, code=2)
    assert "features" in told


def test_what_is_wrong_is_told_before_anything_is_committed(
    place: Workplace, monitor: Path, files: tuple[Path, Path]
) -> None:
    data = place.folder / "data"
    other = place.folder / "other.xlsx"
    other.touch()
    for arguments, reason in (
        ((), "nothing to do"),
        ((files[0], other), "other.xlsx: what is it"),
        ((files[0], "--labels", files[0]), "a labels file needs the columns ['label']"),
        ((files[0], "--table"), "an inference table has the columns"),
        ((files[0], "--layout", files[1]), "add --table"),
        ((files[0], "--database", "mysql://host/x"), "mysql is not supported"),
    ):
        assert reason in " ".join(command("backfill", monitor, *arguments, "--data", data, code=2).split())
    assert not (data / "modelwatch.db").exists() or books(data) == (0, 0, 0, 0)


def committed(data: Path) -> int:
    """How many rows are on the books; none while there is no database."""
    try:
        return books(data)[0]
    except sa.exc.OperationalError:
        return 0


@pytest.mark.timeout(180)
def test_kill_9_and_resume(place: Workplace, monitor: Path, table: pd.DataFrame) -> None:
    many = pd.concat(
        [table.assign(prediction_id=table["prediction_id"] + f"-{n}") for n in range(30)], ignore_index=True
    )
    path = place.folder / "history.csv"
    many.to_csv(path, index=False)  # several pieces
    calm, shaken = place.folder / "calm", place.folder / "shaken"
    command("backfill", monitor, path, "--data", calm)
    arguments = ["backfill", str(monitor), str(path), "--data", str(shaken)]
    kills = 0
    while kills < KILLS:
        before = committed(shaken)
        started = [sys.executable, "-m", "modelwatch", *arguments]
        process = subprocess.Popen(started, cwd=ROOT, stdout=subprocess.DEVNULL)
        while committed(shaken) == before and process.poll() is None:
            time.sleep(0.01)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
    assert kills == KILLS
    assert 0 < committed(shaken) < len(many)
    last = run(*arguments)
    assert last.returncode == 0, last.stderr
    assert "resumed at row" in last.stdout
    assert same(found(shaken), found(calm))
    assert books(shaken) == books(calm) == (len(many), len(many), 0, 0)


@pytest.mark.slow
def test_beside_a_service(place: Workplace, monitor: Path, files: tuple[Path, Path]) -> None:
    live = traffic(4, seed=7, first=1_704_067_200 + HOURS * 3600)
    service = ServiceProcess(monitor, place.folder / "both")
    service.start()
    events = events_of(live)
    for first in range(0, len(events), 100):
        send(service.url, f"k{first}", events[first : first + 100])
        if first == 200:
            told = run("backfill", str(monitor), str(files[0]), "--data", str(service.data))
            assert told.returncode == 0, told.stderr
    told = run("backfill", str(monitor), "--labels", str(files[1]), "--data", str(service.data))
    assert told.returncode == 0, told.stderr
    assert service.stop() == 0
    assert "Traceback" not in service.log.read_text(encoding="utf-8")
    path = place.folder / "live.ndjson"
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    command("backfill", monitor, files[0], path, "--labels", files[1], "--data", place.folder / "apart")
    assert same(found(service.data), found(place.folder / "apart"))


def test_into_postgresql(place: Workplace, monitor: Path, files: tuple[Path, Path]) -> None:
    with postgres_url() as url:
        for _ in range(2):
            command("backfill", monitor, files[0], "--labels", files[1], "--database", url)
        with closing(Database(url)) as database:
            profiles = counted(database)
            assert balanced(database)
    command("backfill", monitor, files[0], "--labels", files[1], "--data", place.folder / "sqlite")
    assert same(found(place.folder / "sqlite"), profiles)
