"""Error budgets: the bad and all events of an objective's period, in bins, and of all time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

MICROSECOND = timedelta(microseconds=1)
COARSE, FINE = 360, 8640  # bins in a period: 2 h and 5 min of 30 days
RECENT = 100  # the last hundredth of a period is in fine bins


@dataclass(frozen=True)
class Budget:
    """Bad and all events over an objective's period, in bins of (start, bad, all), fine where recent.

    Attributes:
        bins: those of the period, ascending by start (microseconds).
        bad: the bad events since the beginning; these two never shrink.
        events: all events since the beginning.
    """

    bins: tuple[tuple[int, int, int], ...] = field(default=())
    bad: int = 0
    events: int = 0

    def add(self, start: int, bad: int, events: int, period: timedelta) -> Budget:
        """Add a window that begins at `start` (microseconds), and forget what is older than the period.

        >>> Budget().add(0, 1, 10, timedelta(days=1)).add(1, 2, 10, timedelta(days=1)).bins
        ((0, 3, 20),)
        """
        length = period // MICROSECOND
        newest = max(start, self.bins[-1][0]) if self.bins else start
        merged: list[tuple[int, int, int]] = []
        for when, one, other in sorted((*self.bins, (start, bad, events))):
            if when <= newest - length:
                continue
            width = max(length // (FINE if when > newest - length // RECENT else COARSE), 1)
            if merged and merged[-1][0] // width == when // width:
                first, known_bad, known = merged[-1]
                merged[-1] = (first, known_bad + one, known + other)
            else:
                merged.append((when, one, other))
        return Budget(tuple(merged), self.bad + bad, self.events + events)

    def totals(self, since: int | None = None) -> tuple[int, int]:
        """The bad and all events of the period, or of the bins that begin at or after a moment."""
        kept = [item for item in self.bins if since is None or item[0] >= since]
        return sum(item[1] for item in kept), sum(item[2] for item in kept)

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"bins": self.bins, "bad": self.bad, "events": self.events}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | Sequence[Sequence[int]]) -> Self:
        """Read what `to_json` wrote; older versions wrote the bins alone: their events are all there are.

        >>> Budget.from_json([[0, 1, 10], [5, 0, 10]])
        Budget(bins=((0, 1, 10), (5, 0, 10)), bad=1, events=20)
        """
        held = stored["bins"] if isinstance(stored, Mapping) else stored
        bins = tuple((start, bad, events) for start, bad, events in held)
        if isinstance(stored, Mapping):
            return cls(bins, stored["bad"], stored["events"])
        return cls(bins, *cls(bins).totals())
