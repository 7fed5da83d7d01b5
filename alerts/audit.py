"""The audit log: append-only, each entry sealed with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import sqlalchemy as sa

from alerts import tables

GENESIS = "0" * 64
SEALED = ("recorded", "actor", "action", "target", "why", "evidence", "previous")


def _seal(entry: dict[str, Any]) -> str:
    text = json.dumps([entry[name] for name in SEALED], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def append(
    connection: sa.Connection, actor: str, action: str, target: str, why: str, evidence: dict[str, Any]
) -> None:
    """Write down who did what to which target, why, and on which evidence, in the caller's transaction."""
    newest = sa.select(tables.audit.c.hash).order_by(tables.audit.c.id.desc()).limit(1)
    entry = {
        "recorded": time.time_ns() // 1000,
        "actor": actor,
        "action": action,
        "target": target,
        "why": why,
        "evidence": evidence,
        "previous": connection.execute(newest).scalar() or GENESIS,
    }
    connection.execute(tables.audit.insert().values(**entry, hash=_seal(entry)))


def first_broken(connection: sa.Connection) -> int | None:
    """The id of the first entry that was changed, or follows one that was removed; None when all hold."""
    previous = GENESIS
    for row in connection.execute(sa.select(tables.audit).order_by(tables.audit.c.id)):
        entry = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
        if entry["previous"] != previous or entry["hash"] != _seal(entry):
            return int(row.id)
        previous = row.hash
    return None
