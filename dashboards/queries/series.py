"""A model's verdicts over time, by signal and subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from alerts.tables import verdicts
from collector.summarize import EVERYTHING

WINDOWS = 400  # as many as a screen has pixels for, twice
Series = Mapping[tuple[str, str], Sequence[Any]]
DRAWN = ("start", "end", "signal", "subject", "value", "lower", "upper", "threshold", "verdict")


@dataclass(frozen=True)
class Span:
    """A stretch of event time in microseconds, and the length of a window in it."""

    low: int
    high: int
    length: int


def newest_starts(connection: sa.Connection, model: str, most: int) -> list[int]:
    """The starts of the newest judged windows, ascending."""
    query = sa.select(verdicts.c.start).where(verdicts.c.model == model).distinct()
    found = connection.execute(query.order_by(verdicts.c.start.desc()).limit(most)).scalars()
    return sorted(found)


def series(connection: sa.Connection, model: str, span: Span, segment: str = EVERYTHING) -> Series:
    """The lines of every signal in a span of time, ascending by window."""
    breach = sa.case((verdicts.c.verdict == "ok", None), else_=verdicts.c.diagnosis).label("diagnosis")
    query = (
        sa.select(*(verdicts.c[name] for name in DRAWN), breach)
        .where(verdicts.c.model == model, verdicts.c.segment == segment)
        .where(verdicts.c.start >= span.low, verdicts.c.start < span.high)
        .order_by(verdicts.c.start)
    )
    found: dict[tuple[str, str], list[Any]] = {}
    for line in connection.execute(query):
        found.setdefault((line.signal, line.subject), []).append(line)
    return found


def one_series(
    connection: sa.Connection, model: str, subject: tuple[str, str, str], span: Span
) -> Sequence[Any]:
    """The lines of one (signal, subject, segment) in a span of time, ascending by window."""
    signal, name, segment = subject
    query = (
        sa.select(verdicts)
        .filter_by(model=model, signal=signal, subject=name, segment=segment)
        .where(verdicts.c.start >= span.low, verdicts.c.start < span.high)
    )
    return connection.execute(query.order_by(verdicts.c.start)).all()


def worst_drift(connection: sa.Connection, model: str, since: int) -> Sequence[Any]:
    """By window: the largest drift relative to its threshold, and how many signals drift in breach."""
    drift = verdicts.c.value / sa.func.nullif(verdicts.c.threshold, 0)
    breaches = sa.func.sum(sa.case((verdicts.c.verdict == "breach", 1), else_=0))
    query = (
        sa.select(verdicts.c.start, sa.func.max(drift).label("ratio"), breaches.label("breaches"))
        .where(verdicts.c.model == model, verdicts.c.start >= since, verdicts.c.segment == EVERYTHING)
        .where(verdicts.c.signal.startswith("drift."))
        .group_by(verdicts.c.start)
    )
    return connection.execute(query.order_by(verdicts.c.start)).all()


def newest_breaches(connection: sa.Connection, model: str, span: Span, most: int) -> Sequence[Any]:
    """The newest lines that are in breach, of all segments."""
    query = (
        sa.select(verdicts)
        .where(verdicts.c.model == model, verdicts.c.verdict == "breach")
        .where(verdicts.c.start >= span.low)
    )
    return connection.execute(query.order_by(verdicts.c.start.desc(), verdicts.c.id).limit(most)).all()
