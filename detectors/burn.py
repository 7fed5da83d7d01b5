"""How fast an error budget burns: Beyer et al., "The Site Reliability Workbook", chapter 5, table 5-8."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from detectors.budget import FINE, MICROSECOND, Budget

PAGE, TICKET = "page", "ticket"


class Rule(NamedTuple):
    """Fires when so much of the budget is spent within a share of the period."""

    share: float
    spent: float
    severity: str


RULES = (  # of 30 days: 1 h, 6 h, 24 h and 3 d, which is 14.4, 6, 3 and 1 times the rate that just lasts
    Rule(1 / 720, 0.02, PAGE),
    Rule(1 / 120, 0.05, PAGE),
    Rule(1 / 30, 0.10, TICKET),
    Rule(1 / 10, 0.10, TICKET),
)
SLOWEST = RULES[-1].share
SLOW = 0.10  # of a window that is longer than any of them
CONFIRM = 1 / 12  # a rule's short window, as a share of its long one: it must burn still
EXACTLY = 1 - 1e-9  # rates are quotients
KEPT = 0.8  # of a rule's rate keeps a breach going: a rate about the limit is one breach, not many
FEWEST_BAD = 5  # at low traffic one failure is a large share and no news
FEWEST_SLICES = 2  # of windows that are events themselves
DAYS, HOURS = timedelta(days=1), timedelta(hours=1)


class Limit(NamedTuple):
    """A rule for a period: the length of time to look at, and the burn rate that is too high over it."""

    length: timedelta
    rate: float
    severity: str

    @property
    def short(self) -> timedelta:
        """The time over which it must burn still."""
        return self.length * CONFIRM


def rate_of(rule: Rule) -> float:
    """The burn rate at which a rule fires.

    >>> [round(rate_of(rule), 1) for rule in RULES]
    [14.4, 6.0, 3.0, 1.0]
    """
    return max(rule.spent / rule.share, 1.0)


def limits(period: timedelta, window: timedelta, *, slices: bool = False) -> list[Limit]:
    """The rules in proportion to the period, the gravest first.

    Those that are shorter than a window are left out. Where windows are events, rules look at two of them at
    least; of those that have become the same, the lowest rate of each severity stays.

    >>> [(show_length(limit.length), round(limit.rate, 1), limit.severity)
    ...  for limit in limits(timedelta(days=7), timedelta(hours=1))]
    [('1.4h', 6.0, 'page'), ('5.6h', 3.0, 'ticket'), ('16.8h', 1.0, 'ticket')]
    >>> limits(timedelta(days=7), timedelta(hours=1), slices=True)[0].length / timedelta(hours=1)
    2.0
    """
    found = [Limit(period * rule.share, rate_of(rule), rule.severity) for rule in RULES]
    if slices:
        least = FEWEST_SLICES * window
        coarse = [limit._replace(length=max(limit.length, least)) for limit in found]
        return list({(limit.length, limit.severity): limit for limit in coarse}.values())
    resolved = [limit for limit in found if limit.length >= window]
    return resolved or [Limit(window, max(SLOW * (period / window), 1.0), TICKET)]


def show_length(length: timedelta) -> str:
    """A length of time for people: rules scale with the period, so it is seldom whole.

    >>> show_length(timedelta(minutes=1008)), show_length(timedelta(days=3))
    ('16.8h', '3d')
    """
    if length >= DAYS:
        return f"{length / DAYS:.3g}d"
    return f"{length / HOURS:.3g}h" if length >= HOURS else f"{length / HOURS * 60:.3g}m"


class Fire(NamedTuple):
    """What fires: the time looked at, the limit of its burn rate, the rate, and who is to know.

    The limit is 1 over the whole period when the budget is spent.
    """

    length: timedelta
    limit: float
    rate: float
    severity: str


@dataclass(frozen=True)
class Burn:
    """How fast a budget burns, at the end of a window that is already in it.

    Attributes:
        budget: the events of the period.
        allowed: the share of events that may be bad.
        period: the objective's period.
        window: the length of the window.
        slices: whether every event is a whole window, good or bad: then a few are no accident.
    """

    budget: Budget
    allowed: float
    period: timedelta
    window: timedelta
    slices: bool = False

    @property
    def finest(self) -> timedelta:
        """The shortest time that the budget's bins resolve."""
        return max(self.window, self.period / FINE)

    @property
    def _end(self) -> int:
        step = self.finest // MICROSECOND
        return self.budget.bins[-1][0] + step if self.budget.bins else 0

    def _covered(self, length: timedelta) -> float:
        """The share of the time before the end that there is data of."""
        if not self.budget.bins:
            return 0.0
        return min((self._end - self.budget.bins[0][0]) / (length // MICROSECOND), 1.0)

    def events(self, length: timedelta) -> tuple[int, int]:
        """The bad and all events of the time before the end."""
        return self.budget.totals(self._end - length // MICROSECOND)

    def rate(self, length: timedelta) -> float:
        """The burn rate over the time before the end: 1 spends just the budget, over the period.

        Time before the first data counts as good, at the traffic that there is.
        """
        bad, events = self.events(length)
        return bad / max(events, 1) / self.allowed * self._covered(length)

    @property
    def spent(self) -> float:
        """The share of the period's budget that is gone."""
        return self.rate(self.period)

    def rules(self) -> list[Limit]:
        """The lengths of time over which to look at the rate, and the rates that are too high over each."""
        return limits(self.period, self.window, slices=self.slices)

    def _failing(self) -> float:
        """The error ratio up to the latest bad event, from wherever it is largest with a few bad ones."""
        bad = events = 0
        worst = 0.0
        for _, failed, came in reversed(self.budget.bins):
            if failed or bad:  # not good since
                bad, events = bad + failed, events + came
                if bad >= FEWEST_BAD:
                    worst = max(worst, bad / max(events, 1))
        return worst

    def lasting(self, rate: float, length: timedelta, *, ongoing: bool = False) -> bool:
        """Whether it still burns at a rate.

        That is over the rule's short window, an hour of 30 days at most so that a breach ends soon after an
        outage; at low traffic over as many events as a few bad ones are expected in, if it failed as it did.
        There one failure keeps a breach going, but does not begin one.
        """
        short = max(min(length * CONFIRM, self.period * RULES[0].share), self.window)
        needed = 0 if self.slices else 2 * FEWEST_BAD / max(self._failing(), rate * self.allowed)
        since, oldest = (self._end - time // MICROSECOND for time in (short, max(length, short)))
        bad = events = 0
        for start, failed, came in reversed(self.budget.bins):
            if start < oldest or (start < since and events >= needed):
                break
            bad, events = bad + failed, events + came
        if bad < (1 if ongoing or self.slices else 2):
            return False
        return bad / max(events, 1) / self.allowed * self._covered(short) >= rate * EXACTLY

    def firing(self, *, ongoing: bool = False) -> Fire | None:
        """The gravest rule that fires: a rate too high over a long time, and still; None for none.

        Burning on with the whole budget spent is one too. A page rule that is shorter than a window is held
        to the shortest rule that is not.

        Args:
            ongoing: whether the window before was in breach: then `KEPT` of a rate is enough.
        """
        share = KEPT if ongoing else EXACTLY
        fewest = FEWEST_SLICES if self.slices else FEWEST_BAD
        for length, limit, severity in self.rules():
            bad, _ = self.events(length)
            rate = self.rate(length)
            if (
                bad < fewest
                or rate < limit * share
                or not self.lasting(limit * share, length, ongoing=ongoing)
            ):
                continue
            grave = any(rule.severity == PAGE and rate >= rate_of(rule) for rule in self._unresolved())
            return Fire(length, limit, rate, PAGE if grave else severity)
        enough = self.slices or self.budget.totals()[0] >= fewest
        if enough and self.spent >= share and self.lasting(share, self.period * SLOWEST, ongoing=ongoing):
            return Fire(self.period, 1.0, self.spent, TICKET)
        return None

    def _unresolved(self) -> list[Rule]:
        """The rules that are left out because a window is longer."""
        return [] if self.slices else [rule for rule in RULES if self.period * rule.share < self.window]
