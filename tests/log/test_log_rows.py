"""What the prediction log holds: every accepted row once, as it came, for every reader."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from collector.log.columns import column_names
from collector.log.drain import drain
from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import SCHEMA, T0, commit, prediction
from tests.log.logging_traffic import NOW, counts, logged, schema, take, waiting


def test_every_accepted_row_is_logged_as_it_came(database: Database, tmp_path: Path) -> None:
    take(database, 0, 100)
    take(database, 50, 150)  # half of them are duplicates
    done = drain(database, tmp_path / "log", everything=True)
    rows = logged(tmp_path / "log")
    assert [row["id"] for row in rows] == [str(number) for number in range(150)]
    sent = prediction(7)
    assert rows[7] == {
        "id": "7",
        "timestamp": datetime.fromtimestamp(T0 + 700, UTC),
        "version": "v1",
        "prediction": int(sent["score"] >= 0.5),
        "score": sent["score"],
        "latency_ms": sent["latency_ms"],
        "failed": False,
        "x": sent["features"]["x"],
        "c": "b",
        "e": [float(np.float32(value)) for value in sent["features"]["e"]],
        "region": "s",
        "model": "m",
        "date": "2024-05-01",
        "hour": 0,
    }
    assert (done.rows, waiting(database)) == (150, 0)
    assert counts(database) | {"model": "m"} == {
        **dict.fromkeys(("waiting", "dropped"), 0),
        **dict.fromkeys(("staged", "written"), 150),
        **dict.fromkeys(("first", "last")),
        "model": "m",
    }


def test_files_lie_by_the_hour_of_the_event(database: Database, tmp_path: Path) -> None:
    take(database, 0, 40, timestamp=T0 + 3600.0)
    take(database, 40, 80)
    drain(database, tmp_path, everything=True)
    names = sorted(str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))
    assert names == [f"model=m/date=2024-05-01/hour=0{hour}" for hour in (1, 2)]
    for path in tmp_path.rglob("*.parquet"):
        hours = {moment.hour for moment in pq.read_table(path, partitioning=None)["timestamp"].to_pylist()}
        assert hours == {int(path.parent.name[5:])}


def test_what_is_missing_is_null(database: Database, tmp_path: Path) -> None:
    take(database, 0, 1)
    take(database, 1, 2, features={}, tags={}, score=None, prediction=1, latency_ms=None, status=None)
    drain(database, tmp_path / "log", everything=True)
    row = logged(tmp_path / "log")[1]
    names = ("score", "latency_ms", "failed", "x", "c", "e", "region")
    assert {name: row[name] for name in names} == dict.fromkeys(names)
    assert row["prediction"] == 1


def test_pandas_and_duckdb_read_it(database: Database, tmp_path: Path) -> None:
    take(database, 0, 80)
    drain(database, tmp_path / "log", everything=True)
    frame = pd.read_parquet(tmp_path / "log")
    assert frame["x"].sum() == pytest.approx(sum(prediction(n)["features"]["x"] for n in range(80)))
    query = (
        f"SELECT hour, count(*), count(DISTINCT id), sum(x) FROM read_parquet('{tmp_path}/log/**/*.parquet')"  # noqa: S608
    )
    found = duckdb.execute(f"{query} WHERE model = 'm' GROUP BY hour ORDER BY hour").fetchall()
    assert [(int(row[0]), row[1], row[2]) for row in found] == [(0, 36, 36), (1, 36, 36), (2, 8, 8)]
    assert sum(row[3] for row in found) == pytest.approx(frame["x"].sum())


def test_every_worker_and_every_replay_samples_the_same_rows(database: Database, tmp_path: Path) -> None:
    half = schema(log={"sample": 0.5})
    take(database, 0, 300, half)
    take(database, 300, 600, half)
    drain(database, tmp_path / "one", everything=True)
    again = {"other": half.model_copy(update={"model": "other"})}
    ledger = Ledger(database, again)
    commit(ledger, [prediction(n, model="other") for n in reversed(range(600))], "all", NOW)
    drain(database, tmp_path / "two", everything=True)
    ids = [{row["id"] for row in logged(tmp_path / name)} for name in ("one", "two")]
    assert ids[0] == ids[1]
    assert 240 < len(ids[0]) < 360


def test_nothing_is_logged_where_the_monitor_says_so_or_of_history(database: Database) -> None:
    take(database, 0, 10, schema(log="none"))
    commit(Ledger(database, {"m": SCHEMA}), [prediction(n) for n in range(10, 20)], "history", 0)
    assert waiting(database) == 0


def test_columns_never_clash() -> None:
    odd = schema(features={"hour": "numeric", "ID": "categorical", "hour_": "numeric"}, segments=["Hour"])
    names = list(column_names(odd).values())
    assert names[-4:] == ["hour_", "ID_", "hour__", "Hour___"]
    assert len({name.lower() for name in names} | {"model", "date", "hour"}) == len(names) + 3


def test_a_changed_monitor_is_another_file(database: Database, tmp_path: Path) -> None:
    take(database, 0, 10)
    take(database, 10, 20, schema(features={"x": "categorical"}, segments=[]))
    drain(database, tmp_path, everything=True)
    kinds = {str(pq.read_schema(path).field("x").type) for path in tmp_path.rglob("*.parquet")}
    assert kinds == {"double", "string"}
