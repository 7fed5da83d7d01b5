"""How good a model was over some windows: sums of the profiles of joined labels, by version and segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import sqlalchemy as sa

from collector.store import quarantine, tables
from collector.store.read import STORED
from collector.store.rows import load_shape
from collector.summarize import AT_PREDICTION, EVERYTHING
from dashboards.queries.series import Span
from detectors.performance.confusion import Costs
from detectors.performance.metrics import every_metric, metric_of
from detectors.proportion import Z95
from profiles import Counts, Profile, Shape
from profiles.sums import Sums

PART = "performance"
FEW = 50  # labels: of fewer nothing is said
MOST = 6000  # profiles that are read, some tenths of a second; of what has more, the newest windows


@dataclass(frozen=True)
class Figure:
    """A metric's value, with its 95 % interval; NaN where the labels do not define it."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class Measured:
    """A part of the traffic.

    Attributes:
        name: of the version, or the segment; "" for all rows.
        rows: how many predictions there were.
        outcomes: the sum of the profiles of their labels; None where no label has come.
        figures: every metric by name; empty without labels.
    """

    name: str
    rows: int
    outcomes: Any
    figures: Mapping[str, Figure]

    @property
    def labels(self) -> int:
        """How many of the predictions have a label."""
        return 0 if self.outcomes is None else int(self.outcomes.count)

    @property
    def coverage(self) -> float:
        """The share of the predictions that have a label."""
        return self.labels / self.rows if self.rows else 0.0

    @property
    def few(self) -> bool:
        """Whether there are too few labels to say anything."""
        return self.labels < FEW


@dataclass(frozen=True, eq=False)
class Performance:
    """The performance over some windows.

    Attributes:
        whole: of all rows that were asked for.
        versions: of each version, those that served last first.
        segments: of each segment, in alphabetical order; empty where one segment was asked for.
        since: the start of the first window that counts; 0 for all that were asked for.
        segments_since: the same of segments, whose profiles are many.
    """

    whole: Measured
    versions: tuple[Measured, ...]
    segments: tuple[Measured, ...]
    since: int = 0
    segments_since: int = 0

    @property
    def names(self) -> list[str]:
        """The metrics that labels define; without scores there is no area under a curve."""
        parts = (self.whole, *self.versions)
        return [
            name
            for name in self.whole.figures
            if any(name in one.figures and np.isfinite(one.figures[name].value) for one in parts)
        ]


def performance(
    connection: sa.Connection,
    model: str,
    span: Span,
    segment: str = EVERYTHING,
    version: str | None = None,
    costs: Costs | None = None,
) -> Performance:
    """Add up what is known of the labels of the predictions in a span of time.

    Args:
        connection: for reading.
        model: the model.
        span: the span, of the predictions.
        segment: `column=value`, or "" for all rows.
        version: of the model; None for all.
        costs: what predictions are worth, where the monitor says it.
    """
    digest = connection.execute(sa.select(tables.models.c.shape).filter_by(model=model)).scalar()
    columns = tables.profiles.c
    where = [columns.model == model, columns.role == "production", columns.shape == digest]
    where += [columns.start >= span.low, columns.start < span.high]
    query = _Query(connection, load_shape(connection, digest) if digest else Shape({}), where)
    served, since = query.groups(columns.version, columns.segment == segment)
    parts, parts_since = dict[str, _Group](), 0
    if segment == EVERYTHING:
        more = [columns.version == version] if version is not None else []
        parts, parts_since = query.groups(columns.segment, columns.segment != EVERYTHING, *more)
    wanted = [one for name, one in served.items() if version in (None, name)]

    def measured(name: str, one: _Group) -> Measured:
        return Measured(name, one.rows, one.outcomes, figures(one.outcomes, costs) if one.outcomes else {})

    newest = sorted(served, key=lambda name: (-served[name].last, name))
    return Performance(
        measured("", _Group.whole(wanted)),
        tuple(measured(name, served[name]) for name in newest),
        tuple(measured(name, parts[name]) for name in sorted(parts)),
        since,
        parts_since,
    )


