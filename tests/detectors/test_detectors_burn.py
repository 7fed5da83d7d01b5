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


def burnt(bad: int, windows: int, *, window: timedelta = 5 * MINUTE, clean: int = 900) -> Burn:
    """A burn after clean windows and some with so many of 1,000 events bad."""
    budget, step = Budget(), window // MICROSECOND
    for place in range(clean + windows):
        budget = budget.add(place * step, bad if place >= clean else 0, 1000, MONTH)
    return Burn(budget, 0.001, MONTH, window)


@pytest.mark.parametrize(
    ("bad", "windows", "length", "severity"),
    [
        (20, 12, HOUR, "page"),  # 20 x for an hour
        (10, 48, 6 * HOUR, "page"),  # 10 x for four hours
        (4, 240, DAY, "ticket"),  # 4 x for 20 hours
        (2, 500, 3 * DAY, "ticket"),  # 2 x for 42 hours
    ],
)
def test_the_rule_that_fires_says_who_is_to_know(
    bad: int, windows: int, length: timedelta, severity: str
) -> None:
    fire = burnt(bad, windows).firing()
    assert fire is not None
    assert [fire.length, fire.severity] == [length, severity]
    assert fire.rate >= fire.limit * 0.999


def test_an_outage_that_windows_of_a_day_hide_is_still_for_a_page() -> None:
    fire = burnt(30, 1, window=DAY, clean=29).firing()  # a day at 30 x: a page rule, were it resolved
    assert fire is not None
    assert [fire.length, fire.severity] == [DAY, "page"]
    mild = burnt(5, 1, window=DAY, clean=29).firing()
    assert mild is not None
    assert mild.severity == "ticket"


def test_a_rate_about_the_limit_is_one_breach() -> None:
    """An hour at 14.4 x, then at nine tenths of it: what began goes on, what did not does not begin."""
    burn = burnt(13, 12)
    assert burn.firing() is None
    held = burn.firing(ongoing=True)
    assert held is not None
    assert held.length == HOUR
    assert burnt(8, 12).firing(ongoing=True) is None


def test_two_bad_windows_are_a_breach_where_windows_are_events() -> None:
    objective = Objective(name="a", sli="drift.univariate ok", target=0.95)
    budget, found = Budget(), []
    for place in range(60):
        bad = int(place in (20, 40, 41))
        budget = budget.add(place * (HOUR // MICROSECOND), bad, 1, MONTH)
        found.append(objective.judge_events(bad, 1, budget, HOUR).breach)
    assert [place for place, breach in enumerate(found) if breach] == [41]


def test_one_bad_window_that_spends_the_whole_budget_is_a_breach() -> None:
    objective = Objective(name="a", sli="drift.univariate ok", target=0.99)
    budget = Budget()
    for place in range(30):
        budget = budget.add(place * (DAY // MICROSECOND), int(place == 29), 1, MONTH)
    judged = objective.judge_events(1, 1, budget, DAY, found="drift.univariate of x is in breach")
    assert judged.breach is True
    assert judged.note is not None
    assert judged.note.startswith("ticket: the error budget is spent, and it burns on; drift.univariate of x")


def test_recovery_is_seen_as_soon_as_the_failing_would_have_shown() -> None:
    """Ten requests an hour, all failing for three hours: ten good ones are enough, one bad is no return."""
    outage = [(1, 1)] * 30
    found = verdicts(6 * MINUTE, [(0, 1)] * 1000 + outage + [(0, 1)] * 100 + [(1, 1)] + [(0, 1)] * 100)
    assert first(found) == 1000 + 4
    assert all(found[1004:1030])
    assert not any(found[1030 + 11 :])


def test_what_is_stored_comes_back_and_never_shrinks() -> None:
    budget, before = Budget(), (0, 0)
    for place in range(3 * 30):
        budget = budget.add(place * (DAY // MICROSECOND), place % 3, 10, MONTH)
        assert (budget.bad, budget.events) >= before
        before = budget.bad, budget.events
    assert before == (90, 900)
    assert budget.totals() == (30, 300)
    assert Budget.from_json(budget.to_json()) == budget
    older = Budget.from_json([list(one) for one in budget.bins])
    assert [older.bins, older.bad, older.events] == [budget.bins, 30, 300]
