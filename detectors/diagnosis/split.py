"""Which parts of the traffic hold a change: some of them, the mix of them, or all alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import nan

from detectors.diagnosis.request_measures import Estimate, Measure
from profiles import LatencyGrid, LatencySummary

SURELY, HARDLY = 0.25, 0.75  # of the whole's change: a part has changed at least so much, or less than that
HALF = 0.5
GREW = 0.05  # of all requests

Windows = Mapping[int, LatencySummary]


class Where(Enum):
    """Which parts of a column hold a change."""

    SOME = auto()  # and others do not
    MIX = auto()  # none in itself: one that differs is new, or has grown
    ALIKE = auto()  # all of those that were there before
    ONE = auto()  # there is only one part
    REPLACED = auto()  # one part gave way to another at that moment
    UNKNOWN = auto()


@dataclass(frozen=True)
class Part:
    """A part of the traffic: its value and its share of all requests, before and after; NaN if too few."""

    name: str
    before: float
    after: float
    share_before: float
    share_after: float

    @property
    def growth(self) -> float:
        """How much larger its share became."""
        return self.share_after - self.share_before


@dataclass(frozen=True)
class Split:
    """A column, where in it the change is, the parts that hold it, and those that do not, largest first."""

    column: str
    where: Where
    parts: tuple[Part, ...] = ()
    others: tuple[Part, ...] = ()


class _State(Enum):
    CHANGED = auto()
    SAME = auto()
    NEW = auto()
    GONE = auto()
    UNSURE = auto()


def added(windows: Windows, starts: Sequence[int]) -> LatencySummary:
    """The sum of some windows; of those that are not there nothing."""
    return LatencyGrid().added([windows[start] for start in starts if start in windows])


def size(summary: LatencySummary) -> int:
    """How many requests there were, as far as anything is known of them."""
    return max(summary.counts.total, summary.requests)


@dataclass(frozen=True)
class Comparison:
    """Compares parts of the traffic before and after a change of the whole.

    Attributes:
        measure: what changed.
        sides: the starts of the windows before, and after.
        sizes: how many requests there were in all.
        before: the whole's value.
        after: the whole's value.
    """

    measure: Measure
    sides: tuple[Sequence[int], Sequence[int]]
    sizes: tuple[int, int]
    before: Estimate
    after: Estimate

    def split(self, column: str, parts: Mapping[str, Windows]) -> Split:
        """Where in a column the change is."""
        found: dict[_State, list[Part]] = {state: [] for state in _State}
        for name, windows in parts.items():
            sums = [added(windows, side) for side in self.sides]
            before, after = (self.measure.estimate(one) for one in sums)
            shares = [size(one) / max(whole, 1) for one, whole in zip(sums, self.sizes, strict=True)]
            part = Part(name, *(nan if one is None else one.value for one in (before, after)), *shares)
            found[self._state(part, before, after)].append(part)
        for held in found.values():
            held.sort(key=lambda part: -part.share_after)
        return self._told(column, found)

    def _state(self, part: Part, before: Estimate | None, after: Estimate | None) -> _State:
        if before is None or after is None:
            if after is not None and part.share_before < GREW:
                return _State.NEW
            return _State.GONE if before is not None and part.share_after < GREW else _State.UNSURE
        scaled = self.measure.scaled
        whole = self._moved(self.before.value, self.after.value)
        ends = (scaled(after.low) - scaled(before.high), scaled(after.high) - scaled(before.low))
        low, high = sorted(end / whole for end in ends)
        middle = self._moved(before.value, after.value) / whole
        if low > SURELY and middle >= HALF:
            return _State.CHANGED
        return _State.SAME if high < HARDLY and middle < HALF else _State.UNSURE

    def _moved(self, before: float, after: float) -> float:
        return self.measure.scaled(after) - self.measure.scaled(before)

    def _told(self, column: str, found: Mapping[_State, list[Part]]) -> Split:
        changed, same, new = (tuple(found[state]) for state in (_State.CHANGED, _State.SAME, _State.NEW))
        if changed and same:
            return Split(column, Where.SOME, changed, same)
        if changed:
            return Split(column, Where.ALIKE if len((*changed, *new)) > 1 else Where.ONE, changed, new)
        grown = [part for part in (*new, *same) if part.growth > GREW and self._is_beyond(part)]
        if same and grown:
            most = max(grown, key=lambda part: part.growth)
            return Split(column, Where.MIX, (most,), tuple(part for part in same if part is not most))
        if new and found[_State.GONE] and not same:
            return Split(column, Where.REPLACED, new[:1], tuple(found[_State.GONE][:1]))
        return Split(column, Where.UNKNOWN)

    def _is_beyond(self, part: Part) -> bool:
        """Whether a part is on the side to which the whole moved."""
        return self._moved(self.before.value, part.after) * self._moved(
            self.before.value, self.after.value
        ) > 0  # fmt: skip
