"""The benchmark of objectives: its closed forms are the workbook's, and its replays are what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.slo import SCENARIOS, Scenario, bare, judged, replayed

MINUTE = timedelta(minutes=1)
OUTAGE, PARTLY, SLOW, BLIP, UNEVEN, SINGLE, QUIET, _ = SCENARIOS


@pytest.mark.parametrize(
    ("scenario", "minutes"),
    [(OUTAGE, 0.864), (PARTLY, 17.28), (SLOW, 3 * 1440), (BLIP, 0.864), (SINGLE, None)],
)
def test_the_closed_form_is_the_workbooks(scenario: Scenario, minutes: float | None) -> None:
    told = scenario.closed_form
    assert (told is None) == (minutes is None)
    if told is not None:
        assert told / MINUTE == pytest.approx(minutes)


def test_an_outage_is_told_once_with_the_workbook_and_is_over_long_before_the_bare_rule() -> None:
    row = replayed(OUTAGE, 1)
    ours, theirs = row["modelwatch"], row["bare_rule"]
    assert [ours["detected_minutes"], theirs["detected_minutes"]] == [1.0, 1.0]
    assert [ours["alerts"], ours["pages"]] == [1, 1]
    assert ours["reset_minutes"] <= 60 < theirs["reset_minutes"]


@pytest.mark.parametrize("seed", range(2))
def test_at_low_traffic_one_failure_is_no_news_and_an_outage_is_one_incident(seed: int) -> None:
    single = SINGLE.events(seed)
    assert judged(SINGLE, *single).alerts == 0
    assert bare(SINGLE, *single).alerts == 2
    outage = judged(QUIET, *QUIET.events(seed))
    assert outage.alerts == 1
    assert outage.page is True
    assert outage.detected is not None
    assert outage.detected <= 60
