"""Prometheus metrics, read from the database when they are scraped: nothing to lose in a restart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from alerts import tables as alerting
from alerts.remediation import IN_FLIGHT
from collector.schema import Schema
from collector.store import tables
from collector.store.database import Database
from dashboards.objective_metrics import objective_metrics
from dashboards.queries.newest import newest_lines

OUTCOMES = ("received", "accepted", "duplicate", "rejected")
SERIES = ("model", "signal", "subject", "segment")
SECOND = 1e6


class Exporter(Collector):
    """Exports the books, the newest judgements, incidents, actions and notifications.

    Labels are bounded by the monitor files: signals, features, and the segments that the collector bounds.

    Args:
        database: what is exported.
        schemas: every monitored model's schema, by name.
    """

    def __init__(self, database: Database, schemas: Mapping[str, Schema]) -> None:
        self._database, self._schemas = database, schemas

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Read everything once."""
        with self._database.read() as connection:
            yield self._events(connection)
            yield from _log(connection)
            yield _quarantined(connection)
            yield from self._signals(connection)
            yield from objective_metrics(connection, self._schemas.values())
            yield from self._moments(connection)
            yield self._incidents(connection)
            yield from self._actions(connection)
            yield _notifications(connection)

    def _events(self, connection: sa.Connection) -> Metric:
        labels = ("source", "model", "outcome")
        family = CounterMetricFamily("modelwatch_events", "Events by what became of them.", labels=labels)
        for row in connection.execute(sa.select(tables.books)):
            for outcome in OUTCOMES:
                family.add_metric((row.source, row.model, outcome), getattr(row, outcome))
        return family

    def _signals(self, connection: sa.Connection) -> Iterator[Metric]:
        value = GaugeMetricFamily(
            "modelwatch_signal_value", "A signal's value in its newest judged window.", labels=SERIES
        )
        threshold = GaugeMetricFamily(
            "modelwatch_signal_threshold", "The value that alone would be a breach.", labels=SERIES
        )
        breach = GaugeMetricFamily(
            "modelwatch_signal_breach",
            "Whether the signal is in breach; absent where there is too little to judge by.",
            labels=SERIES,
        )
        for schema in self._schemas.values():
            for line in newest_lines(connection, schema):
                labels = (schema.model, line.signal, line.subject, line.segment)
                if line.value is not None:
                    value.add_metric(labels, line.value)
                if line.threshold is not None:
                    threshold.add_metric(labels, line.threshold)
                if line.verdict != "insufficient":
                    breach.add_metric(labels, float(line.verdict == "breach"))
        yield from (value, threshold, breach)

    def _moments(self, connection: sa.Connection) -> Iterator[Metric]:
        watermark = GaugeMetricFamily(
            "modelwatch_watermark_timestamp_seconds", "The latest event time.", labels=["model"]
        )
        judged = GaugeMetricFamily(
            "modelwatch_judged_timestamp_seconds", "The end of the newest judged window.", labels=["model"]
        )
        for row in connection.execute(sa.select(tables.models)):
            if row.model in self._schemas and row.watermark:
                watermark.add_metric((row.model,), row.watermark / SECOND)
        for row in connection.execute(sa.select(alerting.progress)):
            if row.model in self._schemas:
                judged.add_metric((row.model,), row.judged_until / SECOND)
        yield from (watermark, judged)

    def _incidents(self, connection: sa.Connection) -> Metric:
        labels = ("model", "severity", "status")
        family = GaugeMetricFamily("modelwatch_incidents", "Incidents by their status now.", labels=labels)
        for *names, count in _counted(connection, alerting.incidents, labels):
            family.add_metric(names, count)
        return family

    def _actions(self, connection: sa.Connection) -> Iterator[Metric]:
        labels = ("model", "state")
        ended = CounterMetricFamily("modelwatch_actions", "Actions that have ended, by how.", labels=labels)
        flying = GaugeMetricFamily(
            "modelwatch_actions_in_flight", "Actions under way, by their state now.", labels=labels
        )
        for model, state, count in _counted(connection, alerting.actions, labels):
            (flying if state in IN_FLIGHT else ended).add_metric((model, state), count)
        yield from (ended, flying)


def _log(connection: sa.Connection) -> Iterator[Metric]:
    labels = ("model", "outcome")
    rows = CounterMetricFamily("modelwatch_log_rows", "Log rows by what became of them.", labels=labels)
    waiting = GaugeMetricFamily(
        "modelwatch_log_waiting_bytes", "What waits in the database for its log file.", labels=["model"]
    )
    for row in connection.execute(sa.select(tables.logs)):
        for outcome in ("staged", "written", "dropped"):
            rows.add_metric((row.model, outcome), getattr(row, outcome))
        waiting.add_metric((row.model,), row.waiting)
    yield from (rows, waiting)


def _quarantined(connection: sa.Connection) -> Metric:
    family = GaugeMetricFamily(
        "modelwatch_quarantined", "What was damaged and put aside, by what it was.", labels=["kind"]
    )
    for kind, count in _counted(connection, tables.quarantine, ("kind",)):
        family.add_metric((kind,), count)
    return family


def _notifications(connection: sa.Connection) -> Metric:
    family = GaugeMetricFamily(
        "modelwatch_notifications", "Notifications by their state now.", labels=["state"]
    )
    for state, count in _counted(connection, alerting.notifications, ("state",)):
        family.add_metric((state,), count)
    return family


def _counted(connection: sa.Connection, table: sa.Table, names: tuple[str, ...]) -> list[Any]:
    columns = [table.c[name] for name in names]
    query = sa.select(*columns, sa.func.count()).group_by(*columns).order_by(*columns)
    return list(connection.execute(query).all())
