"""How the objectives of a model stand: their budgets, how fast these burn, and what breached lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import sqlalchemy as sa

from alerts.tables import progress, verdicts
from collector.schema import Schema
from collector.window import MICROSECOND
from dashboards.queries.incidents import incident_list
from detectors import Budget, Objective
from detectors.burn import Burn, Limit
from detectors.proportion import wilson

NEWEST = 500  # windows in breach that are looked at
SHOWN = 5  # breaches of an objective


@runtime_checkable
class Promising(Protocol):
    """A schema that makes promises, as a whole monitor file does."""

    @property
    def slos(self) -> tuple[Objective, ...]:
        """Its objectives."""


class Rate(NamedTuple):
    """A rule with the burn rates over its long and its short time."""

    limit: Limit
    long: float
    short: float

    @property
    def fires(self) -> bool:
        """Whether both are too high."""
        return self.long >= self.limit.rate and self.short >= self.limit.rate


@dataclass(frozen=True)
class Breach:
    """Windows in breach, one after the other; the newest is `last`."""

    start: int
    windows: int
    last: Any
    incident: Any


@dataclass(frozen=True)
class Standing:
    """How an objective stands.

    Attributes:
        slo: the objective.
        window: the length of a window.
        budget: the events of its period.
        line: of its newest judged window, or None.
        breaches: the newest first.
    """

    slo: Objective
    window: timedelta
    budget: Budget
    line: Any = None
    breaches: Sequence[Breach] = ()

    @cached_property
    def burn(self) -> Burn:
        """How fast the budget burns."""
        return self.slo.burn(self.budget, self.window)

    @cached_property
    def events(self) -> tuple[int, int]:
        """The bad and all events of the period."""
        return self.budget.totals()

    @property
    def ratio(self) -> float | None:
        """The share of good events over the period; None without events."""
        bad, events = self.events
        return 1 - bad / events if events else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of `ratio` (Wilson)."""
        bad, events = self.events
        if not events:
            return None
        low, high = wilson(bad, events)
        return 1 - high, 1 - low

    @property
    def left(self) -> float | None:
        """The share of the budget that is left, below zero when it is overspent; None without events."""
        return 1 - self.burn.spent if self.events[1] else None

    @cached_property
    def rates(self) -> list[Rate]:
        """The burn rates, by rule."""
        if not self.slo.budgeted:
            return []
        shortest = self.burn.finest
        return [
            Rate(limit, self.burn.rate(limit.length), self.burn.rate(max(limit.short, shortest)))
            for limit in self.burn.rules()
        ]

    @property
    def spent_in(self) -> timedelta | None:
        """When the budget will be spent at the rate over the first rule's time; None for not at all."""
        rate, left = (self.rates[0].long if self.rates else 0.0), self.left
        if not rate or left is None:
            return None
        return max(left, 0.0) * self.slo.period / rate

    def course(self) -> list[tuple[int, float]]:
        """What was left of the period's budget at the end of each bin (microseconds), as a share."""
        bad, points = 0, []
        spent = self.burn.spent
        total = self.events[0]
        for start, failed, _ in self.budget.bins:
            bad += failed
            points.append((start + self.window // MICROSECOND, 1 - spent * bad / max(total, 1)))
        return points


def standings(connection: sa.Connection, schema: Schema, *, history: bool = True) -> list[Standing]:
    """How each objective of a model stands; empty where it makes no promises.

    Args:
        connection: for reading.
        schema: of the model.
        history: whether to look for the newest lines and breaches.
    """
    if not isinstance(schema, Promising) or not schema.slos:
        return []
    query = sa.select(progress.c.trackers).filter_by(model=schema.model)
    held = (connection.execute(query).scalar() or {}).get("budgets", {})
    incidents = incident_list(connection, schema.model) if history else ()
    return [
        Standing(
            slo,
            schema.window.size,
            Budget.from_json(held.get(slo.name, ())),
            _newest(connection, schema.model, slo) if history else None,
            _breaches(connection, schema, slo, incidents) if history else (),
        )
        for slo in schema.slos
    ]


def _of(model: str, slo: Objective) -> Any:
    query = sa.select(verdicts).filter_by(model=model, signal=slo.signal, subject="", segment=slo.segment)
    return query.order_by(verdicts.c.start.desc())


def _newest(connection: sa.Connection, model: str, slo: Objective) -> Any:
    return connection.execute(_of(model, slo).limit(1)).one_or_none()


def _breaches(
    connection: sa.Connection, schema: Schema, slo: Objective, incidents: Sequence[Any]
) -> list[Breach]:
    """The newest runs of windows in breach, each with the incident that it belongs to."""
    query = _of(schema.model, slo).where(verdicts.c.verdict == "breach").limit(NEWEST)
    runs: list[list[Any]] = []
    for line in connection.execute(query):
        if runs and runs[-1][-1].start == line.end:
            runs[-1].append(line)
        elif len(runs) == SHOWN:
            break
        else:
            runs.append([line])
    key = f"{slo.signal}||{slo.segment}"
    return [Breach(run[-1].start, len(run), run[0], _incident(run, key, incidents)) for run in runs]


def _incident(run: Sequence[Any], key: str, incidents: Sequence[Any]) -> Any:
    begun, over = run[-1].known_at, run[0].known_at
    for row in incidents:
        lasted = row.resolved_at is None or row.resolved_at >= begun
        if key in row.subjects and row.opened_at <= over and lasted:
            return row
    return None
