"""Objectives on any signal, in the pipeline: every window is an event, good when its condition holds."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from prometheus_client import CollectorRegistry

from dashboards.metrics import Exporter
from dashboards.queries.objectives import standings
from modelwatch.monitor import MonitorError
from tests.modelwatch.flows import HOUR, START, Workplace, events_of, of_signal, traffic
from tests.modelwatch.loops import Loop, late_labels

BAD_FROM, NORTH = 16, "region=north"
TARGET = {"target": "90%", "period": "7d"}
SLIS = {
    "x-stable": "drift.univariate.x ok",
    "x-near": "drift.univariate.x < 0.2",
    "all-there": "quality.missing <= 20%",
    "fresh": "freshness ok",
    "labelled": "label_coverage >= 80%",
    "too-labelled": "label_coverage >= 99%",
    "good": "performance.roc_auc >= 0.6",
    "fast": "latency.p50 < 30ms",
    "never": "performance.estimated.nothing >= 0.5",
}
SLOS = [{"name": name, "sli": sli, **TARGET} for name, sli in SLIS.items()]
SLOS += [{"name": "north-fast", "sli": "latency < 60ms", "segment": NORTH, **TARGET}]
SLOS += [{"name": "north-good", "sli": "roc_auc >= 0.6", "segment": NORTH, "period": "7d"}]
SLOS += [{"name": "north-near", "sli": "drift.univariate.x < 0.2", "segment": NORTH, **TARGET}]
Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def lines(
    tmp_path_factory: pytest.TempPathFactory, reference: pd.DataFrame, production: pd.DataFrame
) -> Lines:
    workplace = Workplace(tmp_path_factory.mktemp("slos"))
    return workplace.lines(reference, production, monitor=workplace.monitor(slos=SLOS))


def hour(line: dict[str, Any]) -> int:
    return (int(pd.Timestamp(line["window_start"]).timestamp()) - START) // HOUR


def by_hour(
    lines: Lines, signal: str, segment: str | None = None, subject: str | None = None
) -> dict[int, Any]:
    return {hour(line): line for line in of_signal(lines, signal, segment) if line["subject"] == subject}


@pytest.mark.parametrize(
    ("name", "signal", "subject", "good"),
    [
        ("x-stable", "drift.univariate", "x", lambda line: line["verdict"] == "ok"),
        ("x-near", "drift.univariate", "x", lambda line: line["value"] < 0.2),
        ("fresh", "quality.freshness", None, lambda line: line["verdict"] == "ok"),
        ("good", "performance.roc_auc", None, lambda line: line["value"] >= 0.6),
        ("fast", "latency.p50", None, lambda line: line["value"] < 30),
    ],
)
def test_a_window_is_good_when_the_condition_holds(
    lines: Lines, name: str, signal: str, subject: str | None, good: Any
) -> None:
    judged = by_hour(lines, f"slo.{name}")
    of = by_hour(lines, signal, None, subject)
    sure = {at for at, line in of.items() if line["verdict"] != "insufficient"}
    assert sure
    assert {at for at, line in judged.items() if line["verdict"] != "insufficient"} == sure
    for at in sure:
        assert judged[at]["value"] == float(good(of[at])), at
        assert judged[at].get("known_at") == of[at].get("known_at")  # labels have settled for both


def test_a_signal_without_a_subject_is_about_all_of_them(lines: Lines) -> None:
    judged = by_hour(lines, "slo.all-there")
    missing = [line for line in of_signal(lines, "quality.missing") if line["value"] is not None]
    for at, line in judged.items():
        worst = max(one["value"] for one in missing if hour(one) == at)
        assert line["value"] == float(worst <= 0.2)


def test_a_lasting_fault_breaches_and_says_why(lines: Lines) -> None:
    judged = by_hour(lines, "slo.x-stable")
    assert {line["verdict"] for at, line in judged.items() if at < BAD_FROM} == {"ok"}
    late = [line for at, line in judged.items() if at >= BAD_FROM + 2]
    assert {line["verdict"] for line in late} == {"breach"}
    assert "drift.univariate of x is in breach" in late[-1]["diagnosis"]
    assert late[-1]["diagnosis"].startswith(("page: burns", "ticket: burns"))
    assert "not < 0.2" in by_hour(lines, "slo.x-near")[23]["diagnosis"]
    assert sum(line["alert"] for line in judged.values()) <= 1


def test_label_coverage_is_judged_when_labels_have_settled(lines: Lines) -> None:
    for name, good in (("labelled", 1.0), ("too-labelled", 0.0)):
        judged = by_hour(lines, f"slo.{name}")
        assert len(judged) >= 20
        assert {line["value"] for line in judged.values()} == {good}
        assert all("known_at" in line for line in judged.values())
    assert "label_coverage 0.9" in by_hour(lines, "slo.too-labelled")[3]["diagnosis"]


def test_a_segment_has_a_budget_of_its_own(lines: Lines) -> None:
    for name in ("north-fast", "north-good", "north-near"):
        assert not by_hour(lines, f"slo.{name}")
        judged = by_hour(lines, f"slo.{name}", NORTH)
        assert "breach" in {judged[at]["verdict"] for at in range(BAD_FROM, 24)}
    near = by_hour(lines, "drift.univariate", NORTH, "x")
    for at, line in by_hour(lines, "slo.north-near", NORTH).items():
        known = near[at]["value"]
        assert line["value"] == (None if known is None else float(known < 0.2))


def test_what_is_never_judged_has_no_line(lines: Lines) -> None:
    assert not by_hour(lines, "slo.never")


def test_labels_that_never_come_are_bad_coverage(workplace: Workplace, good: pd.DataFrame) -> None:
    slos = [{"name": "labelled", "sli": "label_coverage >= 50%", **TARGET}]
    loop = Loop(workplace, good, slos=slos, label_horizon="6h")
    loop.take([event for event in late_labels(12, 30) if event["kind"] == "prediction"])
    judged = [line for line in loop.advance() if line["signal"] == "slo.labelled"]
    assert [line["value"] for line in judged] == [0.0] * len(judged)
    assert len(judged) in (4, 5)  # those that began more than six hours ago
    with loop.database.read() as connection:
        from alerts.tables import progress  # noqa: PLC0415 - the one place that looks at it

        held = connection.execute(progress.select()).one().trackers["budgets"]["labelled"]
    assert [held["bad"], held["events"]] == [len(judged), len(judged)]


def test_the_pages_show_what_the_evaluation_stored(workplace: Workplace, good: pd.DataFrame) -> None:
    slos = [
        {"name": "availability", "sli": "availability", "target": "99%", "period": "7d"},
        {"name": "x-stable", "sli": "drift.univariate.x ok", **TARGET},
    ]
    loop = Loop(workplace, good, slos=slos)
    loop.take(events_of(traffic(12, bad_from=8)))
    lines = loop.advance(flush=True)
    with loop.database.read() as connection:
        requests, drift = standings(connection, loop.monitor)
    assert requests.events[1] == 12 * 120
    verdicts = [line["verdict"] for line in by_hour(lines, "drift.univariate", None, "x").values()]
    assert drift.events == (verdicts.count("breach"), 12)
    assert drift.events[0] >= 2
    judged = list(by_hour(lines, "slo.x-stable").values())
    assert sum(1 - line["value"] for line in judged) == drift.events[0]
    assert drift.line.verdict == judged[-1]["verdict"] == "breach"
    (breach,) = drift.breaches
    assert [breach.windows, breach.last.end] == [
        sum(line["verdict"] == "breach" for line in judged),
        drift.line.end,
    ]
    assert breach.incident is not None
    registry = CollectorRegistry()
    registry.register(Exporter(loop.database, {"m": loop.monitor}))
    held = {"model": "m", "slo": "x-stable", "outcome": "bad"}
    assert registry.get_sample_value("modelwatch_slo_events_total", held) == drift.events[0]


def test_a_learning_model_keeps_its_promises_too(workplace: Workplace) -> None:
    """Requests are counted while there is no reference yet, of segments as well."""
    found = workplace.lines(None, traffic(6), monitor=workplace.monitor(slos=SLOS))
    assert {line["verdict"] for line in found if line["signal"] == "slo.north-fast"} == {"ok"}
    assert {line["verdict"] for line in found if line["signal"] == "slo.x-stable"} == {"insufficient"}


@pytest.mark.parametrize(
    ("slo", "named"),
    [
        ({"sli": "drift.univariate.y < 0.2"}, ["no feature 'y'", "c, e, x"]),
        ({"sli": "quality.missing.X <= 1%"}, ["no feature 'X'", "c, e, x"]),
        ({"sli": "mae <= 3"}, ["mae", "binary", "roc_auc"]),
        ({"sli": "availability", "segment": "city=Oslo"}, ["segment 'city=Oslo'", "region="]),
        ({"sli": "availability", "segment": "region"}, ["segment 'region'", "region="]),
        ({"sli": "label_coverage >= 5%", "segment": NORTH}, ["label_coverage", "take it out"]),
    ],
)
def test_a_promise_about_what_is_not_there_is_refused(
    workplace: Workplace, slo: dict[str, str], named: list[str]
) -> None:
    with pytest.raises(MonitorError) as caught:
        workplace.monitor(slos=[{"name": "n", **TARGET, **slo}])
    for part in ["slos", "n", *named]:
        assert part in str(caught.value)
