"""Error budgets, and how fast they burn: Beyer et al., "The Site Reliability Workbook", chapter 5."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

MICROSECOND = timedelta(microseconds=1)
COARSE, FINE = 360, 8640  # bins in a period: 2 h and 5 min of 30 days
RULES = ((1 / 720, 0.02), (1 / 120, 0.05), (1 / 10, 0.10))  # 1 h, 6 h and 3 d of 30 days
SLOWEST = RULES[-1][0]
SLOW = 0.10  # of a window that is longer than any of them
RECENT = 100  # the last hundredth of a period is in fine bins
CONFIRM = 1 / 12  # a rule's short window, as a share of its long one: it must burn still
EXACTLY = 1 - 1e-9  # rates are quotients
FEWEST_BAD = 5  # at low traffic one failure is a large share and no news


@dataclass(frozen=True)
class Budget:
    """Bad and all events over an objective's period, in bins of (start, bad, all), fine where recent."""

    bins: tuple[tuple[int, int, int], ...] = field(default=())

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
        return Budget(tuple(merged))

    def totals(self, since: int | None = None) -> tuple[int, int]:
        """The bad and all events of the period, or of the bins that begin at or after a moment."""
        kept = [item for item in self.bins if since is None or item[0] >= since]
        return sum(item[1] for item in kept), sum(item[2] for item in kept)


@dataclass(frozen=True)
class Burn:
    """How fast a budget burns, at the end of a window that is already in it.

    Attributes:
        budget: the events of the period.
        allowed: the share of events that may be bad.
        period: the objective's period.
        window: the length of the window.
    """

    budget: Budget
    allowed: float
    period: timedelta
    window: timedelta

    @property
    def _end(self) -> int:
        step = max(self.window, self.period / FINE) // MICROSECOND
        return self.budget.bins[-1][0] + step if self.budget.bins else 0

    def _covered(self, length: timedelta) -> float:
        """The share of the time before the end that there is data of."""
        if not self.budget.bins:
            return 0.0
        return min((self._end - self.budget.bins[0][0]) / (length // MICROSECOND), 1.0)

    def rate(self, length: timedelta) -> float:
        """The burn rate over the time before the end: 1 spends just the budget, over the period.

        Time before the first data counts as good, at the traffic that there is.
        """
        bad, events = self.budget.totals(self._end - length // MICROSECOND)
        return bad / max(events, 1) / self.allowed * self._covered(length)

    @property
    def spent(self) -> float:
        """The share of the period's budget that is gone."""
        return self.rate(self.period)

    def rules(self) -> Iterator[tuple[timedelta, float]]:
        """The lengths of time over which to look at the rate, and the rates that are too high over each."""
        lengths = [(self.period * share, spent) for share, spent in RULES]
        for length, spent in [rule for rule in lengths if rule[0] >= self.window] or [(self.window, SLOW)]:
            yield length, max(spent * (self.period / length), 1.0)

    def lasting(self, rate: float, length: timedelta) -> bool:
        """Whether it still burns at a rate.

        That is over the rule's short window, an hour of 30 days at most so that a breach ends soon after an
        outage, or over as long as it takes to expect a few bad events.
        """
        needed = 2 * FEWEST_BAD / (rate * self.allowed)
        short = max(min(length * CONFIRM, self.period * RULES[0][0]), self.window)
        while short < length and self.budget.totals(self._end - short // MICROSECOND)[1] < needed:
            short = min(short * 2, length)
        return self.rate(short) >= rate * EXACTLY

    def too_fast(self) -> bool:
        """Whether a rule of the workbook fires: a rate too high over a long time, and still."""
        for length, rate in self.rules():
            bad, _ = self.budget.totals(self._end - length // MICROSECOND)
            if bad >= FEWEST_BAD and self.rate(length) >= rate * EXACTLY and self.lasting(rate, length):
                return True
        return False
