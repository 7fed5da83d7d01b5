"""One incident for one trouble, however many windows it lasts."""

from __future__ import annotations

import pytest

from alerts import tables
from alerts.incidents import acknowledge
from tests.alerts.conftest import Make
from tests.alerts.troubles import DAY, Trouble


@pytest.fixture
def trouble(make: Make) -> Trouble:
    return make()


def test_one_incident_not_one_for_each_window(trouble: Trouble) -> None:
    alerts = [sum(line.alert for line in trouble.judge(drift="b", latency="o")) for _ in range(20)]
    assert trouble.incidents() == [("any-breach", "open")]
    assert alerts == [1] + [0] * 19
    assert trouble.told() == ["opened"]


def test_breaches_of_one_window_are_one_incident_and_one_alert(trouble: Trouble) -> None:
    lines = trouble.judge(drift="b", latency="b", auc="b")
    assert sum(line.alert for line in lines) == 1
    assert trouble.told() == ["opened"]
    assert len(trouble.rows(tables.incidents)[0].subjects) == 3


def test_nothing_is_opened_without_a_breach(trouble: Trouble) -> None:
    trouble.days(5, drift="o", latency="i")
    assert trouble.incidents() == []


def test_it_resolves_after_enough_good_windows_in_a_row(trouble: Trouble) -> None:
    trouble.judge(drift="b")
    trouble.judge(drift="o")
    trouble.judge(drift="b")
    trouble.judge(drift="o")
    assert trouble.incidents() == [("any-breach", "open")]
    trouble.judge(drift="o")
    assert trouble.incidents() == [("any-breach", "resolved")]
    assert trouble.told() == ["opened", "resolved"]
    (row,) = trouble.rows(tables.incidents)
    assert (row.opened_at, row.resolved_at) == (101 * DAY, 105 * DAY)


def test_too_little_data_is_neither_good_nor_bad(trouble: Trouble) -> None:
    trouble.judge(drift="b")
    trouble.judge(drift="o")
    trouble.days(9, drift="i")
    trouble.days(9)
    assert trouble.incidents() == [("any-breach", "open")]
    trouble.judge(drift="o")
    assert trouble.incidents() == [("any-breach", "resolved")]


def test_every_signal_must_recover(trouble: Trouble) -> None:
    trouble.judge(drift="b", latency="b")
    trouble.days(5, drift="o", latency="b")
    assert trouble.incidents() == [("any-breach", "open")]
    trouble.days(2, drift="o", latency="o")
    assert trouble.incidents() == [("any-breach", "resolved")]


def test_the_same_trouble_later_is_a_new_incident(trouble: Trouble) -> None:
    trouble.judge(drift="b")
    trouble.days(2, drift="o")
    lines = trouble.judge(drift="b")
    assert [line.alert for line in lines] == [True]
    assert trouble.incidents() == [("any-breach", "resolved"), ("any-breach", "open")]


def test_a_signal_that_joins_soon_is_noted_and_one_that_joins_late_is_told(make: Make) -> None:
    trouble = make(group_windows=3)
    trouble.judge(drift="b")
    soon = trouble.judge(drift="b", latency="b")
    assert not any(line.alert for line in soon)
    trouble.days(3, drift="b", latency="b")
    late = trouble.judge(drift="b", latency="b", auc="b")
    assert [line.signal for line in late if line.alert] == ["performance.roc_auc"]
    assert trouble.told() == ["opened", "updated"]
    assert [row.kind for row in trouble.rows(tables.timeline)] == ["opened", "joined", "updated"]
    assert len(trouble.rows(tables.incidents)) == 1


ROW, PAIRS = "drift.multivariate", "drift.multivariate.covariance"


def test_all_features_together_say_again_what_one_said(make: Make) -> None:
    trouble = make(group_windows=0)
    trouble.judge(drift="b")
    later = trouble.judge(drift="b", late=0, **{PAIRS: "b"})
    assert not any(line.alert for line in later)
    assert trouble.told() == ["opened"]
    assert len(trouble.rows(tables.incidents)[0].subjects) == 2
    both = trouble.judge(drift="b", auc="b", late=0, **{ROW: "b"})
    assert sum(line.alert for line in both) == 1, "performance is news"


def test_one_feature_is_news_after_all_together(make: Make) -> None:
    trouble = make(group_windows=0)
    trouble.judge(late=0, **{ROW: "b"})
    told = trouble.judge(drift="b", late=0, **{ROW: "b"})
    assert [line.signal for line in told if line.alert] == ["drift.univariate"]


GUESS, MISS, F1 = "performance.estimated.f1", "performance.estimation_error.f1", "performance.f1"


