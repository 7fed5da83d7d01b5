"""OpenSLO: what is written is v1 and comes back the same; what cannot be read is told by name."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from dashboards.openslo import documents, read_objectives
from dashboards.openslo.names import length, name_of, shorthand
from detectors import Objective
from modelwatch.cli import app
from modelwatch.monitor import MonitorError, load_monitor

HOUR = timedelta(hours=1)
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SHORTHAND = re.compile(r"[1-9][0-9]*[mhdwMQY]")
SIGNALS = st.sampled_from(
    (
        "drift.univariate",
        "drift.univariate.Price €",
        "quality.missing.a b",
        "latency.p99",
        "performance.estimated.f1",
    )
)
OPERATORS = st.sampled_from(("<", "<=", ">", ">="))
NUMBERS = st.floats(-1e6, 1e6).map(lambda value: f"{value:.6g}")
SLIS = st.one_of(
    st.sampled_from(
        (
            "availability",
            "availability except client, timeout",
            "latency < 300ms",
            "latency <= 0.25 s",
            "freshness ok",
            "volume ok",
        )
    ),
    st.builds("{} ok".format, SIGNALS),
    st.builds(
        "{} {} {}".format, SIGNALS | st.sampled_from(("roc_auc", "mae", "label_coverage")), OPERATORS, NUMBERS
    ),
)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,70}", fullmatch=True)
TARGETS = st.floats(0.0, 0.99999)
PERIODS = st.integers(30, 90 * 86_400).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def objectives(draw: st.DrawFn) -> Objective:
    sli = draw(SLIS)
    has_target = not sli.startswith(("roc_auc", "mae")) or draw(st.booleans())
    segment = "" if "label_coverage" in sli else draw(st.sampled_from(("", "region=north", 'a="b"\\')))
    values = {"name": draw(NAMES), "sli": sli, "period": draw(PERIODS), "segment": segment}
    return Objective.model_validate(values | ({"target": draw(TARGETS)} if has_target else {}))


def through_yaml(made: list[Any]) -> list[Any]:
    return list(yaml.safe_load_all(yaml.safe_dump_all(made, sort_keys=False, allow_unicode=True)))


@settings(deadline=None, max_examples=50)
@given(st.lists(objectives(), max_size=4), st.sampled_from((timedelta(minutes=5), HOUR, timedelta(days=1))))
def test_what_is_written_is_read_back(slos: list[Objective], window: timedelta) -> None:
    made = through_yaml(documents("Credit risk", slos, window, "http://p:9090"))
    found, refused = read_objectives(made, window)
    assert refused == []
    assert found == slos


@settings(deadline=None, max_examples=50)
@given(st.lists(objectives(), min_size=1, max_size=3))
def test_documents_are_openslo_v1(slos: list[Objective]) -> None:
    made = through_yaml(documents("Credit risk", slos, HOUR, "http://p:9090"))
    by_kind: dict[str, set[str]] = {}
    for one in made:
        assert set(one) == {"apiVersion", "kind", "metadata", "spec"}
        assert one["apiVersion"] == "openslo/v1"
        assert NAME.fullmatch(one["metadata"]["name"])
        assert all(isinstance(value, str) for value in one["metadata"].get("annotations", {}).values())
        assert len(one["spec"].get("description", "")) <= 1050
        if one["kind"] != "SLO":
            assert one["metadata"]["name"] not in by_kind.get(one["kind"], set())
        by_kind.setdefault(one["kind"], set()).add(one["metadata"]["name"])
    for one in made:
        if one["kind"] in CHECKS:
            CHECKS[one["kind"]](one["spec"], by_kind)


def check_slo(spec: dict[str, Any], known: dict[str, set[str]]) -> None:
    fields = {
        "description",
        "service",
        "indicator",
        "timeWindow",
        "budgetingMethod",
        "objectives",
        "alertPolicies",
    }
    assert set(spec) <= fields
    assert {spec["service"]} == known["Service"]
    (window,) = spec["timeWindow"]
    assert SHORTHAND.fullmatch(window["duration"])
    assert window["isRolling"] is True
    (target,) = spec["objectives"]
    assert 0 <= target["target"] < 1
    indicator = spec["indicator"]["spec"]
    (metric,) = indicator
    assert ("op" in target) == ("value" in target) == (metric == "thresholdMetric")
    sliced = spec["budgetingMethod"] == "Timeslices"
    assert sliced == ("timeSliceTarget" in target) == ("timeSliceWindow" in target)
    sources = (
        [indicator[metric][name] for name in ("good", "total")]
        if metric == "ratioMetric"
        else [indicator[metric]]
    )
    for one in sources:
        assert one["metricSource"]["metricSourceRef"] in known["DataSource"]
        assert "modelwatch_" in one["metricSource"]["spec"]["query"]
    assert {one["alertPolicyRef"] for one in spec.get("alertPolicies", ())} <= known.get("AlertPolicy", set())


def check_policy(spec: dict[str, Any], known: dict[str, set[str]]) -> None:
    assert {"alertWhenNoData", "alertWhenResolved", "alertWhenBreaching"} <= set(spec)
    assert [one["conditionRef"] in known["AlertCondition"] for one in spec["conditions"]] == [True]
    assert [one["targetRef"] in known["AlertNotificationTarget"] for one in spec["notificationTargets"]] == [
        True
    ]


def check_condition(spec: dict[str, Any], known: dict[str, set[str]]) -> None:
    assert known["AlertPolicy"]
    assert spec["severity"] in ("page", "ticket")
    condition = spec["condition"]
    assert [condition["kind"], condition["op"]] == ["burnrate", "gte"]
    assert condition["threshold"] >= 1
    assert SHORTHAND.fullmatch(condition["lookbackWindow"])
    assert SHORTHAND.fullmatch(condition["alertAfter"])


CHECKS: dict[str, Any] = {"SLO": check_slo, "AlertPolicy": check_policy, "AlertCondition": check_condition}


def test_the_four_rules_of_the_workbook_are_written() -> None:
    made = documents("m", [Objective(name="a", sli="availability", target=0.999)], timedelta(minutes=5), "")
    found = [one["spec"] for one in made if one["kind"] == "AlertCondition"]
    assert [
        (one["condition"]["lookbackWindow"], one["condition"]["threshold"], one["severity"]) for one in found
    ] == [("1h", 14.4, "page"), ("6h", 6.0, "page"), ("1d", 3.0, "ticket"), ("3d", 1.0, "ticket")]


def foreign(**changes: Any) -> dict[str, Any]:
    """Somebody else's SLO, on a value of ours."""
    query = 'modelwatch_signal_value{model="m",signal="drift.univariate",subject="price"}'
    spec: dict[str, Any] = {
        "service": "shop",
        "indicator": {
            "metadata": {"name": "i"},
            "spec": {"thresholdMetric": {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}},
        },
        "timeWindow": [{"duration": "4w", "isRolling": True}],
        "budgetingMethod": "Timeslices",
        "objectives": [
            {"op": "lt", "value": 0.2, "targetPercent": 95, "timeSliceTarget": 1, "timeSliceWindow": 60}
        ],
    }
    spec = {name: value for name, value in (spec | changes).items() if value is not None}
    return {"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "price-drift"}, "spec": spec}


def ratio(query: str) -> dict[str, Any]:
    source = {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}
    return {
        "metadata": {"name": "i"},
        "spec": {"ratioMetric": {"counter": True, "good": source, "total": source}},
    }


def test_a_foreign_slo_on_our_values_is_read() -> None:
    found, refused = read_objectives([foreign()], HOUR)
    assert refused == []
    wanted = {"name": "price-drift", "sli": "drift.univariate.price < 0.2", "target": "95%", "period": "4w"}
    assert found == [Objective.model_validate(wanted)]


def test_a_foreign_slo_on_our_events_has_the_indicator_of_that_objective() -> None:
    known = [Objective(name="fast", sli="latency < 9ms", target=0.9)]
    own = ratio('sum(rate(modelwatch_slo_events_total{slo="fast",outcome="good"}[5m]))')
    two = [{"target": 0.5}, {"target": 0.7}]
    found, refused = read_objectives(
        [foreign(indicator=own, budgetingMethod="Occurrences", objectives=two)], HOUR, known
    )
    assert refused == []
    assert [(slo.name, slo.sli, slo.target) for slo in found] == [
        ("price-drift-1", "latency < 9ms", 0.5),
        ("price-drift-2", "latency < 9ms", 0.7),
    ]


def test_an_indicator_may_be_a_document_of_its_own_with_an_annotation() -> None:
    sli = {"apiVersion": "openslo/v1", "kind": "SLI", **ratio("up")}
    sli["metadata"] = {"name": "mine", "annotations": {"modelwatch.io/sli": "freshness ok"}}
    found, refused = read_objectives([foreign(indicator=None, indicatorRef="mine"), sli], HOUR)
    assert refused == []
    assert [slo.sli for slo in found] == ["freshness ok"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (
            {"timeWindow": [{"duration": "1M", "calendar": {"startTime": "2020-01-01"}}]},
            "aligned to a calendar",
        ),
        (
            {"timeWindow": [{"duration": "1 month", "isRolling": True}]},
            "timeWindow: '1 month' is no duration",
        ),
        ({"budgetingMethod": "RatioTimeslices"}, "'RatioTimeslices' is not one of Occurrences, Timeslices"),
        ({"indicator": ratio("http_requests_total")}, "annotate it with `modelwatch.io/sli: ...`"),
        (
            {"indicator": ratio('modelwatch_slo_events_total{slo="x"}')},
            "slo 'x', which the monitor file does not have",
        ),
        ({"indicator": None, "indicatorRef": "gone"}, "'gone' is in none of the documents"),
        ({"objectives": [{"op": "lt", "value": 0.2}]}, "neither `target` nor `targetPercent`"),
        ({"objectives": [{"op": "lt", "value": 0.2, "target": 2}]}, "target: 2.0 is not a share"),
        ({"objectives": [{"op": "eq", "value": 0.2, "target": 0.5}]}, "needs op (lt, lte, gt, gte)"),
        (
            {"objectives": [{"op": "lt", "value": 1, "target": 0.5, "timeSliceWindow": "5m"}]},
            "timeSliceWindow is 5m",
        ),
        ({"objectives": []}, "objectives is empty"),
        ({"objectives": None}, "objectives is missing"),
    ],
)
def test_what_cannot_be_an_objective_is_told_by_name(changes: dict[str, Any], named: str) -> None:
    found, refused = read_objectives([foreign(**changes)], HOUR)
    assert found == []
    assert [one.name for one in refused] == ["price-drift"]
    assert named in refused[0].reason


