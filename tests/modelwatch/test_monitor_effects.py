"""The smallest effect worth knowing about, by feature; and the usual detectors beside others."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from detectors import Detector, default_detectors
from detectors.anderson_darling import AndersonDarling
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.smooth import SmoothTest
from modelwatch.monitor import Monitor
from profiles import Grid, Shape, Vocabulary

PLAIN = {"model": "m", "task": "regression"}
SHAPE = Shape({"features.x": Grid(0.0, 1.35), "features.c": Vocabulary(("a", "b")), "prediction": Grid(0, 1)})


def test_a_feature_names_its_smallest_effect() -> None:
    features = {"x": {"kind": "numeric", "min_effect": 0.1}, "c": "categorical"}
    monitor = Monitor.model_validate(PLAIN | {"features": features})
    told = [(check.part, check.detector.model_dump()) for check in monitor.checks(SHAPE)]
    effects = {part: settings["min_effect"] for part, settings in told if "min_effect" in settings}
    assert effects == {"features.x": 0.1, "features.c": 0.0, "prediction": 0.0}


@pytest.mark.parametrize("effect", [-0.1, float("nan"), "much"])
def test_an_effect_is_a_number_from_0_on(effect: object) -> None:
    features = {"x": {"kind": "numeric", "min_effect": effect}}
    with pytest.raises(ValidationError, match="min_effect"):
        Monitor.model_validate(PLAIN | {"features": features})


@pytest.mark.parametrize("detector", [SmoothTest(), AndersonDarling(), KolmogorovSmirnov()])
def test_effects_up_to_the_smallest_are_no_news_and_larger_ones_are(
    detector: Detector,
) -> None:
    rng, grid = np.random.default_rng(0), Grid(0.0, 1.35)

    def window(shift: float) -> object:
        return grid.summarize(rng.normal(shift, 1, 20_000))

    reference, small, large = [window(0) for _ in range(20)], window(0.1), window(0.5)
    plain = detector.judge(detector.learn(reference), small, 1e-6)
    assert plain.p_value is not None
    assert plain.p_value < 1e-6
    assert plain.value is not None
    careful = detector.model_copy(update={"min_effect": plain.value * 1.2})
    baseline = careful.learn(reference)
    small_judged, large_judged = (careful.judge(baseline, one, 1e-6) for one in (small, large))
    assert small_judged.p_value == 1.0
    assert small_judged.value is not None
    assert small_judged.value <= plain.value * 1.2
    assert large_judged.p_value is not None
    assert large_judged.p_value < 1e-6
    assert small_judged.threshold is not None
    assert small_judged.threshold > plain.value * 1.2


def test_defaults_are_what_is_switched_on_for_the_task() -> None:
    given = {"features": {"x": "numeric"}, "detectors": ["defaults", {"kind": "hellinger"}]}
    for task in ("binary", "regression"):
        monitor = Monitor.model_validate(PLAIN | {"task": task} | given)
        usual = default_detectors(task)
        assert monitor.switched_on()[: len(usual)] == usual
        assert len(monitor.switched_on()) == len(usual) + 1
    with pytest.raises(ValidationError):
        Monitor.model_validate(PLAIN | {"features": {"x": "numeric"}, "detectors": ["usual"]})
