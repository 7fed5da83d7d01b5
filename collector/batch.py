"""Validated events, by columns: what the rest of the pipeline works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from profiles import Violation
from profiles.counts import Floats, Ints

Mask = npt.NDArray[np.bool_]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Coded:
    """A dictionary-encoded column: `codes`, shape (n,), are places in `names`; -1 for missing."""

    codes: Ints
    names: tuple[Any, ...]

    def take(self, rows: Any) -> Self:
        """The column of some rows, by mask or places."""
        return type(self)(self.codes[rows], self.names)


Values = Floats | Coded


@dataclass(frozen=True)
class Predictions:
    """Predictions of one model.

    Attributes:
        ids: 64-bit hashes of the prediction ids, shape (n,); None when there are no ids.
        names: the ids themselves, an Arrow string array of length n; None when there are none.
        times: event time in microseconds, shape (n,).
        versions: the model version of each row.
        features: by name: floats (n,) with NaN for missing, categories, or vectors (n, d).
        prediction: 0/1 or numbers, NaN for none; categories for a multi-class task; None when not logged.
        score: shape (n,), NaN for none; None when not logged.
        scores: of a multi-class task the probabilities by class, each shape (n,), NaN for none; None when not
            logged.
        latency: milliseconds, NaN for none; None when not logged.
        status: how the request ended, a `profiles.Status`, NaN where unknown; None when not logged.
        segments: the segment columns, by name.
        label: as `prediction`, where a file brings labels in the same row; None otherwise.
        label_times: when each label became known, in microseconds; 0 where there is none.
    """

    ids: Hashes | None
    times: Ints
    versions: Coded
    features: Mapping[str, Values]
    prediction: Values | None = None
    score: Floats | None = None
    latency: Floats | None = None
    status: Floats | None = None
    segments: Mapping[str, Coded] = field(default_factory=dict)
    label: Values | None = None
    label_times: Ints | None = None
    names: Any = None
    scores: Mapping[str, Floats] | None = None

    def __len__(self) -> int:
        return int(self.times.size)

    def take(self, rows: Any) -> Self:
        """The predictions of some rows, by mask or places."""

        def part(value: Any) -> Any:
            if value is None:
                return None
            if isinstance(value, Mapping):
                return {name: part(one) for name, one in value.items()}
            if isinstance(value, pa.Array):
                return value.take(pa.array(np.arange(len(value))[rows]))
            return value.take(rows) if isinstance(value, Coded) else value[rows]

        return type(self)(**{name: part(value) for name, value in self.__dict__.items()})


@dataclass(frozen=True)
class Labels:
    """Labels of one model: hashed ids, event times (microseconds), and values as `Predictions.label`."""

    ids: Hashes
    times: Ints
    values: Values

    def __len__(self) -> int:
        return int(self.ids.size)

    def present(self) -> Mask:
        """Which rows have a label at all."""
        return self.values.codes >= 0 if isinstance(self.values, Coded) else ~np.isnan(self.values)

    def take(self, rows: Any) -> Self:
        """The labels of some rows, by mask or places."""
        values = self.values
        kept = values.take(rows) if isinstance(values, Coded) else values[rows]
        return type(self)(self.ids[rows], self.times[rows], kept)


@dataclass(frozen=True)
class Deployment:
    """A version went live: when (microseconds), by whom and why."""

    model: str
    version: str
    at: int
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Rejection:
    """A row that was not accepted, and what to do about it.

    `time` is the row's own, in microseconds; None where it cannot be read, or where the row is no prediction.
    """

    row: int
    kind: str
    model: str
    field: str
    value: str
    reason: str
    fix: str
    raw: str
    time: int | None = None
    version: str = ""
    violation: Violation = Violation.WRONG_TYPE


@dataclass(frozen=True)
class Batch:
    """What one delivery holds: accepted columns by model, and the rejected rows. All or nothing commits.

    `digest` tells deliveries with the same idempotency key apart; empty where that cannot happen.
    """

    received: Mapping[str, int]
    predictions: Mapping[str, Sequence[Predictions]] = field(default_factory=dict)
    labels: Mapping[str, Sequence[Labels]] = field(default_factory=dict)
    deployments: Sequence[Deployment] = ()
    rejections: Sequence[Rejection] = ()
    digest: str = ""

    @property
    def total(self) -> int:
        """How many events were received."""
        return sum(self.received.values())