@settings(deadline=None, max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("spec", "kind", "metadata", "indicator", "objectives", "timeWindow")),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
def test_any_document_is_read_or_refused(value: Any) -> None:
    for document in (
        value,
        foreign() | {"spec": value},
        foreign() | {"metadata": value},
        foreign(indicator=value),
    ):
        found, refused = read_objectives([document], HOUR)
        assert bool(found) + bool(refused) <= 1 or found


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 10**6))
def test_durations_come_back(minutes: int) -> None:
    value = timedelta(minutes=minutes)
    assert length(shorthand(value)) == value
    assert length(minutes) == value


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_any_text_becomes_a_name(text: str) -> None:
    assert NAME.fullmatch(name_of(text))


MONITOR = """
model: m
task: binary
features: {price: numeric}
window: 1h
slos:
  - {name: availability, sli: availability, target: 99.9%}
  - {name: good, sli: roc_auc >= 0.85, period: 7d}
  - {name: drift, sli: drift.univariate.price < 0.2, target: 95%}
"""


def test_the_commands_are_each_others_inverse(tmp_path: Path) -> None:
    monitor, slos = tmp_path / "m.yaml", tmp_path / "slos.yaml"
    monitor.write_text(MONITOR, encoding="utf-8")
    run = CliRunner().invoke
    written = run(app, ["slo", "export", str(monitor)])
    assert written.exit_code == 0
    slos.write_text(written.stdout, encoding="utf-8")
    read = run(app, ["slo", "import", str(slos), "--monitor", str(monitor)])
    assert read.exit_code == 0
    wanted = [Objective.model_validate(one) for one in yaml.safe_load(MONITOR)["slos"]]
    assert [Objective.model_validate(one) for one in yaml.safe_load(read.stdout)["slos"]] == wanted


