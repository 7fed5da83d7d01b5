from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from alerts import tables
from collector.store.database import Database
from tests.dashboards.page import Client


def only(database: Database, table: sa.Table, **held: Any) -> Any:
    with database.read() as connection:
        return connection.execute(sa.select(table).filter_by(**held)).one()


def test_open_incidents_come_first(client: Client) -> None:
    rows = client.page("/incidents").rows[1:]
    assert [row[:3] for row in rows] == [
        ["#2 bad-release", "open", "critical"],
        ["#1 bad-release", "resolved", "critical"],
    ]
    assert rows[1][4].endswith("Rolled back v2 to v1, verified: every signal was ok for 2 windows")
    assert rows[1][5] == "2024-03-23 00:00"
    assert client.page("/incidents?model=young").rows == []


def test_an_incident_tells_everything(client: Client) -> None:
    page = client.page("/incidents/1")
    assert page.status == 200
    assert "deployment of v2 at 2024-03-21 00:00:07 by ci" in page.text
    assert page.row("2024-03-22")[:3] == ["2024-03-22", "drift.univariate of age alert", "0.42"]
    kinds = [row[1] for row in page.rows if len(row) == 4 and row[0].startswith("2024")]
    assert kinds == ["opened", "awaiting", "joined", "approved", "succeeded", "resolved"]
    clocks = [row[3] for row in page.rows if len(row) == 4 and row[0].startswith("2024")]
    assert all(clock >= "2026" for clock in clocks)
    assert page.row("console") == ["console", "opened", "pending"]
    steps = [held.get("class") for tag, held in page.tags if tag == "li"]
    assert steps == ["done s-proposed", "done s-executing", "done s-verifying", "now s-succeeded"]
    assert not [held for tag, held in page.tags if "data-post" in held]


def test_signals_with_their_state(client: Client) -> None:
    page = client.page("/incidents/1")
    assert page.row("performance.roc_auc")[2].startswith("ok")
    signals = [row for row in client.page("/incidents/2").rows if row[-1] == "breach"]
    assert [row[1:] for row in signals] == [["0.333", "breach"]]


@pytest.mark.parametrize("number", ["99", "x", "-1", "9" * 30, "%C2%B2"])
def test_no_such_incident(client: Client, number: str) -> None:
    page = client.page(f"/incidents/{number}")
    assert page.status == 404
    assert "There is no incident" in page.text


def test_acknowledge(client: Client, database: Database) -> None:
    answer = client.post("/v1/incidents/2/acknowledge", json={"by": "<b>ada</b>"})
    assert answer.status_code == 200
    assert answer.json()["status"] == "acknowledged"
    assert only(database, tables.incidents, id=2).acknowledged_by == "<b>ada</b>"
    page = client.page("/incidents/2")
    assert "acknowledged by <b>ada</b>" in page.text
    assert "Acknowledge" not in [held.get("data-post") for _, held in page.tags]
    again = client.post("/v1/incidents/2/acknowledge", json={"by": "bob"})
    assert again.status_code == 409
    assert again.json()["reason"] == "incident 2 is acknowledged by <b>ada</b>"
    assert client.post("/v1/incidents/1/acknowledge", json={"by": "bob"}).status_code == 409
    assert client.post("/v1/incidents/77/acknowledge", json={"by": "bob"}).status_code == 404
    assert client.post("/v1/incidents/x/acknowledge", json={"by": "bob"}).status_code == 404


def test_approve(client: Client, database: Database) -> None:
    action = only(database, tables.actions, state="awaiting")
    answer = client.post(f"/v1/actions/{action.id}/approve", json={"by": "ada"})
    assert answer.status_code == 200
    assert answer.json()["state"] == "proposed"
    with database.read() as connection:
        written = connection.execute(sa.select(tables.audit).order_by(tables.audit.c.id.desc())).first()
    assert written is not None
    assert (written.actor, written.action) == ("ada", "approve")
    again = client.post(f"/v1/actions/{action.id}/approve", json={"by": "ada"})
    assert again.status_code == 409
    assert again.json()["reason"] == "action back is proposed"
    assert client.post("/v1/actions/nope/approve", json={"by": "ada"}).status_code == 404


def test_only_json_can_decide(client: Client, database: Database) -> None:
    action = only(database, tables.actions, state="awaiting").id
    for address in ("/v1/incidents/2/acknowledge", f"/v1/actions/{action}/approve"):
        for content in ({"data": {"by": "eve"}}, {"content": '{"by": "eve"}'}):
            assert client.post(address, **content).status_code == 415
        plain = client.post(address, content='{"by": "eve"}', headers={"Content-Type": "text/plain"})
        assert plain.status_code == 415
        assert "application/json" in plain.json()["fix"]
        for bad in ({}, {"by": ""}, {"by": "a", "state": "succeeded"}, {"by": "a" * 201}):
            assert client.post(address, json=bad).status_code == 422
    assert only(database, tables.incidents, id=2).status == "open"
    assert only(database, tables.actions, id=action).state == "awaiting"


def test_the_audit_log_says_where_it_is_broken(client: Client, database: Database) -> None:
    page = client.page("/audit")
    assert page.rows[1][:4][2:] == ["modelwatch", "awaiting"]
    assert "The hash chain holds over all" in page.text
    with database.write() as connection:
        connection.execute(tables.audit.update().filter_by(id=3).values(actor="nobody"))
    assert "broken at entry 3" in client.page("/audit").text


def test_long_lists_have_pages(client: Client, database: Database) -> None:
    row = only(database, tables.audit, id=1)
    with database.write() as connection:
        copied = {name: value for name, value in row._mapping.items() if name not in ("id", "hash")}
        many = [copied | {"id": 1000 + n, "hash": str(n)} for n in range(150)]
        connection.execute(tables.audit.insert(), many)
    first = client.page("/audit")
    assert [row[0] for row in first.rows[1:]] == [str(n) for n in range(1149, 1049, -1)]
    assert "?before=1050" in [held.get("href") for _, held in first.tags]
    assert client.page("/audit?before=1050").rows[1][0] == "1049"
    assert client.page("/audit?before=nonsense").rows[1][0] == "1149"
