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
    """

    whole: Measured
    versions: tuple[Measured, ...]
    segments: tuple[Measured, ...]

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
    sums = _Sums(connection, model, span, segment)
    sums.read(connection, version)

    def measured(name: str, key: Any) -> Measured:
        outcomes = sums.outcomes.get(key)
        return Measured(name, sums.rows[key], outcomes, {} if outcomes is None else figures(outcomes, costs))

    served = sorted(sums.last, key=lambda name: (-sums.last[name], name))
    names = sorted({name for kind, name in sums.rows if kind == "segment" and name != EVERYTHING})
    return Performance(
        measured("", ("whole", "")),
        tuple(measured(name, ("version", name)) for name in served),
        tuple(measured(name, ("segment", name)) for name in names) if segment == EVERYTHING else (),
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


class _Sums:
    """Profiles of joined labels, summed while they are read."""

    def __init__(self, connection: sa.Connection, model: str, span: Span, segment: str) -> None:
        columns = tables.profiles.c
        self.outcomes: dict[tuple[str, str], Any] = {}
        self.rows: dict[tuple[str, str], int] = defaultdict(int)
        self.last: dict[str, int] = {}
        self._segment = segment
        digest = connection.execute(sa.select(tables.models.c.shape).filter_by(model=model)).scalar()
        self._shape = load_shape(connection, digest) if digest else None
        self._where: list[Any] = [
            columns.model == model,
            columns.role == "production",
            columns.shape == digest,
            columns.start >= span.low,
            columns.start < span.high,
            *([columns.segment == segment] if segment != EVERYTHING else []),
        ]

    def read(self, connection: sa.Connection, version: str | None) -> None:
        """Read predictions' numbers and labels' profiles."""
        columns = tables.profiles.c
        made = sa.select(
            columns.segment, columns.version, sa.func.sum(columns.rows), sa.func.max(columns.start)
        )
        made = made.where(*self._where, columns.known == AT_PREDICTION)
        for segment, name, rows, last in connection.execute(made.group_by(columns.segment, columns.version)):
            for key in self._keys(segment, name, version):
                self.rows[key] += int(rows)
            self.last[name] = max(self.last.get(name, 0), last)
        if self._shape is not None:
            self._add(connection, self._shape, version)

    def _add(self, connection: sa.Connection, shape: Shape, version: str | None) -> None:
        held: dict[tuple[str, str], list[Any]] = defaultdict(list)
        known = tables.profiles.c.known
        for row in connection.execute(sa.select(*STORED).where(*self._where, known > AT_PREDICTION)):
            keys = self._keys(row.segment, row.version, version)
            part = _part(row, shape) if keys else None
            for key in keys if part is not None else ():
                held[key].append(part)
        self.outcomes = {key: summed(parts) for key, parts in held.items()}

    def _keys(self, segment: str, name: str, version: str | None) -> list[tuple[str, str]]:
        """What a row of the table is a part of."""
        wanted = version is None or name == version
        keys = [("segment", segment)] if wanted and self._segment == EVERYTHING else []
        if segment == self._segment:
            keys += [("version", name), *([("whole", "")] if wanted else [])]
        return keys


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
