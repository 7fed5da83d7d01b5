"""Several detectors of one thing: each has a signal of its own, and the first keeps the plain name."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from detectors import Detector, checks
from detectors.chi_square import ChiSquare
from detectors.jensen_shannon import JensenShannon
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.missing import Missing
from detectors.population_stability import PopulationStability
from detectors.wasserstein import Wasserstein
from modelwatch.monitor import MonitorError, load_monitor
from profiles import Grid, Shape, Vocabulary
from profiles.score import ScoreGrid

SHAPE = Shape(
    {"features.age": Grid(40.0, 10.0), "features.city": Vocabulary(("a", "b")), "score": ScoreGrid()}
)


def names(*detectors: Detector) -> list[tuple[str, str | None]]:
    return [(check.signal, check.subject) for check in checks(detectors, SHAPE)]


def test_one_detector_of_a_part_has_the_plain_signal() -> None:
    assert names(Wasserstein()) == [("drift.univariate", "age"), ("drift.prediction", None)]
    assert names(ChiSquare()) == [("drift.univariate", "city")]


def test_the_first_keeps_its_signal_and_further_ones_add_their_kind() -> None:
    assert names(KolmogorovSmirnov(), ChiSquare(), Wasserstein(), JensenShannon(), Missing()) == [
        ("drift.univariate", "age"),
        ("drift.univariate.wasserstein", "age"),
        ("drift.univariate.jensen_shannon", "age"),
        ("quality.missing", "age"),
        ("drift.univariate", "city"),
        ("drift.univariate.jensen_shannon", "city"),
        ("quality.missing", "city"),
        ("drift.prediction", None),
        ("drift.prediction.wasserstein", None),
        ("drift.prediction.jensen_shannon", None),
    ]


def test_no_two_checks_are_one_signal_of_one_subject() -> None:
    several = (KolmogorovSmirnov(), ChiSquare(), Wasserstein(), PopulationStability())
    for order in itertools.permutations(several):
        found = names(*order)
        assert len(set(found)) == len(found)
        judged = {(check.part, type(check.detector)) for check in checks(order, SHAPE)}
        assert len(judged) == len(found)


def load(folder: Path, detectors: str) -> tuple[Detector, ...]:
    path = folder / "monitor.yaml"
    path.write_text(f"model: m\ntask: binary\nfeatures: {{x: numeric}}\ndetectors: {detectors}\n")
    return load_monitor(path).switched_on()


def test_a_monitor_takes_two_kinds_of_one_signal(tmp_path: Path) -> None:
    found = load(tmp_path, "[{kind: kolmogorov_smirnov}, {kind: wasserstein, min_effect: 0.1}, {kind: psi}]")
    assert found == (KolmogorovSmirnov(), Wasserstein(min_effect=0.1), PopulationStability())


@pytest.mark.parametrize(
    ("detectors", "signal"),
    [
        ("[{kind: wasserstein}, {kind: wasserstein, min_effect: 0.1}]", "drift.univariate"),
        (
            "[{kind: latency_quantile, percentile: 99}, {kind: latency_quantile, percentile: 99}]",
            "latency.p99",
        ),
        ("[{kind: psi}, {kind: chi_square}, {kind: psi}]", "drift.univariate"),
    ],
)
def test_a_monitor_refuses_two_of_one_kind_and_signal(tmp_path: Path, detectors: str, signal: str) -> None:
    with pytest.raises(MonitorError, match=signal):
        load(tmp_path, detectors)


def test_a_monitor_takes_one_kind_with_two_signals(tmp_path: Path) -> None:
    found = load(tmp_path, "[{kind: latency_quantile, percentile: 50}, {kind: latency_quantile}]")
    assert [detector.signal("latency") for detector in found] == ["latency.p50", "latency.p99"]