def test_import_tells_what_the_model_does_not_have(tmp_path: Path) -> None:
    monitor, slos = tmp_path / "m.yaml", tmp_path / "slos.yaml"
    monitor.write_text(MONITOR.replace("price", "cost"), encoding="utf-8")
    slos.write_text(yaml.safe_dump_all([foreign(), foreign(budgetingMethod="x")]), encoding="utf-8")
    read = CliRunner().invoke(app, ["slo", "import", str(slos), "--monitor", str(monitor)])
    assert read.exit_code == 1
    assert read.stdout == ""
    assert "price-drift" in read.stderr
    assert "no feature 'price'; there are cost" in read.stderr
    assert "budgetingMethod 'x'" in read.stderr


@pytest.mark.parametrize("content", ["{", "a: 1", "- 1"])
def test_a_file_of_something_else_is_an_error(tmp_path: Path, content: str) -> None:
    monitor, slos = tmp_path / "m.yaml", tmp_path / "slos.yaml"
    monitor.write_text(MONITOR, encoding="utf-8")
    slos.write_text(content, encoding="utf-8")
    read = CliRunner().invoke(app, ["slo", "import", str(slos), "--monitor", str(monitor)])
    assert read.exit_code in (1, 2)
    assert str(slos) in read.stderr


def test_a_monitor_file_may_have_its_objectives_in_openslo(tmp_path: Path) -> None:
    monitor, slos = tmp_path / "m.yaml", tmp_path / "slos.yaml"
    monitor.write_text(MONITOR, encoding="utf-8")
    slos.write_text(CliRunner().invoke(app, ["slo", "export", str(monitor)]).stdout, encoding="utf-8")
    wanted = load_monitor(monitor).slos
    assert len(wanted) == 3
    other = tmp_path / "other.yaml"
    other.write_text(MONITOR.split("slos:", maxsplit=1)[0] + "slos: {openslo: slos.yaml}\n", encoding="utf-8")
    assert load_monitor(other).slos == wanted
    slos.write_text(yaml.safe_dump(foreign(budgetingMethod="x")), encoding="utf-8")
    with pytest.raises(
        MonitorError, match=r"other.yaml: slos: .*slos.yaml: price-drift: budgetingMethod 'x'"
    ):
        load_monitor(other)
    slos.unlink()
    with pytest.raises(MonitorError, match=r"slos.yaml: cannot be read"):
        load_monitor(other)