@pytest.mark.parametrize(
    ("first", "second", "news"),
    [
        ({"auc": "b"}, {F1: "b"}, False),
        ({"auc": "b"}, {MISS: "b"}, False),
        ({"auc": "b"}, {GUESS: "b"}, False),
        ({GUESS: "b"}, {"auc": "b"}, True),
        ({"drift": "b"}, {"auc": "b"}, True),
        ({"auc": "b"}, {"fairness.f1|region|": "b"}, True),
        ({"performance.f1||region=north": "b"}, {F1: "b"}, True),
        ({F1: "b"}, {"performance.f1||region=north": "b"}, False),
    ],
)
def test_metrics_of_the_same_rows_fall_together(
    make: Make, first: dict[str, str], second: dict[str, str], *, news: bool
) -> None:
    trouble = make(group_windows=0)
    trouble.judge(late=0, **first)
    later = trouble.judge(late=0, **first, **second)
    assert any(line.alert for line in later) is news
    assert trouble.told() == ["opened", "updated"][: 1 + news]


def test_rules_take_breaches_in_order_and_have_incidents_of_their_own(make: Make) -> None:
    rules = [
        {"name": "speed", "when": "latency.*", "severity": "critical", "notify": []},
        {"name": "rest", "when": ["drift.*", "performance.*"]},
    ]
    trouble = make(rules=rules)
    lines = trouble.judge(drift="b", latency="b", auc="b", unheard="b")
    assert trouble.incidents() == [("rest", "open"), ("speed", "open")]
    assert trouble.told() == ["opened"]  # nobody is notified of speed
    assert sum(line.alert for line in lines) == 1
    by_rule = {row.rule: (row.severity, len(row.subjects)) for row in trouble.rows(tables.incidents)}
    assert by_rule == {"speed": ("critical", 1), "rest": ("warning", 2)}


def test_a_person_takes_it(trouble: Trouble) -> None:
    trouble.judge(drift="b")
    with trouble.database.write() as connection:
        assert acknowledge(connection, 1, "ann")
        assert not acknowledge(connection, 1, "bob")
        assert not acknowledge(connection, 99, "bob")
    (row,) = trouble.rows(tables.incidents)
    assert (row.status, row.acknowledged_by) == ("acknowledged", "ann")
    trouble.judge(drift="b", latency="b")
    assert len(trouble.incidents()) == 1
    trouble.days(2, drift="o", latency="o")
    assert trouble.incidents() == [("any-breach", "resolved")]
    with trouble.database.write() as connection:
        assert not acknowledge(connection, 1, "bob")


def test_a_rule_only_takes_what_follows_a_deployment(make: Make) -> None:
    trouble = make(rules=[{"name": "release", "after_deployment": "3d"}, {"name": "rest"}])
    trouble.judge(drift="b")
    assert trouble.incidents() == [("rest", "open")]
    trouble.deploy("v2")
    trouble.judge(latency="b")
    assert trouble.incidents()[-1] == ("release", "open")
    assert trouble.rows(tables.incidents)[-1].suspect["version"] == "v2"
    trouble.days(4)
    trouble.judge(auc="b")
    assert trouble.incidents() == [("rest", "open"), ("release", "open")]
    assert (
        len(trouble.rows(tables.incidents)[0].subjects) == 2
    )  # four days after it, it is no release's fault


def test_a_late_verdict_is_not_blamed_on_a_later_deployment(make: Make) -> None:
    """Labels come days later: a window from before a release must not indict it."""
    trouble = make(rules=[{"name": "release", "after_deployment": "3d"}, {"name": "rest"}])
    trouble.days(6, drift="o")
    trouble.deploy("v2")
    trouble.judge(drift="o")
    trouble.judge(auc="b", late=4)
    assert trouble.incidents() == [("rest", "open")]


def test_a_late_verdict_is_blamed_on_the_deployment_before_its_window(make: Make) -> None:
    trouble = make(rules=[{"name": "release", "after_deployment": "3d"}])
    trouble.deploy("v2")
    trouble.days(3, drift="o")
    trouble.deploy("v3")
    trouble.judge(drift="o")
    trouble.judge(auc="b", late=4)
    (row,) = trouble.rows(tables.incidents)
    assert row.suspect["version"] == "v2"


def test_the_worst_line_names_the_incident(trouble: Trouble) -> None:
    trouble.judge(drift="b", latency="b")
    (row,) = trouble.rows(tables.incidents)
    assert row.title.startswith("m: ")
    (message,) = trouble.rows(tables.notifications)
    assert message.payload["url"] == "http://pages/incidents/1"
    assert {one["signal"] for one in message.payload["evidence"]} == {"drift.univariate", "latency.p99"}


def test_an_incident_of_a_rule_that_is_gone_still_resolves(make: Make) -> None:
    trouble = make(rules=[{"name": "old"}])
    trouble.judge(drift="b")
    changed = make(rules=[{"name": "new"}])
    changed.day = trouble.day
    changed.days(2, drift="o")
    assert changed.incidents() == [("old", "resolved")]
