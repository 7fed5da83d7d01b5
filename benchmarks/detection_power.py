"""Power: one of 25 features changes. Is it found within 20 windows, and how soon?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.detection_changes import Change
from benchmarks.detection_features import FEATURES
from benchmarks.detection_stream import Plan, column
from benchmarks.detection_watch import all_checks, watch
from benchmarks.worlds import World

BEFORE = 5  # healthy windows before the change
WITHIN = 20  # windows in which it is to be found
PLACES = {feature.name: place for place, feature in enumerate(FEATURES)}


@dataclass(frozen=True)
class Power:
    """How soon a change was found.

    Attributes:
        method: what looked for it.
        world: the world's name.
        hours: of a window.
        change: its name.
        delays: for each run the window in which it was found, 1 is the first with the change; None for never.
    """

    method: str
    world: str
    hours: int
    change: str
    delays: Sequence[int | None]

    @property
    def found(self) -> float:
        """The share of runs in which it was found."""
        return float(np.mean([delay is not None for delay in self.delays]))

    def delay(self, level: float) -> float | None:
        """A quantile of the delay in windows; None where so many were never found."""
        delays = [WITHIN + 1 if delay is None else delay for delay in self.delays]
        late = float(np.quantile(delays, level, method="higher"))
        return None if late > WITHIN else late

    def row(self) -> dict[str, object]:
        """As JSON."""
        return {
            "method": self.method,
            "world": self.world,
            "window_hours": self.hours,
            "change": self.change,
            "runs": len(self.delays),
            "detected": self.found,
            "delay_median": self.delay(0.5),
            "delay_90": self.delay(0.9),
        }

    def cell(self) -> str:
        """For the table: share found, median and 90 % delay."""
        middle, late = (self.delay(level) for level in (0.5, 0.9))
        if not self.found:
            return "-"
        shown = "/".join("-" if delay is None else f"{delay:.0f}" for delay in (middle, late))
        return f"{self.found:.0%} {shown}"


def power(world: World, hours: int, change: Change, seeds: Iterable[int]) -> Power:
    """Watch the feature that changes, with its share of the budget of all 25."""
    sharing, delays = all_checks(), []
    for seed in seeds:
        plan = Plan(world, hours, BEFORE + WITHIN, seed)
        drawn = column(plan, PLACES[change.feature], change, plan.reference + BEFORE)
        incidents = watch(plan, [drawn], [change.feature], sharing)
        after = [window - BEFORE + 1 for window in incidents.breaches if window >= BEFORE]
        delays.append(min(after, default=None))
    return Power("Modelwatch", world.name, hours, change.name, delays)


def show(rows: Sequence[Power]) -> None:
    """Print a table: a line for each change, a column for each method and world."""
    columns = list(dict.fromkeys((row.method, row.world, row.hours) for row in rows))
    cells = {((row.method, row.world, row.hours), row.change): row.cell() for row in rows}
    for number, (method, world, hours) in enumerate(columns):
        print(f"  [{number}] {method}: {world}, windows of {hours} h")
    print(f"{'change':30}" + "".join(f"{f'[{number}]':>14}" for number in range(len(columns))))
    for change in dict.fromkeys(row.change for row in rows):
        print(f"{change:30}" + "".join(f"{cells.get((one, change), ''):>14}" for one in columns))
