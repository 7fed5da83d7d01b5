"""How far is a window from its reference? The engine of every detector of drift.

A subclass says how a window becomes a row of numbers and how far two rows are apart. Learning is the same for
all: each window of the reference is compared with the rest of it, and these distances are the healthy ones.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from detectors.detector import Detector
from detectors.dispersion import FEW_WINDOWS, Dispersion, Distances
from detectors.judgement import Judgement, insufficient
from detectors.season import FEWEST, Cycle, Phase, clearest, cycles, phases_at
from profiles.counts import Floats

FARTHEST = 1e300  # a threshold is a number


@dataclass(frozen=True)
class Null:
    """Of rows that are independent: the mean of n d**2 with n effective rows, and its degrees of freedom.

    With df = mean / l, where l is the largest variance of any direction, a scaled chi-square falls as slowly
    as the true distribution (Zolotarev, Theory of Probability and its Applications 6, 1961).
    """

    mean: float
    df: float


@dataclass(frozen=True, eq=False)
class Table:
    """Windows as rows: `sums`, shape (windows, cells), and the rows of data in each, shape (windows,)."""

    sums: Floats
    rows: Floats

    @cached_property
    def shares(self) -> Floats:
        """Each row per row of data; of no data all zero."""
        return self.sums / np.maximum(self.rows, 1)[:, None]

    def by(self, cycle: Cycle) -> Table:
        """The sums of each phase."""
        sums = np.zeros((len(cycle.names), self.sums.shape[1]))
        np.add.at(sums, cycle.codes, self.sums)
        return Table(sums, cycle.sums(self.rows))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of rows: their shares, shape (pairs, cells), and rows of data, shape (pairs,)."""

    one: Floats
    other: Floats
    rows: Floats
    others: Floats

    @cached_property
    def pooled(self) -> Floats:
        """The shares of both together, shape (pairs, cells)."""
        weight = (self.rows / np.maximum(self.rows + self.others, 1))[:, None]
        return weight * self.one + (1 - weight) * self.other

    @property
    def sizes(self) -> Floats:
        """The effective rows of each comparison: n m / (n + m), shape (pairs,)."""
        return self.rows * self.others / np.maximum(self.rows + self.others, 1)


@dataclass(frozen=True, eq=False)
class Season:
    """The reference by the phases of a cycle, and how far its windows are from the rest of theirs."""

    cycle: Cycle
    phases: Table
    dispersion: Dispersion
    error: float = 0.0


@dataclass(frozen=True, eq=False)
class Baseline:
    """What a reference says: as a whole, and, where that predicts better, by season."""

    cells: Any
    whole: Season
    seasonal: Season | None = None

    def find(self, phase: Phase) -> tuple[Season, int]:
        """What to compare a window with: a season, and the place of the phase in it."""
        code = self.seasonal.cycle.code(phase) if self.seasonal else None
        return (self.whole, 0) if self.seasonal is None or code is None else (self.seasonal, code)


