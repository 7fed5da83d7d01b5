"""False alarms on healthy models: how often a person is told of nothing, against the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from scipy import special

from benchmarks.detection_features import FEATURES
from benchmarks.detection_rows import columns
from benchmarks.detection_stream import Plan
from benchmarks.detection_watch import watch
from benchmarks.worlds import World

NAMES = [feature.name for feature in FEATURES]
MONTH = 30 * 24  # hours
BUDGET = 1.0  # a month
NAMED = 3


def interval(events: int) -> tuple[float, float]:
    """The 95 % confidence interval of a Poisson mean (Garwood, Biometrika 28, 1936).

    >>> [round(end, 2) for end in interval(0)], [round(end, 2) for end in interval(10)]
    ([0.0, 3.69], [4.8, 18.39])
    """
    low = float(special.gammaincinv(events, 0.025)) if events else 0.0
    return low, float(special.gammaincinv(events + 1, 0.975))


@dataclass
class Alarms:
    """The false alarms of one method in one world.

    Attributes:
        world: its name.
        hours: of a window.
        windows: how many were judged.
        opened: how many incidents a person was told of.
        updates: how many times more, because another signal joined late.
        breaches: how many windows had a breach.
        causes: how often each signal opened an incident.
    """

    world: str
    hours: int
    windows: int = 0
    opened: int = 0
    updates: int = 0
    breaches: int = 0
    causes: Counter[str] = field(default_factory=Counter)

    @property
    def months(self) -> float:
        """How long was watched, in months of 30 days."""
        return self.windows * self.hours / MONTH

    @property
    def rate(self) -> float:
        """Alarms a month."""
        return self.opened / self.months

    @property
    def ends(self) -> tuple[float, float]:
        """The 95 % confidence interval of the rate."""
        low, high = interval(self.opened)
        return low / self.months, high / self.months

    @property
    def verdict(self) -> str:
        """Whether the budget holds: not shown where the interval has it inside."""
        low, high = self.ends
        return "within" if high <= BUDGET else "EXCEEDED" if low > BUDGET else "undecided"

    def row(self) -> dict[str, object]:
        """As JSON."""
        return {
            "world": self.world,
            "window_hours": self.hours,
            "windows": self.windows,
            "alarms": self.opened,
            "updates": self.updates,
            "alarms_per_30d": self.rate,
            "interval": self.ends,
            "share_of_windows_in_breach": self.breaches / max(self.windows, 1),
            "causes": dict(self.causes.most_common(NAMED)),
        }


def healthy(world: World, hours: int, windows: int, seeds: Iterable[int]) -> Alarms:
    """Watch healthy models of 25 features, one for each seed."""
    found = Alarms(world.name, hours)
    for seed in seeds:
        plan = Plan(world, hours, windows, seed)
        incidents = watch(plan, columns(plan), NAMES)
        found.windows += windows
        found.opened += len(incidents.opened)
        found.updates += incidents.updates
        found.breaches += len(incidents.breaches)
        for _, keys in incidents.opened:
            found.causes.update(" ".join(key.split("|")[:2]) for key in keys)
    return found


def show(rows: Iterable[Alarms]) -> None:
    """Print the table."""
    print(f"{'world':32} window  windows  alarms/30d  95 % interval   budget 1   in breach  opened by")
    for one in rows:
        low, high = one.ends
        causes = ", ".join(f"{name} {count}" for name, count in one.causes.most_common(NAMED))
        share = one.breaches / max(one.windows, 1)
        print(
            f"{one.world:32} {one.hours:4} h  {one.windows:7,}  {one.rate:10.2f}  {low:5.2f} to {high:5.2f}"
            f"  {one.verdict:9}  {share:8.2%}  {causes}"
        )
