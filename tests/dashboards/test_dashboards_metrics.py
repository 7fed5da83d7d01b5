from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from alerts import tables
from collector.store.database import Database
from collector.store.tables import books
from dashboards.metrics import Exporter
from dashboards.queries.newest import newest_lines
from tests.dashboards.world import CREDIT, DAY, DAYS, NORTH, SCHEMAS, START, lines

Ask = Callable[..., float | None]


@pytest.fixture
def ask(database: Database) -> Ask:
    """The value of a sample, as a scraper reads it; None where it is absent."""
    registry = CollectorRegistry()
    registry.register(Exporter(database, SCHEMAS))

    def asked(name: str, **labels: str) -> float | None:
        families = text_string_to_metric_families(generate_latest(registry).decode())
        found = [
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == name and sample.labels == labels
        ]
        assert len(found) <= 1
        return found[0] if found else None

    return asked


def test_the_books(ask: Ask, database: Database) -> None:
    with database.read() as connection:
        for row in connection.execute(sa.select(books)):
            for outcome in ("received", "accepted", "duplicate", "rejected"):
                value = ask("modelwatch_events_total", source=row.source, model=row.model, outcome=outcome)
                assert value == getattr(row, outcome)


def test_the_newest_judgement_of_every_signal(ask: Ask) -> None:
    for line in lines(DAYS - 1):
        labels = {"model": "credit", "signal": line.signal, "subject": line.subject, "segment": line.segment}
        assert ask("modelwatch_signal_value", **labels) == line.value
        assert ask("modelwatch_signal_threshold", **labels) == line.threshold
        assert ask("modelwatch_signal_breach", **labels) == float(line.verdict == "breach")


def test_what_is_insufficient_is_neither_in_breach_nor_not(ask: Ask, database: Database) -> None:
    labels = {"model": "credit", "signal": "latency.p50", "subject": "", "segment": ""}
    with database.write() as connection:
        change = tables.verdicts.update().filter_by(signal="latency.p50")
        connection.execute(change.values(verdict="insufficient", value=None, threshold=None))
    assert ask("modelwatch_signal_breach", **labels) is None
    assert ask("modelwatch_signal_value", **labels) is None


def test_moments_incidents_actions_and_notifications(ask: Ask) -> None:
    end = (START + DAYS * DAY) / 1e6
    assert ask("modelwatch_judged_timestamp_seconds", model="credit") == end
    assert ask("modelwatch_watermark_timestamp_seconds", model="credit") == end - 86400 + 119 * 600
    assert ask("modelwatch_watermark_timestamp_seconds", model="idle") is None
    for status in ("open", "resolved"):
        assert ask("modelwatch_incidents", model="credit", severity="critical", status=status) == 1
    assert ask("modelwatch_actions_total", model="credit", state="succeeded") == 1
    assert ask("modelwatch_actions_in_flight", model="credit", state="awaiting") == 1
    assert ask("modelwatch_notifications", state="pending") == 3


def test_registering_does_not_read_the_database() -> None:
    CollectorRegistry().register(Exporter(Database(None), SCHEMAS))


def test_the_newest_lines_are_those_of_each_signal(database: Database) -> None:
    with database.read() as connection:
        found = newest_lines(connection, CREDIT)
    made: dict[str, int] = {}
    for day in range(DAYS):
        made |= {line.key: line.start for line in lines(day)}
    assert {f"{row.signal}|{row.subject}|{row.segment}": row.start for row in found} == made
    assert made[f"drift.univariate|age|{NORTH}"] == START + (DAYS - 1) * DAY
    assert made["performance.roc_auc||"] == START + (DAYS - 2) * DAY


def test_a_long_history_costs_nothing(database: Database) -> None:
    if database.postgres:
        pytest.skip("the steps that a query takes are counted by SQLite alone")
    row = {"model": "credit", "known_at": 0, "signal": "drift.univariate", "segment": "", "alert": False}
    starts = [START - hour * DAY // 24 for hour in range(1, 3001)]
    many = [
        row | {"subject": name, "start": start, "end": start, "verdict": "ok"}
        for start in starts
        for name in CREDIT.features
    ]
    with database.write() as connection:
        before = _work(connection)
        connection.execute(tables.verdicts.insert(), many)
        assert _work(connection) < 2 * before


def _work(connection: sa.Connection) -> int:
    """The steps that SQLite takes to find the newest lines."""
    ticks: list[int] = []
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: ticks.append(1), 10)
    newest_lines(connection, CREDIT)
    driver.set_progress_handler(None, 0)
    return len(ticks)