def figures(outcomes: Any, costs: Costs | None = None) -> dict[str, Figure]:
    """Every metric of a task with its 95 % interval."""
    task = outcomes.space.kind
    found = {}
    for name, (value, error) in every_metric(outcomes, costs).items():
        low, high = metric_of(task, name, costs).span
        ends = np.clip([value - Z95 * error, value + Z95 * error], low, high)
        found[name] = Figure(float(value), *map(float, ends))
    return found


@dataclass(frozen=True, eq=False)
class _Group:
    """Predictions, the start of their last window, and the sum of their labels; None where none has come."""

    rows: int
    last: int
    outcomes: Any

    @classmethod
    def whole(cls, groups: Sequence[_Group]) -> _Group:
        known = [one.outcomes for one in groups if one.outcomes is not None]
        last = max((one.last for one in groups), default=0)
        return cls(sum(one.rows for one in groups), last, summed(known) if known else None)


@dataclass(frozen=True)
class _Query:
    """Reads the profiles of some windows of a model."""

    connection: sa.Connection
    shape: Shape
    where: Sequence[Any]

    def groups(self, by: Any, *where: Any) -> tuple[dict[str, _Group], int]:
        """The predictions and the labels by a column, and the start of the first window that counts."""
        since = self._since(*where)
        start, known = tables.profiles.c.start, tables.profiles.c.known
        inside = (*self.where, *where, start >= since)
        made = sa.select(by, sa.func.sum(tables.profiles.c.rows), sa.func.max(start))
        made = made.where(*inside, known == AT_PREDICTION).group_by(by)
        labels: dict[str, list[Any]] = defaultdict(list)
        for row in self.connection.execute(sa.select(*STORED).where(*inside, known > AT_PREDICTION)):
            part = _part(row, self.shape)
            if part is not None:
                labels[getattr(row, by.name)].append(part)
        found = {
            name: _Group(int(rows), last, summed(labels[name]) if name in labels else None)
            for name, rows, last in self.connection.execute(made)
        }
        return found, since

    def _since(self, *where: Any) -> int:
        """The start of the earliest window from which on there are at most `MOST` profiles of labels."""
        start, known = tables.profiles.c.start, tables.profiles.c.known
        query = sa.select(start, sa.func.count()).where(*self.where, *where, known > AT_PREDICTION)
        left, since = MOST, 0
        for at, count in self.connection.execute(query.group_by(start).order_by(start.desc())):
            left -= count
            if left < 0:
                return since or int(at)
            since = int(at)
        return 0


def _part(row: Any, shape: Shape) -> Any:
    try:
        return Profile.from_bytes(row.profile, shape, (PART,)).parts.get(PART)
    except ValueError as error:  # one row is lost, not the page
        quarantine.note(dict(row._mapping), error)  # noqa: SLF001 - the public name
        return None


def summed(parts: Sequence[Sums]) -> Any:
    """The sum of at least one summary of outcomes, at once: all of their fields add.

    >>> from profiles import Outcomes
    >>> one = Outcomes().summarize(np.array([0.9]), np.ones(1), np.ones(1))
    >>> summed([one, one]).positives
    Counts({416: 2})
    """
    values: dict[str, Any] = {}
    for item in fields(parts[0]):
        if item.name == "space":
            continue
        held = [getattr(one, item.name) for one in parts]
        if isinstance(held[0], Counts):
            keys, counts = (
                np.concatenate(some) for some in zip(*((one.keys, one.values) for one in held), strict=True)
            )
            values[item.name] = Counts.weighted(keys, counts) if keys.size else Counts()
        else:
            values[item.name] = sum(held[1:], held[0])
    return type(parts[0])(space=parts[0].space, **values)
