"""Crashes and failures: every accepted row is in exactly one file, and ingest never waits for the log."""

from __future__ import annotations

import errno
import logging
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.log import files
from collector.log.drain import LONG, drain
from collector.log.files import Piece, remove_before, remove_unfinished
from collector.store import tables
from collector.store.database import Database
from tests.collector.collecting import T0, book
from tests.log.logging_traffic import counts, logged, schema, take, waiting

ROOT = Path(__file__).parents[2]


class PowerError(Exception):
    """The power fails."""


@pytest.mark.parametrize("moment", ["before the rename", "after the first file", "before it is forgotten"])
def test_a_crash_at_any_moment_writes_every_row_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    take(database, 0, 100)
    written = []

    def crash(*_: Any) -> None:
        raise PowerError

    def once(folder: Path, model: str, piece: Piece) -> int:
        files.write(folder, model, piece)
        written.append(piece)
        raise PowerError

    with monkeypatch.context() as patched:
        if moment == "before the rename":
            patched.setattr(os, "fsync", crash)
        elif moment == "after the first file":
            patched.setattr(files, "_sync", lambda place: crash() if "hour" in place.name else None)
        else:
            patched.setattr("collector.log.drain.write", once)
        with pytest.raises(PowerError):
            drain(database, tmp_path / "log", everything=True)
    assert waiting(database) == 100
    take(database, 100, 150)
    drain(database, tmp_path / "log", everything=True)
    assert [row["id"] for row in logged(tmp_path / "log")] == [str(n) for n in range(150)]
    assert counts(database)["waiting"] == waiting(database) == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill_9_while_draining_loses_and_repeats_nothing(database: Database, tmp_path: Path) -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    for batch in range(150):
        take(database, batch * 20, batch * 20 + 20)
    where = str(database.url.database) if not database.postgres else database.url.render_as_string(False)
    command = [sys.executable, "-m", "tests.log.drainer", where, str(tmp_path / "log")]
    kills = 0
    for attempt in range(40):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "draining\n"
        if attempt < 20:
            time.sleep(dice.uniform(0, 0.15))
            process.kill()
        kills += process.wait() == -9
        over = "done" in process.stdout.read()
        process.stdout.close()
        if over:
            break
    assert kills >= 2
    drain(database, tmp_path / "log", everything=True)
    rows = logged(tmp_path / "log")
    assert len(rows) == book(database)[1] == 3000
    assert len({row["id"] for row in rows}) == 3000


def test_two_that_drain_at_a_time_write_every_row_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(database, 0, 100)

    def meanwhile(folder: Path, model: str, piece: Piece) -> int:
        monkeypatch.setattr("collector.log.drain.write", files.write)
        drain(database, folder, everything=True)
        take(database, 100, 120)
        return files.write(folder, model, piece)

    monkeypatch.setattr("collector.log.drain.write", meanwhile)
    drain(database, tmp_path / "log", everything=True)
    drain(database, tmp_path / "log", everything=True)
    assert waiting(database) == 0
    assert len(logged(tmp_path / "log")) == counts(database)["written"] == 120


def test_a_full_disk_stops_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take(database, 0, 10)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(os, "fsync", full)
        done = drain(database, tmp_path / "log", everything=True)
    assert done.failed["m"].errno == errno.ENOSPC
    assert "No space left" in caplog.text
    assert not [path for path in (tmp_path / "log").rglob("*") if path.is_file()]
    take(database, 10, 20)
    drain(database, tmp_path / "log", everything=True)
    assert len(logged(tmp_path / "log")) == 20


def test_a_folder_that_is_none_stops_nothing(database: Database, tmp_path: Path) -> None:
    take(database, 0, 10)
    (tmp_path / "log").write_text("a file is in the way")
    assert "m" in drain(database, tmp_path / "log", everything=True).failed
    assert waiting(database) == 10


def test_what_finds_no_room_is_accepted_and_counted(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.log.stage.MEGABYTE", 10_000)
    small = schema(log={"buffer_mb": 1})
    for first in range(0, 1000, 100):
        take(database, first, first + 100, small)
    held = counts(database)
    assert held["waiting"] <= 10_000
    assert held["dropped"] > 0
    assert held["staged"] + held["dropped"] == book(database)[1] == 1000
    drain(database, tmp_path / "log", everything=True)
    take(database, 1000, 1010, small)
    assert waiting(database) == 10


def test_it_is_due_by_age(database: Database, tmp_path: Path) -> None:
    take(database, 0, 10)
    assert drain(database, tmp_path / "log").rows == 0
    with database.write() as connection:
        connection.execute(tables.staged.update().values(at=tables.staged.c.at - LONG - 1_000_000))
    assert drain(database, tmp_path / "log").rows == 10


def test_a_damaged_batch_is_quarantined(database: Database, tmp_path: Path) -> None:
    take(database, 0, 10)
    take(database, 10, 20)
    with database.write() as connection:
        first = connection.execute(sa.select(sa.func.min(tables.staged.c.id))).scalar()
        connection.execute(tables.staged.update().filter_by(id=first).values(batch=b"scrambled" * 50))
    assert drain(database, tmp_path / "log", everything=True).damaged == 1
    assert [row["id"] for row in logged(tmp_path / "log")] == [str(n) for n in range(10, 20)]
    with database.read() as connection:
        (row,) = connection.execute(sa.select(tables.quarantine)).all()
    assert (row.kind, row.content[:9]) == ("staged", b"scrambled")


def test_unfinished_files_are_no_rows_and_are_removed(database: Database, tmp_path: Path) -> None:
    take(database, 0, 10)
    drain(database, tmp_path / "log", everything=True)
    (place,) = {path.parent for path in (tmp_path / "log").rglob("*.parquet")}
    left = place / ".7-9.parquet.abcd.unfinished"
    left.write_bytes(b"PAR1 half of it")
    assert len(logged(tmp_path / "log")) == 10
    assert remove_unfinished(tmp_path / "log") == 0  # somebody may be writing it
    os.utime(left, (0, 0))
    assert remove_unfinished(tmp_path / "log") == 1
    assert not left.exists()


def test_old_hours_are_removed(database: Database, tmp_path: Path) -> None:
    take(database, 0, 72)  # two hours
    drain(database, tmp_path / "log", everything=True)
    (tmp_path / "log" / "model=m" / "date=notes").mkdir()
    (tmp_path / "log" / "model=m" / "date=notes" / "hour=x").mkdir()
    assert remove_before(tmp_path / "log", "m", int((T0 + 7199) * 1e6)) == 1
    assert {row["hour"] for row in logged(tmp_path / "log")} == {1}
    assert remove_before(tmp_path / "log", "m", int((T0 + 7200) * 1e6)) == 1
    assert not list((tmp_path / "log").rglob("*.parquet"))
