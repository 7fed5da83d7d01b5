"""What every detector promises, whatever it judges."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from detectors import DETECTORS, AnyDetector, Detector, Evidence, Verdict, default_detectors
from profiles import SPACES, Counts
from profiles.sample import BottomK
from tests.detectors.examples import EXAMPLES, Example

ALPHA = 1e-6
PARSER: TypeAdapter[Any] = TypeAdapter(AnyDetector)
each = pytest.mark.parametrize(
    "example",
    # what fits a model to a sample takes seconds
    [
        pytest.param(one, marks=pytest.mark.slow) if "sample" in one.detector.spaces else one
        for one in EXAMPLES.values()
    ],
    ids=lambda example: type(example.detector).__name__,
)


def locked(value: Any) -> Any:
    """Make the arrays of a summary read-only, so that writing to them raises."""
    for item in fields(value):
        held = getattr(value, item.name)
        arrays = (held.keys, held.values) if isinstance(held, Counts) else (held,)
        for array in arrays:
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
    return value


def test_every_detector_has_an_example() -> None:
    assert set(EXAMPLES) == set(DETECTORS)
    assert {type(one) for task in ("binary", "regression") for one in default_detectors(task)} <= set(
        DETECTORS
    )


@each
def test_the_configuration_is_the_detector(example: Example) -> None:
    detector = example.detector
    assert PARSER.validate_python(detector.model_dump()) == detector
    assert PARSER.validate_json(detector.model_dump_json()) == detector
    assert (
        PARSER.validate_python(detector.model_dump(exclude_defaults=True) | {"kind": _kind(detector)})
        == detector
    )
    with pytest.raises(ValidationError, match="colour"):
        PARSER.validate_python(detector.model_dump() | {"colour": "red"})
    with pytest.raises(ValidationError, match="min_rows"):
        PARSER.validate_python(detector.model_dump() | {"min_rows": 0})
    with pytest.raises(ValidationError, match="frozen"):
        detector.min_rows = 3  # type: ignore[misc]
    assert hash(detector) == hash(PARSER.validate_python(detector.model_dump()))


def _kind(detector: Detector) -> str:
    return str(detector.model_dump()["kind"])


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="kolmogorov_smirnov"):
        PARSER.validate_python({"kind": "magic"})


@each
def test_it_reads_known_spaces_and_has_a_dotted_signal(example: Example) -> None:
    detector = example.detector
    assert set(detector.spaces) <= {*SPACES, BottomK.kind}
    family, _, rest = detector.signal("features.x").partition(".")
    assert family in {"drift", "quality", "performance", "latency", "requests"}
    assert rest


@each
def test_judging_is_pure(example: Example) -> None:
    windows = [locked(window) for window in example.windows(6)]
    current = locked(example.one(changed=0.3))
    baseline = example.detector.learn(windows)
    first = example.detector.judge(baseline, current, ALPHA)
    again = example.detector.judge(example.detector.learn(windows), current, ALPHA)
    assert first == again == example.detector.judge(baseline, current, ALPHA)
    assert first.sufficient


@each
def test_the_same_data_does_not_alarm(example: Example) -> None:
    window = example.one()
    judged = example.detector.judge(example.detector.learn([window] * 14), window, ALPHA)
    assert judged.p_value is not None
    assert judged.p_value > 0.2
    assert Evidence().step(judged, limit=100.0).verdict is Verdict.OK


@each
def test_a_healthy_window_does_not_alarm(example: Example) -> None:
    baseline = example.detector.learn(example.windows(30))
    smallest = min(
        example.detector.judge(baseline, window, ALPHA).p_value or 0.0
        for window in example.windows(30, seed=1)
    )
    assert smallest > 1e-4


@each
def test_an_obvious_change_is_seen_in_one_window(example: Example) -> None:
    baseline = example.detector.learn(example.windows(30))
    judged = example.detector.judge(baseline, example.one(changed=1.0), ALPHA)
    assert judged.p_value is not None
    assert judged.p_value < 1e-6
    assert Evidence().step(judged, limit=2000.0).verdict is Verdict.BREACH


@each
@pytest.mark.parametrize("rows", [0, 1, 49])
def test_too_little_data_is_insufficient_and_never_a_verdict(example: Example, rows: int) -> None:
    baseline = example.detector.learn(example.windows(14))
    for changed in (0.0, 1.0):
        judged = example.detector.judge(baseline, example.one(changed=changed, rows=rows), ALPHA)
        assert not judged.sufficient
        assert judged.p_value is None
        assert judged.note
        assert Evidence().step(judged, limit=1.0).verdict is Verdict.INSUFFICIENT


@each
def test_the_order_of_reference_windows_matters_only_in_how_neighbours_resemble(example: Example) -> None:
    windows = example.windows(20)
    current = example.one(changed=0.1)
    one = example.detector.judge(example.detector.learn(windows), current, ALPHA)
    other = example.detector.judge(example.detector.learn(windows[::-1]), current, ALPHA)
    shuffled = example.detector.judge(example.detector.learn(windows[::2] + windows[1::2]), current, ALPHA)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-6)
    assert other.threshold == pytest.approx(one.threshold, rel=1e-6)
    for judged in (other, shuffled):
        free: dict[str, Any] = {"p_value": 0.0, "threshold": 0.0, "weight": 0.0, "parts": (), "value": 0.0}
        assert replace(judged, **free) == replace(one, **free)
        assert judged.value == pytest.approx(one.value, rel=1e-9)
    assert other.weight == pytest.approx(one.weight, rel=1e-6)


@each
def test_an_empty_window_in_the_reference_changes_nothing(example: Example) -> None:
    windows = example.windows(10)
    empty = windows[0].space.zero()
    current = example.one(changed=0.2)
    without = example.detector.judge(example.detector.learn(windows), current, ALPHA)
    for mixed in ([empty, *windows], [*windows[:5], empty, *windows[5:]], [*windows, empty]):
        assert example.detector.judge(example.detector.learn(mixed), current, ALPHA) == without


@each
def test_tiny_windows_in_the_reference_neither_blind_nor_alarm(example: Example) -> None:
    windows = example.windows(25)
    tiny = [example.one(changed=seed % 2, rows=2, seed=seed) for seed in range(5)]
    baseline = example.detector.learn(windows + tiny)
    changed = example.detector.judge(baseline, example.one(changed=1.0), ALPHA)
    healthy = example.detector.judge(baseline, example.one(), ALPHA)
    assert changed.p_value is not None
    assert changed.p_value < 1e-6
    assert healthy.p_value is not None
    assert healthy.p_value > 1e-3
