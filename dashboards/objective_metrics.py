"""Objectives for Prometheus: targets, events, what is left of the budgets, and how fast they burn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from collector.schema import Schema
from dashboards.queries.objectives import standings
from detectors.burn import show_length

LABELS = ("model", "slo")


def objective_metrics(connection: sa.Connection, schemas: Iterable[Schema]) -> Iterator[Metric]:
    """The families of all objectives that have an error budget.

    Args:
        connection: for reading.
        schemas: of all models.
    """
    target = GaugeMetricFamily(
        "modelwatch_slo_objective_ratio", "The share of events that is to be good.", labels=LABELS
    )
    left = GaugeMetricFamily(
        "modelwatch_slo_budget_remaining_ratio",
        "What is left of the period's error budget; below 0 it is overspent.",
        labels=LABELS,
    )
    rates = GaugeMetricFamily(
        "modelwatch_slo_burn_rate",
        "How fast the error budget burns over a time; 1 spends just the budget.",
        labels=(*LABELS, "window"),
    )
    events = CounterMetricFamily(
        "modelwatch_slo_events", "Judged events, good and bad.", labels=(*LABELS, "outcome")
    )
    for schema in schemas:
        for one in standings(connection, schema, history=False):
            if not one.slo.budgeted:
                continue
            names = (schema.model, one.slo.name)
            target.add_metric(names, one.slo.target or 0.0)
            events.add_metric((*names, "good"), one.budget.events - one.budget.bad)
            events.add_metric((*names, "bad"), one.budget.bad)
            if one.left is not None:
                left.add_metric(names, one.left)
                # two rules may look at the same time, for a page and for a ticket
                over = {show_length(rate.limit.length): rate.long for rate in one.rates}
                for window, rate in over.items():
                    rates.add_metric((*names, window), rate)
    yield from (target, left, rates, events)
