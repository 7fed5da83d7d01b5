"""What a change looks like stands at the head of the incident, and in the history of the feature."""

from __future__ import annotations

import sqlalchemy as sa

from alerts import tables
from collector.store.database import Database
from tests.dashboards.page import Client

SAID = "unit change: values look like before times 1000; only in version v2 (1; v1 <0.01)"


def tell(database: Database, said: str | None) -> None:
    """Diagnose the lines of the feature that opened the incident."""
    held = {"model": "credit", "verdict": "breach", "subject": "age"}
    with database.write() as connection:
        connection.execute(sa.update(tables.verdicts).filter_by(**held).values(diagnosis=said))


def test_an_incident_says_what_its_worst_line_looks_like(client: Client, database: Database) -> None:
    tell(database, SAID)
    assert f"What it looks like {SAID}" in client.page("/incidents/1").text
    assert SAID in client.page("/models/credit/features/age").text


def test_nothing_is_said_where_nothing_is_known(client: Client, database: Database) -> None:
    tell(database, None)
    assert "What it looks like" not in client.page("/incidents/1").text
