"""A SQLite file that is damaged is put aside at the start, and a new one begun: the service always starts."""

from __future__ import annotations

import logging
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from modelwatch.leader import FileLeader

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 30.0  # a check that takes longer is cut off: what is damaged then is met later, row by row
STEPS = 100_000
UNREADABLE = ("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")


def recover(path: Path) -> tuple[Path, str] | None:
    """Put a damaged database file aside, with what belongs to it; not while another process leads on it.

    Returns:
        Where it is now, and what is wrong with it; None where nothing is, or where there is no file.
    """
    if not path.exists():
        return None
    checking, leader = FileLeader(path.parent, "check.lock"), FileLeader(path.parent)
    deadline = time.monotonic() + 2 * PATIENCE_SECONDS
    while not checking.lead() and time.monotonic() < deadline:  # nobody opens what is about to be moved
        time.sleep(0.1)
    try:
        # who leads has checked it when it started
        reason = damage(path) if leader.lead() else None
        return None if reason is None else (_put_aside(path, reason), reason)
    finally:
        leader.close()
        checking.close()


def _put_aside(path: Path, reason: str) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    aside = path.with_name(f"{path.name}.corrupt-{moment}")
    for ending in ("-wal", "-shm", ""):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.replace(aside.with_name(aside.name + ending))
    log.error("%s is damaged (%s): it is now %s, and a new one is begun", path, reason, aside.name)
    return aside


def damage(path: Path) -> str | None:
    """What is wrong with a database file; None when nothing is, as far as a quick check can tell."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    cut_off = False

    def look() -> bool:
        nonlocal cut_off
        cut_off = time.monotonic() > deadline
        return cut_off

    connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    connection.set_progress_handler(look, STEPS)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if cut_off:
            log.warning("%s is so large that only a part of it was checked", path)
        elif "malformed" in str(error) or error.sqlite_errorname in UNREADABLE:
            return str(error)
        return None  # busy, the disk is full, or it may not be opened: opening it will say so
    except sqlite3.DatabaseError as error:
        return str(error)
    finally:
        connection.close()
    return None if found == "ok" else str(found)
