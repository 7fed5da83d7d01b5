"""Seasons: which windows of the reference are like the one to judge, by hour and by day of the week.

Traffic has days and weeks. A test that compares the night with the average of a month flags every night, or,
once it has learned to put up with nights, sees nothing. So a window is compared with the reference's windows
of the same phase, where the reference itself shows that those predict its windows better than all do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np

from profiles.counts import Floats, Ints

Phase = tuple[int, ...]

DAY = 86_400_000_000  # microseconds
WEEK = 7 * DAY
THURSDAY = 3  # 1970 began on one; Monday is 0
WEEKEND = 5
FEWEST = 2  # windows of a phase: one to judge, and one to judge it by
CLEARLY = 0.9  # a finer season must lower the error of prediction to this


def phase_of(start: int, length: int) -> Phase:
    """Where a window lies in each cycle, coarse to fine; () where no cycle is longer than the window.

    For windows shorter than a day: the time of day, the time of day on workdays or weekends, the time of the
    week. For longer ones: workday or weekend, the day of the week. In UTC.

    Args:
        start: of the window, in microseconds since 1970.
        length: of the window, in microseconds.

    >>> hour = 3_600_000_000
    >>> phase_of(9 * hour, hour)  # Thursday, 9:00
    (9, 9, 81)
    >>> phase_of(2 * DAY, DAY)  # Saturday
    (1, 5)
    """
    weekday = (start // DAY + THURSDAY) % 7
    weekend = int(weekday >= WEEKEND)
    if length >= WEEK:
        return ()
    if length >= DAY:
        return (weekend, weekday)
    slots = max(round(DAY / length), 1)
    slot = start % DAY * slots // DAY
    return (slot, weekend * slots + slot, weekday * slots + slot)


@dataclass(frozen=True, eq=False)
class Cycle:
    """Reference windows by their phase in one cycle.

    Attributes:
        level: the place of the cycle in a `Phase`; None for no cycle: all windows are alike.
        names: the phases that occur.
        codes: the place in `names` of each window's phase, shape (windows,).
    """

    level: int | None
    names: tuple[int, ...]
    codes: Ints

    @classmethod
    def none(cls, windows: int) -> Cycle:
        """One phase for all windows."""
        return cls(None, (0,), np.zeros(windows, np.int64))

    @cached_property
    def sizes(self) -> Ints:
        """How many windows each phase has."""
        return np.bincount(self.codes, minlength=len(self.names))

    def sums(self, values: Floats) -> Floats:
        """Sums over the windows of each phase of values, shape (windows,)."""
        return np.bincount(self.codes, weights=values, minlength=len(self.names)).astype(
            np.float64, copy=False
        )

    def code(self, phase: Phase) -> int | None:
        """The place of a window's phase; None where the reference has too few windows of it."""
        if self.level is None:
            return 0
        if self.level >= len(phase) or phase[self.level] not in self.names:
            return None
        code = self.names.index(phase[self.level])
        return code if self.sizes[code] >= FEWEST else None


def cycles(phases: Sequence[Phase], windows: int) -> Iterator[Cycle]:
    """No cycle, and every cycle in whose phases most windows have company.

    Args:
        phases: of each window; empty where no season is known.
        windows: how many there are.
    """
    yield Cycle.none(windows)
    for level in range(len(phases[0]) if phases else 0):
        names, codes = np.unique([phase[level] for phase in phases], return_inverse=True)
        cycle = Cycle(level, tuple(names.tolist()), codes.astype(np.int64))
        if len(names) > 1 and np.mean(cycle.sizes[codes] >= FEWEST) >= CLEARLY:
            yield cycle


def phases_at(phases: Sequence[Phase], places: Sequence[int]) -> Sequence[Phase]:
    """The phases of the windows at some places; empty where no season is known."""
    return [phases[place] for place in places] if phases else []


class Fit(Protocol):
    """What was learned of windows by one cycle."""

    @property
    def error(self) -> float:
        """The mean squared error of the prediction of a window from the rest of its phase."""


AnyFit = TypeVar("AnyFit", bound=Fit)


def clearest(fits: Sequence[AnyFit]) -> AnyFit:
    """The fit by no cycle, the first; or one that predicts clearly better than those before it."""
    best = fits[0]
    for fit in fits[1:]:
        best = fit if fit.error < CLEARLY * best.error else best
    return best
