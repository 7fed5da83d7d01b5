"""Error budgets: burn rates worked out by hand, the workbook's windows, and low traffic."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise

import pytest

from detectors import Budget, Objective
from detectors.budget import COARSE, FINE, MICROSECOND, RECENT
from detectors.burn import Burn
from profiles import LatencyGrid, LatencySummary
from profiles.counts import Counts

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONTH = 30 * DAY
THREE_NINES = Objective(name="a", sli="availability", target=0.999)


def verdicts(
    window: timedelta, counted: Iterable[tuple[int, int]], objective: Objective = THREE_NINES
) -> list[bool | None]:
    """Whether each window of (bad, all) events is a breach."""
    budget, found = Budget(), []
    for place, (bad, events) in enumerate(counted):
        budget = budget.add(place * (window // MICROSECOND), bad, events, objective.period)
        requests = LatencySummary(LatencyGrid(), Counts(), events, bad)
        found.append(objective.judge_requests(requests, budget, window).breach)
    return found


def first(found: list[bool | None]) -> int:
    """The place of the first breach; -1 for none."""
    return found.index(True) if True in found else -1


@pytest.mark.parametrize(
    ("window", "burn", "windows"),
    [
        # a single window that alone burns 2 % (1 h), 5 % (6 h) or 10 % (3 d) of 30 days
        (HOUR, 14.4, 1),
        (6 * HOUR, 6.0, 1),
        (DAY, 3.0, 1),
        (3 * DAY, 1.0, 1),
        (7 * DAY, 1.0, 1),
        # time to fire = window of the rule x its burn rate / the burn rate
        (5 * MINUTE, 14.4 * 12, 1),
        (5 * MINUTE, 28.8, 6),
        (5 * MINUTE, 14.4, 12),
        (15 * MINUTE, 14.4, 4),
        (5 * MINUTE, 7.2, 60),
        (HOUR, 7.2, 5),
        (HOUR, 2.0, 36),
        (DAY, 1.5, 2),
    ],
)
def test_a_steady_burn_fires_when_the_workbook_says(window: timedelta, burn: float, windows: int) -> None:
    clean = 3 * DAY // window + 1
    bad = round(100_000 * 0.001 * burn)
    found = verdicts(window, [(0, 100_000)] * clean + [(bad, 100_000)] * (windows + 2))
    assert first(found) == clean + windows - 1


@pytest.mark.parametrize("window", [5 * MINUTE, HOUR, DAY])
def test_within_the_budget_nothing_fires(window: timedelta) -> None:
    assert first(verdicts(window, [(95, 100_000)] * 200)) == -1


def test_a_breach_ends_within_an_hour_of_the_outage() -> None:
    found = verdicts(5 * MINUTE, [(0, 1000)] * 100 + [(500, 1000)] * 6 + [(0, 1000)] * 50)
    assert found[100:106] == [True] * 6
    assert not any(found[106 + 12 :])


def test_at_low_traffic_a_failure_or_two_are_no_news() -> None:
    """Eight requests a minute and one failure an hour: 0.2 %, twice the budget, yet nothing by itself."""
    quiet = [(0, 40)] * 300
    assert first(verdicts(5 * MINUTE, [*quiet, (1, 40), *quiet])) == -1
    assert first(verdicts(5 * MINUTE, [*quiet, (4, 40), *quiet])) == -1
    assert first(verdicts(5 * MINUTE, [*quiet, (20, 40), *quiet])) == 300


def test_at_low_traffic_an_outage_is_one_breach_and_not_seven() -> None:
    """Eight requests a minute and a two-hour outage of every tenth request, unevenly: it must not flap."""
    outage = [(5, 40), (2, 40), (6, 40), (3, 40)] * 6
    objective = Objective(name="a", sli="availability", target=0.999)
    found = verdicts(5 * MINUTE, [(0, 40)] * 300 + outage + [(0, 40)] * 100, objective)
    starts = [now for before, now in pairwise(found) if now and not before]
    assert len(starts) == 1


def test_a_spent_budget_fires_while_it_burns_on() -> None:
    """29 good days, 14 of them at a burn rate just below every rule: the budget is gone on the 20th."""
    steady = [(0, 10_000)] * 10 + [(17, 10_000)] * 20
    found = verdicts(DAY, steady)
    assert first(found) == 11
    budget = Budget()
    for place in range(30):
        budget = budget.add(place * (DAY // MICROSECOND), 10, 10_000, MONTH)
    burn = Burn(budget, 0.001, MONTH, DAY)
    assert burn.spent == pytest.approx(1.0)
    assert burn.rate(3 * DAY) == pytest.approx(1.0)
    assert burn.lasting(1.0, 3 * DAY)
    assert not Burn(budget.add(30 * (DAY // MICROSECOND), 0, 10_000, MONTH), 0.001, MONTH, DAY).lasting(
        1.0, 3 * DAY
    )


@pytest.mark.parametrize(
    ("period", "window", "rules"),
    [
        (MONTH, 5 * MINUTE, [(HOUR, 14.4), (6 * HOUR, 6.0), (DAY, 3.0), (3 * DAY, 1.0)]),
        (MONTH, HOUR, [(HOUR, 14.4), (6 * HOUR, 6.0), (DAY, 3.0), (3 * DAY, 1.0)]),
        (MONTH, 2 * HOUR, [(6 * HOUR, 6.0), (DAY, 3.0), (3 * DAY, 1.0)]),
        (MONTH, DAY, [(DAY, 3.0), (3 * DAY, 1.0)]),
        (MONTH, 7 * DAY, [(7 * DAY, 1.0)]),
        (DAY, HOUR, [(2.4 * HOUR, 1.0)]),
    ],
)
def test_the_rules_are_the_workbooks_in_proportion_to_the_period(
    period: timedelta, window: timedelta, rules: list[tuple[timedelta, float]]
) -> None:
    found = list(Burn(Budget(), 0.001, period, window).rules())
    assert [limit.length for limit in found] == [length for length, _ in rules]
    assert [limit.rate for limit in found] == pytest.approx([rate for _, rate in rules])


def test_a_budget_keeps_every_event_of_its_period_in_few_bins() -> None:
    budget, step = Budget(), 5 * MINUTE // MICROSECOND
    for place in range(45 * 24 * 12):
        budget = budget.add(place * step, place % 2, 3, MONTH)
    assert len(budget.bins) <= COARSE + FINE // RECENT + 2
    bad, events = budget.totals()
    assert events == pytest.approx(3 * MONTH / (5 * MINUTE), rel=1 / COARSE)
    assert bad == pytest.approx(events / 6, rel=1e-3)
    starts = [start for start, _, _ in budget.bins]
    assert starts == sorted(set(starts))


def test_a_budget_does_not_care_how_late_a_window_comes() -> None:
    step = HOUR // MICROSECOND
    windows = [(place * step, place, 10 * place) for place in range(50)]
    forward, shuffled = Budget(), Budget()
    for start, bad, events in windows:
        forward = forward.add(start, bad, events, MONTH)
    for start, bad, events in windows[::2] + windows[1::2]:
        shuffled = shuffled.add(start, bad, events, MONTH)
    assert forward.totals() == shuffled.totals()
    assert Budget().totals() == (0, 0)
    assert Burn(Budget(), 0.01, MONTH, DAY).spent == 0.0
