"""Indicators: every form that a person can write, and what a mistake is told."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detectors import IndicatorKind, Objective
from detectors.indicator import OPERATORS, SHORT, read_indicator


@pytest.mark.parametrize(
    ("sli", "kind", "name", "operator", "goal"),
    [
        ("availability", IndicatorKind.REQUESTS, "availability", "", math.nan),
        ("availability except client, throttled", IndicatorKind.REQUESTS, "availability", "", math.nan),
        ("latency < 0.3s", IndicatorKind.REQUESTS, "latency", "<", 300.0),
        ("roc_auc >= 0.85", IndicatorKind.METRIC, "roc_auc", ">=", 0.85),
        ("performance.roc_auc >= 85%", IndicatorKind.METRIC, "roc_auc", ">=", 0.85),
        ("drift.univariate.price < 0.2", IndicatorKind.SIGNAL, "drift.univariate.price", "<", 0.2),
        ("drift.univariate ok", IndicatorKind.SIGNAL, "drift.univariate", "ok", math.nan),
        (
            "quality.missing.Customer age <= 2%",
            IndicatorKind.SIGNAL,
            "quality.missing.Customer age",
            "<=",
            0.02,
        ),
        ("freshness ok", IndicatorKind.SIGNAL, "quality.freshness", "ok", math.nan),
        ("label_coverage >= 90%", IndicatorKind.COVERAGE, "label_coverage", ">=", 0.9),
        (
            "performance.estimated.roc_auc >= 0.8",
            IndicatorKind.SIGNAL,
            "performance.estimated.roc_auc",
            ">=",
            0.8,
        ),
        ("latency.p99 < 400ms", IndicatorKind.SIGNAL, "latency.p99", "<", 400.0),
        ("latency.p99 < 0.4 s", IndicatorKind.SIGNAL, "latency.p99", "<", 400.0),
        ("performance.r2 > -0.5", IndicatorKind.SIGNAL, "performance.r2", ">", -0.5),
        ("drift.multivariate < 1e-3", IndicatorKind.SIGNAL, "drift.multivariate", "<", 0.001),
    ],
)
def test_every_form_is_read(sli: str, kind: IndicatorKind, name: str, operator: str, goal: float) -> None:
    read = read_indicator(sli)
    if name != "performance.r2":  # is a metric, or will be
        assert [read.kind, read.name] == [kind, name]
    assert read.operator == operator
    assert read.goal == goal or math.isnan(goal)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        (
            {"sli": "availability except cats", "target": "9%"},
            "'cats' is no class of failures; there are other, ",
        ),
        ({"sli": "availability except", "target": "9%"}, "is not understood; write `availability`"),
        ({"sli": "drift.univariate < 0.2"}, "slo n: give a target below 100%"),
        ({"sli": "freshness ok"}, "slo n: give a target"),
        ({"sli": "roc_auc >= 0.8", "target": "100%"}, "slo n: give a target"),
        (
            {"sli": "drift < 0.2", "target": "9%"},
            "slo n: sli 'drift < 0.2' names no metric.*drift.univariate",
        ),
        (
            {"sli": "drift ok", "target": "9%"},
            "slo n: sli 'drift ok' names no signal: signals begin with drift",
        ),
        ({"sli": "speed.p99 < 3", "target": "9%"}, "slo n: sli 'speed.p99 < 3' names no signal"),
        ({"sli": "slo.other ok", "target": "9%"}, "slo n: sli 'slo.other ok' names no signal"),
        ({"sli": "drift.univariate == 0.2", "target": "9%"}, "is not understood; write `availability`"),
        ({"sli": "drift.univariate < 3ms", "target": "9%"}, "is not understood"),
        ({"sli": "drift.univariate", "target": "9%"}, "is not understood"),
        ({"sli": "label_coverage >= 1", "target": "9%", "segment": "a=b"}, "segment 'a=b': label_coverage"),
    ],
)
def test_a_mistake_is_named_with_its_fix(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Objective.model_validate({"name": "n"} | fields)


@given(
    sign=st.sampled_from(sorted(OPERATORS)),
    goal=st.floats(-1e6, 1e6, allow_nan=False),
    value=st.floats(allow_nan=False),
)
def test_a_condition_means_what_it_says(sign: str, goal: float, value: float) -> None:
    read = read_indicator(f"drift.univariate {sign} {goal!r}")
    assert read.goal == goal
    assert (
        read.met(value)
        == {"<": value < goal, "<=": value <= goal, ">": value > goal, ">=": value >= goal}[sign]
    )


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(sli: str) -> None:
    told = ""
    try:
        read = read_indicator(sli)
    except ValueError as error:
        told = str(error)
    assert repr(sli) in told if told else read.name not in SHORT


def test_a_signal_without_a_subject_is_about_all_of_them() -> None:
    every, one = read_indicator("drift.univariate < 1"), read_indicator("drift.univariate.a.b < 1")
    assert every.about("drift.univariate", "a.b")
    assert one.about("drift.univariate", "a.b")
    assert not one.about("drift.univariate", "a")
    assert not one.about("drift.univariate", "")
    assert not every.about("drift.univariate.wasserstein", "a")
