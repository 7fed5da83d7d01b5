"""Changes of latency and errors over windows, and where in the traffic each comes from.

Traffic is compared before and after a change, in every part of it. What changed in versions that were not
deployed is not the new version's doing: the windows that versions share tell the release from the stack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from detectors.diagnosis.level_shift import Shift, shifts, without_cycle
from detectors.diagnosis.request_measures import Measure
from detectors.diagnosis.split import Comparison, Split, Windows, added, size

DAY = 86_400_000_000
VERSION = "version"
FARTHEST = 24  # windows on either side


@dataclass(frozen=True)
class Change:
    """A change of a measure.

    Attributes:
        measure: what changed.
        start: of the first window after it, in microseconds.
        before: its value before, over up to 24 windows.
        after: and since.
        splits: what each column says of where it comes from; versions first.
    """

    measure: Measure
    start: int
    before: float
    after: float
    splits: tuple[Split, ...]


@dataclass(frozen=True)
class RequestSeries:
    """Requests by window.

    Attributes:
        whole: of all rows, by window start, ascending.
        parts: gives of some windows, by column, each part by name, by window start; versions are the column
            `version`.
    """

    whole: Windows
    parts: Callable[[Sequence[int]], Mapping[str, Mapping[str, Windows]]]

    def changes(self, measures: Sequence[Measure], most: int = 3) -> list[Change]:
        """The changes of level that a person would want to know of, by measure, oldest first.

        Where one measure changed, the others are compared before and after as well: a window may have too few
        requests to show a change of a high quantile, and many windows enough.

        Args:
            measures: what may change.
            most: so many of each, the newest.
        """
        found: dict[Measure, list[Shift]] = {}
        phases = np.unique(np.array(list(self.whole), np.int64) % DAY, return_inverse=True)[1]
        for measure in measures:
            series = np.array([measure.scaled(measure.value(one)) for one in self.whole.values()])
            series = np.where(np.isfinite(series), series, nan)
            found[measure] = shifts(without_cycle(series, phases))[-most:]
        every = [shift for own in found.values() for shift in own]
        for own in found.values():
            own += [one for one in every if all(abs(one.place - mine.place) > 1 for mine in own)]
        changes = [self._change(measure, shift) for measure, own in found.items() for shift in own]
        return [one for one in changes if one is not None]

    def change_at(self, measure: Measure, start: int) -> Change | None:
        """The change that began with a window, to the end of the series; None if there is none."""
        starts = list(self.whole)
        place = next((place for place, one in enumerate(starts) if one >= start), 0)
        return self._change(measure, Shift(0, place, len(starts))) if place else None

    def _change(self, measure: Measure, shift: Shift) -> Change | None:
        starts = list(self.whole)
        sides = (
            starts[max(shift.begin, shift.place - FARTHEST) : shift.place],
            starts[shift.place : min(shift.end, shift.place + FARTHEST)],
        )
        earlier, later = (added(self.whole, side) for side in sides)
        before, after = measure.estimate(earlier), measure.estimate(later)
        if before is None or after is None or not measure.matters(before.value, after.value):
            return None
        if before.low <= after.high and after.low <= before.high:
            return None  # sampling may be all of it
        comparison = Comparison(measure, sides, (size(earlier), size(later)), before, after)
        parts = self.parts([*sides[0], *sides[1]])
        ordered = sorted(parts, key=lambda column: (column != VERSION, column))
        splits = tuple(comparison.split(column, parts[column]) for column in ordered)
        return Change(measure, starts[shift.place], before.value, after.value, splits)
