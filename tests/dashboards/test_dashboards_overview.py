from __future__ import annotations

import sqlalchemy as sa
from fastapi import FastAPI

from alerts import tables
from collector.store.database import Database
from collector.store.tables import metadata
from dashboards.app import router
from dashboards.queries.models import Health, model_state
from dashboards.words import number
from tests.dashboards.page import Client
from tests.dashboards.world import CREDIT, DAYS, EVIL, IDLE, ROWS, SCHEMAS, YOUNG, lines

LISTS = ("/incidents", "/audit", "/rejected")


def test_a_row_holds_what_the_database_holds(client: Client) -> None:
    page = client.page("/")
    row = page.row("credit")
    assert row[0] == "breach"
    assert row[2] == "v3"
    assert row[3] == "2024-04-09 19:50"
    assert row[4] == str(ROWS)
    auc = next(line for line in lines(DAYS - 1) if line.signal == "performance.roc_auc")
    assert row[5] == f"{number(auc.value)} roc_auc"
    drift = [line for line in lines(DAYS - 1) if line.signal.startswith("drift.") and not line.segment]
    worst = max((line.value or 0) / (line.threshold or 1) for line in drift)
    assert row[6].split() == [number(worst), "\N{MULTIPLICATION SIGN}", "of", "threshold"]
    assert row[7] == "#2 bad-release"
    assert row[8] == "back awaiting"


def test_sparklines_tell_what_they_show(client: Client) -> None:
    told = [held["aria-label"] for tag, held in client.page("/").tags if tag == "svg"]
    assert "7 of 39 windows in breach" in str(told[0])
    assert "7 of 40 windows in breach" in str(told[1])


def test_a_model_without_events_shows_how_to_send_some(client: Client) -> None:
    row = client.page("/").row("idle")
    assert row[0] == "insufficient"
    assert 'monitor = Monitor("idle"' in row[2]
    assert 'monitor = Monitor("idle"' in client.page("/models/idle").text


def test_the_books_are_shown_and_hold(client: Client) -> None:
    page = client.page("/")
    assert ["credit", "http", "9,485", "9,484", "0", "1", "holds"] in page.rows
    assert page.text.count("holds") == 3


def test_no_model_at_all(database: Database) -> None:
    app = FastAPI()
    app.include_router(router(database, {}))
    assert "modelwatch serve --monitor FILE" in Client(app).page("/").text


def test_an_empty_database_has_pages() -> None:
    database = Database(None)
    metadata.create_all(database.engine)
    app = FastAPI()
    app.include_router(router(database, SCHEMAS, demo=True))
    client = Client(app)
    for address in (
        "/",
        "/models/credit",
        "/models/credit/features/age",
        "/incidents",
        "/audit",
        "/rejected",
    ):
        page = client.page(address)
        assert page.status == 200
        assert "This is the demo" in page.text
    assert "No incident so far" in client.page("/incidents").text
    assert "The hash chain holds over all 0 entries" in client.page("/audit").text
    assert "Nothing was rejected" in client.page("/rejected").text


def test_health(database: Database) -> None:
    def health() -> Health:
        with database.read() as connection:
            return model_state(connection, CREDIT).health

    assert health() is Health.BREACH
    with database.write() as connection:
        connection.execute(tables.incidents.update().values(status="resolved"))
    assert health() is Health.BREACH, "a signal is still in breach"
    with database.write() as connection:
        connection.execute(tables.verdicts.update().values(verdict="ok"))
    assert health() is Health.OK
    only_freshness = tables.verdicts.c.signal != "quality.freshness"
    with database.write() as connection:
        connection.execute(tables.verdicts.update().where(only_freshness).values(verdict="insufficient"))
    assert health() is Health.INSUFFICIENT, "that something came on time says nothing of the model"
    with database.write() as connection:
        change = tables.verdicts.update().where(only_freshness)
        connection.execute(change.values(diagnosis="learning: the reference has too few windows yet"))
    assert health() is Health.LEARNING
    with database.read() as connection:
        assert model_state(connection, YOUNG).health is Health.LEARNING
        assert model_state(connection, IDLE).health is Health.INSUFFICIENT


def test_an_old_breach_of_a_signal_that_is_no_longer_judged_is_forgotten(database: Database) -> None:
    with database.write() as connection:
        connection.execute(tables.incidents.update().values(status="resolved"))
        gone = tables.verdicts.update().filter_by(signal="quality.missing").values(signal="drift.old")
        connection.execute(gone.where(tables.verdicts.c.start < 1_712_000_000_000_000))
        connection.execute(tables.verdicts.delete().filter_by(signal="quality.missing"))
        connection.execute(tables.verdicts.update().filter_by(signal="drift.old").values(verdict="breach"))
    with database.read() as connection:
        assert model_state(connection, CREDIT).health is Health.OK


def test_a_text_of_somebody_else_is_never_a_tag(client: Client) -> None:
    addresses = ["/", *LISTS, "/incidents/2", "/models/credit"]
    addresses += [f"/models/credit/features/{name}" for name in ("city", "a%2Fb%20%3Ci%3E", "age")]
    shown = 0
    for address in addresses:
        page = client.page(address)
        assert page.status == 200
        assert not [
            tag for tag, held in page.tags if tag in ("img", "i") and "src" in held and held["src"] == "x"
        ]
        assert "i" not in {tag for tag, _ in page.tags}
        assert EVIL not in page.html
        shown += EVIL in page.text
    assert shown >= 3


def test_names_in_charts_are_escaped_for_plotly_too(client: Client) -> None:
    page = client.page("/models/credit/features/city")
    names = page.charts["distribution"]["layout"]["yaxis"]["ticktext"]
    assert names == ["Oslo", "Rome", "&lt;img src=x on…"]
    assert page.trace("distribution", "reference")["customdata"][2] == "&lt;img src=x onerror=alert(1)&gt;"


def test_versions_and_rejected_rows_of_html_are_text(database: Database, client: Client) -> None:
    with database.read() as connection:
        rows = connection.execute(sa.select(sa.func.count()).select_from(tables.audit)).scalar_one()
    assert f"over all {rows} entries" in client.page("/audit").text
    row = client.page("/rejected").row("timestamp")
    assert row[4] == EVIL
    assert row[5] == "not a time"