class DistanceDetector(Detector):
    """A distance, calibrated on the reference's own windows, matched by season where that helps."""

    power: ClassVar[float] = 0.5
    """The value that people see is the squared distance to this power."""
    largest: ClassVar[float] = FARTHEST
    """The largest value that there can be."""
    positive: ClassVar[bool] = True
    """Whether rows are counts: shares that are at least 0 and add up to 1."""

    min_effect: float = Field(default=0.0, ge=0, description="A value up to this is no news.")

    @abstractmethod
    def cells(self, windows: Sequence[Any]) -> Any:
        """How windows become rows (see `detectors.cells`), from those of the reference that have values."""

    @abstractmethod
    def null(self, cells: Any, share: Floats) -> Null:
        """The distribution of the distance for independent rows, from the reference's shares."""

    @abstractmethod
    def squared(self, cells: Any, pairs: Pairs) -> Floats:
        """Squared distances, shape (pairs,); `cells` is what the method of that name returned."""

    def note(self, cells: Any, before: Floats, after: Floats) -> str | None:  # noqa: ARG002 - for subclasses
        """What a person should know beside the value: from the shares before and after, shape (cells,)."""
        return None

    def learn(self, windows: Sequence[Any], phases: Sequence[Phase] = ()) -> Baseline | None:
        """Compare each window with the rest of the reference, as a whole and by season; None without data."""
        held = [place for place, window in enumerate(windows) if window.count]
        if not held:
            return None
        cells = self.cells([windows[place] for place in held])
        rows = np.array([windows[place].count for place in held], np.float64)
        table = Table(np.stack([cells.row(windows[place]) for place in held]), rows)
        null = self.null(cells, table.sums.sum(axis=0) / rows.sum())
        known = phases_at(phases, held)
        seasons = [self._season(cells, table, cycle, null) for cycle in cycles(known, len(held))]
        whole, best = seasons[0], clearest(seasons)
        return Baseline(cells, whole, None if best is whole else best)

    def _season(self, cells: Any, table: Table, cycle: Cycle, null: Null) -> Season:
        """Compare each window with the rest of its phase."""
        phases = table.by(cycle)
        used = np.flatnonzero((cycle.sizes[cycle.codes] >= FEWEST) & (table.rows > 0))
        if used.size < FEW_WINDOWS:
            return Season(cycle, phases, Dispersion.learn(Distances(), null.mean, null.df))
        codes, rows, shares = cycle.codes[used], table.rows[used], table.shares[used]
        rest = phases.rows[codes] - rows
        others = (phases.sums[codes] - table.sums[used]) / np.maximum(rest, 1)[:, None]
        pairs = Pairs(shares, others, rows, rest)
        squares = self.squared(cells, pairs)
        near = self._neighbours(cells, shares - others, rows, table.sums.sum(axis=0) / table.rows.sum())
        apart, count = Distances(squares * pairs.sizes, pairs.sizes), len(cycle.names)
        learned = Dispersion.learn(apart, null.mean, null.df, near, count)
        return Season(cycle, phases, learned, float(np.average(squares, weights=rows)))

    def _neighbours(self, cells: Any, residuals: Floats, rows: Floats, whole: Floats) -> Distances:
        """How far each window is from the next, once what their phases explain is taken away."""
        moved = whole + residuals
        if self.positive:
            moved = np.maximum(moved, 0)
            moved /= np.maximum(moved.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        pairs = Pairs(moved[:-1], moved[1:], rows[:-1], rows[1:])
        return Distances(self.squared(cells, pairs) * pairs.sizes, pairs.sizes)

    def judge(self, baseline: Baseline | None, current: Any, alpha: float, phase: Phase = ()) -> Judgement:
        """The distance of a window."""
        known = int(baseline.whole.phases.rows[0]) if baseline else 0
        if baseline is None or known < self.min_rows:
            return insufficient(f"the reference has {known} values, fewer than {self.min_rows}")
        if current.count < self.min_rows:
            return insufficient(f"{current.count} values, fewer than {self.min_rows}")
        season, code = baseline.find(phase)
        rows, reference = float(current.count), float(season.phases.rows[code])
        before, after = season.phases.shares[code], baseline.cells.row(current) / rows
        pair = Pairs(after[None], before[None], np.array([rows]), np.array([reference]))
        (square,), (size,) = self.squared(baseline.cells, pair), pair.sizes
        least = self.min_effect ** (0.5 / self.power)  # as a distance: the triangle inequality holds for it
        beyond = max(float(np.sqrt(square)) - least, 0.0)
        limit = least + float(np.sqrt(season.dispersion.threshold(alpha, size) / size))
        return Judgement(
            value=float(square) ** self.power,
            threshold=min(limit ** (2 * self.power), self.largest),
            p_value=season.dispersion.p_value(beyond**2 * size, size),
            weight=season.dispersion.weight,
            note=self.note(baseline.cells, before, after),
        )
