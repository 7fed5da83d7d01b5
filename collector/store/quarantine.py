"""What is damaged is moved aside, told, and counted; nothing stops for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from collector.store import tables

log = logging.getLogger(__name__)
IDENTITY = ("model", "role", "start", "known", "version", "segment", "shard")
MOST_NOTED = 1000
_noted: dict[tuple[Any, ...], str] = {}
_guard = threading.Lock()


def note(identity: Mapping[str, Any], error: Exception) -> None:
    """Remember a profile that a reader found damaged and passed over; told once."""
    key = tuple(identity[name] for name in IDENTITY)
    with _guard:
        if key in _noted or len(_noted) >= MOST_NOTED:
            return
        _noted[key] = str(error)
    log.error("a stored profile is damaged, and is left out: %s: %s", key, error)


def noted() -> list[tuple[dict[str, Any], str]]:
    """The profiles that were noted since the last call, and what is wrong with each."""
    with _guard:
        found = [(dict(zip(IDENTITY, key, strict=True)), reason) for key, reason in _noted.items()]
        _noted.clear()
    return found


def set_aside(connection: sa.Connection, identity: Mapping[str, Any], reason: str) -> bool:
    """Move a profile to the quarantine, in a transaction that holds its model's lock.

    Returns:
        Whether it was still there.
    """
    key = {name: identity[name] for name in IDENTITY}
    row = connection.execute(sa.select(tables.profiles.c.profile).filter_by(**key)).one_or_none()
    if row is None:
        return False
    log.error("a damaged profile is moved to the quarantine: %s: %s", tuple(key.values()), reason)
    name = " ".join(f"{part}={value}" for part, value in key.items() if part != "model")
    keep(connection, "profile", key["model"], name, reason, row.profile)
    connection.execute(tables.profiles.delete().filter_by(**key))
    return True


def keep(
    connection: sa.Connection, kind: str, model: str, name: str, reason: str, content: bytes = b""
) -> None:
    """Write an entry of the quarantine."""
    entry = {"at": time.time_ns() // 1000, "kind": kind, "model": model, "name": name}
    connection.execute(tables.quarantine.insert().values(**entry, reason=reason, content=content))
