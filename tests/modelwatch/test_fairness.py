"""Fairness through the whole pipeline: what analyze says of groups that are, or become, far apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from modelwatch.monitor import Monitor, MonitorError
from tests.modelwatch.flows import HOUR, START, Workplace, alike, events_of, of_signal, traffic
from tests.modelwatch.loops import Loop

REFERENCE, PRODUCTION = 30, 12
QUICK = [{"kind": "performance", "metric": "accuracy"}, {"kind": "missing"}]
METRICS = ["demographic_parity", "equal_opportunity", "equalized_odds", "accuracy"]


def rows(
    windows: int,
    groups: dict[str, float],
    *,
    per_window: int = 900,
    seed: int = 0,
    unfair: str = "",
    unfair_from: int = 0,
    first: int = START,
) -> pd.DataFrame:
    """Groups with base rates of their own; from some window on one is mostly denied what it deserves."""
    rng = np.random.default_rng(seed)
    n = windows * per_window
    seconds = np.sort(rng.uniform(0, windows * HOUR, n))
    names = list(groups)
    region = rng.choice(names, n)
    label = rng.random(n) < np.array([groups[name] for name in names])[np.searchsorted(names, region)]
    score = np.clip(rng.beta(2, 5, n) + 0.35 * label, 0.01, 0.99)
    denied = (region == unfair) & (seconds >= unfair_from * HOUR) & (rng.random(n) < 0.7)
    score = np.where(denied, score / 3, score)
    return pd.DataFrame(
        {
            "ts": pd.to_datetime(first + seconds, unit="s", utc=True).astype("datetime64[us, UTC]"),
            "prediction_id": [f"{seed}-{first}-{place}" for place in range(n)],
            "prediction": (score > 0.5).astype(int),
            "score": score,
            "label": label.astype(float),
            "x": rng.normal(size=n),
            "region": region,
        }
    )


def monitor(workplace: Workplace, **fairness: Any) -> Monitor:
    section = {"groups": ["region"], "metrics": METRICS} | fairness
    features = {"x": "numeric"}
    return workplace.monitor(fairness=section, features=features, slos=None, detectors=QUICK)


def judged(workplace: Workplace, production: pd.DataFrame, groups: dict[str, float], **fairness: Any) -> Any:
    before = rows(REFERENCE, groups, seed=1, first=START - 100 * HOUR)
    return workplace.lines(before, production, None, monitor(workplace, **fairness))


def hour(line: dict[str, Any]) -> int:
    return (int(pd.Timestamp(line["window_start"]).timestamp()) - START) // HOUR


THREE = {"east": 0.35, "north": 0.4, "south": 0.45}


def test_a_model_that_turns_unfair_to_a_region_is_found_with_its_name(workplace: Workplace) -> None:
    production = rows(PRODUCTION, THREE, seed=2, unfair="north", unfair_from=6)
    lines = judged(workplace, production, THREE)
    for metric in METRICS:
        found = list(of_signal(lines, f"fairness.{metric}"))
        assert [hour(line) for line in found] == list(range(PRODUCTION))
        assert {line["subject"] for line in found} == {"region"}
        assert {line["verdict"] for line in found[:6]} == {"ok"}
        assert {line["verdict"] for line in found[8:]} == {"breach"}, metric
        assert all(", north " in line["diagnosis"] for line in found[6:])
    assert {hour(line) for line in lines if line["alert"]} == {6}, "one incident, told when it begins"


def test_the_gaps_are_those_of_the_rows(workplace: Workplace) -> None:
    two = {"north": 0.4, "south": 0.45}
    production = rows(3, two, per_window=3000, seed=3, unfair="north")
    lines = judged(workplace, production, two)
    hours = (production["ts"].astype("int64") // 1_000_000 - START) // HOUR
    for metric, of in (
        ("demographic_parity", production),
        ("equal_opportunity", production.query("label == 1")),
    ):
        for line in of_signal(lines, f"fairness.{metric}"):
            own = of[hours[of.index] == hour(line)]
            rates = own.groupby("region")["prediction"].mean()
            assert line["value"] == pytest.approx(rates.max() - rates.min(), abs=1e-6)
            assert line["lower"] < line["value"] < line["upper"]


def test_a_stream_is_judged_as_files_are(workplace: Workplace) -> None:
    changes: dict[str, Any] = {
        "fairness": {"groups": ["region"], "metrics": METRICS, "min_group": 50},
        "detectors": QUICK,
        "estimates": "none",
        "slos": None,
    }
    before, production = traffic(30, 250, seed=1, first=START - 100 * HOUR), traffic(6, 250, seed=2)
    loop = Loop(workplace, before, **changes)
    events = events_of(production)
    for part in (events[::2], events[1::2]):  # in two deliveries, each out of the other's order
        loop.take(part)
    streamed = loop.advance(flush=True)
    read = workplace.lines(before, production, None, workplace.monitor(**changes))
    found = [[line for line in lines if line["signal"].startswith("fairness.")] for lines in (streamed, read)]
    assert len(found[0]) == 6 * len(METRICS)
    assert alike(*found)


def test_an_objective_is_missed_when_the_whole_interval_is_above_it(workplace: Workplace) -> None:
    production = rows(PRODUCTION, THREE, seed=2, unfair="north", unfair_from=6)
    lines = judged(workplace, production, THREE, metrics=["equal_opportunity"], max_gap="20%")
    found = list(of_signal(lines, "fairness.equal_opportunity"))
    assert all(line["threshold"] == 0.2 for line in found)
    assert [line["verdict"] == "breach" for line in found] == [line["lower"] > 0.2 for line in found]
    assert {line["verdict"] for line in found[6:]} == {"breach"}
    assert {line["verdict"] for line in found[:6]} == {"ok"}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_many_healthy_groups_with_base_rates_of_their_own_stay_quiet(workplace: Workplace, seed: int) -> None:
    many = {f"r{place:02d}": 0.1 + 0.03 * place for place in range(20)}
    production = rows(12, many, per_window=2600, seed=10 + seed)
    before = rows(REFERENCE, many, per_window=2600, seed=50 + seed, first=START - 100 * HOUR)
    lines = workplace.lines(before, production, None, monitor(workplace))
    found = [line for line in lines if line["signal"].startswith("fairness.")]
    assert len(found) == 12 * len(METRICS)
    assert {line["verdict"] for line in found} == {"ok"}


def test_one_group_and_no_labels_are_insufficient(workplace: Workplace) -> None:
    alone = {"north": 0.4}
    production = rows(4, alone, seed=4).drop(columns="label")
    lines = judged(workplace, production, alone)
    parity = list(of_signal(lines, "fairness.demographic_parity"))
    assert {line["verdict"] for line in parity} == {"insufficient"}
    assert {line["diagnosis"] for line in parity} == {
        "1 of 1 groups have 100 rows or more that define demographic_parity; a gap needs two"
    }
    assert not [line for line in of_signal(lines, "fairness.accuracy") if line["verdict"] != "insufficient"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"groups": ["x"]}, "['x'] are no segments; add them to `segments:`"),
        ({"metrics": ["f17"]}, "fairness: metrics: f17 is no metric of a binary task"),
        ({"metrics": ["business_value"]}, "business_value needs the monitor's costs"),
        ({"metrics": ["accuracy", "accuracy"]}, "names one twice"),
        ({"max_gap": "a lot"}, "'a lot' is not a share"),
        ({"max_gap": 0}, "greater than 0"),
        ({"min_group": 3}, "greater than or equal to 10"),
        ({"groups": []}, "at least 1 item"),
    ],
)
def test_a_wrong_section_is_told(workplace: Workplace, section: dict[str, Any], said: str) -> None:
    with pytest.raises(MonitorError) as caught:
        monitor(workplace, **section)
    assert said in str(caught.value)


def test_opportunity_is_of_binary_tasks(workplace: Workplace) -> None:
    with pytest.raises(MonitorError, match="equal_opportunity is of binary tasks"):
        workplace.monitor(
            task="regression", slos=None, fairness={"groups": ["region"], "metrics": ["equal_opportunity"]}
        )
