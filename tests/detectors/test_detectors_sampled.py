"""The detectors of the sample: against scikit-learn and evidently, on healthy and on changed rows."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from detectors.sampled.calibration import BEYOND, MOST, SampleBaseline
from detectors.sampled.domain_classifier import DomainClassifier
from detectors.sampled.evidently_drift import EvidentlyDrift
from detectors.sampled.frame import Frames, quiet, report
from detectors.sampled.separation import area_under_curve, confirm
from detectors.sampled.table import MOST_WORDS, Table
from profiles.sample import BottomK, Sample

ROOM = BottomK(1000)
NAMES = ("temp", "wind", "rain", "load")


def sample(rng: Any, rows: int = 600, shift: float = 0.0, **more: Any) -> Sample:
    """Rows of four numbers, a word and a vector; `shift` moves the first number."""
    columns: dict[str, Any] = {f"features.{name}": rng.normal(size=rows) for name in NAMES}
    columns["features.temp"] += shift
    columns["features.city"] = rng.choice(np.array(["Oslo", "Rome", None], object), rows)
    columns["features.vector"] = rng.normal(size=(rows, 3)).astype(np.float32)
    columns["score"] = rng.random(rows)
    columns["time"] = np.arange(rows, dtype=np.float64)
    hashes = rng.integers(0, 1 << 63, rows).astype(np.uint64)
    return ROOM.summarize(hashes, columns | more)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=4, max_size=60))
@settings(deadline=None)
def test_the_area_is_that_of_scikit_learn(rows: list[tuple[int, bool]]) -> None:
    scores, truth = np.array([float(row[0]) for row in rows]), np.array([row[1] for row in rows])
    if min(truth.sum(), (~truth).sum()) > 1:
        assert area_under_curve(scores, truth)[0] == pytest.approx(roc_auc_score(truth, scores))


def test_the_error_of_an_area_is_its_spread_over_draws() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(300) < 120
    drawn = [area_under_curve(rng.normal(truth * 0.8, 1.0), truth) for _ in range(400)]
    spread = np.std([area for area, _ in drawn])
    assert np.sqrt(np.mean([variance for _, variance in drawn])) == pytest.approx(spread, rel=0.12)


def test_it_says_what_tells_a_window_from_its_reference() -> None:
    rng = np.random.default_rng(1)
    found = confirm(sample(rng), sample(rng, shift=1.0))
    assert found is not None
    assert found.auc > 0.65
    assert found.p_value < 1e-6
    name, lost = found.features[0]
    assert name == "temp"
    assert lost > 0.1
    assert "mostly by temp" in found.sentence()
    again = np.random.default_rng(1)
    assert found == confirm(sample(again), sample(again, shift=1.0)), "it is pure"


def test_it_sees_a_change_that_no_single_feature_shows() -> None:
    rng = np.random.default_rng(2)
    both = rng.normal(size=600)
    other = np.where(rng.random(600) < 0.9, both, rng.normal(size=600))
    related: dict[str, Any] = {"features.temp": both, "features.wind": other}
    found = confirm(sample(rng), sample(rng, **related))
    assert found is not None
    assert found.p_value < 1e-6
    assert {name for name, _ in found.features[:2]} == {"temp", "wind"}


@pytest.mark.parametrize("column", ["city", "vector"])
def test_words_and_vectors_are_features_too(column: str) -> None:
    rng = np.random.default_rng(3)
    changed: Any = {
        "city": np.array(["Rome", "Bern"], object)[rng.integers(0, 2, 600)],
        "vector": rng.normal(0.7, 1, (600, 3)).astype(np.float32),
    }
    found = confirm(sample(rng), sample(rng, **{f"features.{column}": changed[column]}))
    assert found is not None
    assert found.features[0][0] == column


def test_time_and_what_the_model_says_are_no_features() -> None:
    rng = np.random.default_rng(4)
    later: dict[str, Any] = {"time": np.full(600, 1e15), "score": np.ones(600)}
    found = confirm(sample(rng), sample(rng, **later))
    assert found is not None
    assert found.p_value > 0.01
    assert "cannot tell" in found.sentence()


def test_healthy_windows_are_rarely_told_apart() -> None:
    p_values = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        found = confirm(sample(rng, 300), sample(rng, 300))
        assert found is not None
        p_values.append(found.p_value)
    assert sum(p < 0.05 for p in p_values) <= 5
    assert min(p_values) > 1e-3


def test_too_few_rows_or_no_features_are_no_answer() -> None:
    rng = np.random.default_rng(5)
    assert confirm(sample(rng), sample(rng, 20)) is None
    assert confirm(sample(rng), ROOM.zero()) is None
    bare = ROOM.summarize(np.arange(99, dtype=np.uint64), {"score": np.ones(99)})
    assert confirm(bare, bare) is None


def test_a_column_that_is_gone_or_has_another_type_is_told_by() -> None:
    rng = np.random.default_rng(6)
    gone: dict[str, Any] = {"features.wind": np.full(600, np.nan)}
    found = confirm(sample(rng), sample(rng, **gone))
    assert found is not None
    assert found.features[0][0] == "wind"
    words: dict[str, Any] = {"features.wind": np.array(["strong"] * 600, object)}
    found = confirm(sample(rng), sample(rng, **words))
    assert found is not None
    assert found.features[0][0] == "wind"


def test_rare_words_share_a_code() -> None:
    words: dict[str, Any] = {
        "features.city": np.array([f"w{n}" for n in range(500)] + ["often"] * 100, object)
    }
    rng = np.random.default_rng(7)
    table = Table.of(sample(rng, **words), sample(rng), 1000)
    (codes,) = table.values[:, table.categorical].T
    assert np.nanmax(codes) == MOST_WORDS
    assert (codes[:600] == MOST_WORDS).sum() > 250


def test_at_most_twelve_windows_are_compared_each_with_all_others() -> None:
    rng = np.random.default_rng(8)
    windows = [sample(rng, 60) for _ in range(20)]
    seen = []

    def compare(reference: Sample, window: Sample) -> tuple[float, float]:
        others = [one for one in windows if one is not window]
        assert reference == sum(others[1:], others[0])
        seen.append(next(at for at, one in enumerate(windows) if one is window))
        return float(rng.normal()), 0.1

    baseline = SampleBaseline.learn(windows, 50, compare)
    assert len(seen) == MOST
    assert seen == sorted(seen), "in the order of time"
    assert baseline.whole == sum(windows[1:], windows[0])
    assert SampleBaseline.learn(windows[:2], 50, lambda _r, _w: (0.5, 0.1)).spread is None


def seasonal(rng: Any, hour: int, shift: float = 0.0) -> Sample:
    """A healthy model whose temperature follows the time of day."""
    return sample(rng, 400, shift=shift + np.sin(hour / 24 * 2 * np.pi))


def test_what_reference_windows_differ_by_is_no_alarm() -> None:
    rng = np.random.default_rng(9)
    detector = DomainClassifier(rows=400)
    baseline = detector.learn([seasonal(rng, 7 * hour) for hour in range(14)])
    p_values = [detector.judge(baseline, seasonal(rng, hour), 1e-5).p_value for hour in range(24)]
    assert min(p or 0.0 for p in p_values) > 1e-3
    odd = detector.judge(baseline, seasonal(rng, 6, shift=4.0), 1e-5)
    assert odd.p_value is not None
    assert odd.p_value < 1e-3
    assert "mostly by temp" in (odd.note or "")


METHODS: list[dict[str, Any]] = [
    {},
    {"numeric": "wasserstein", "categorical": "jensenshannon"},
    {"numeric": "psi", "categorical": "psi", "column_threshold": 0.2},
    {"numeric": "anderson", "categorical": "TVD"},
]


@pytest.mark.parametrize(
    "given_methods",
    [*METHODS[:-1], pytest.param(METHODS[-1], marks=pytest.mark.slow)],
    ids=lambda one: str(one.get("numeric")),
)
def test_the_share_is_evidentlys_own(given_methods: dict[str, Any]) -> None:
    rng = np.random.default_rng(10)
    detector = EvidentlyDrift(**given_methods)
    for shift in (0.0, 0.15, 1.0):
        reference, window = sample(rng), sample(rng, shift=shift)
        frames = Frames.of(reference, window)
        with quiet():
            from evidently.presets import DataDriftPreset  # noqa: PLC0415

            preset = DataDriftPreset(
                num_method=detector.numeric,
                cat_method=detector.categorical,
                threshold=detector.column_threshold,
            )
            theirs = report(frames, [preset]).dict()["metrics"][0]["value"]
        drifted, columns = detector.drifted(reference, window)
        assert (drifted, drifted / columns) == (theirs["count"], theirs["share"])
        assert columns == 6, "four numbers, a word and the score; vectors are left out"


def test_healthy_columns_that_evidently_finds_drifted_are_no_alarm() -> None:
    detector = EvidentlyDrift()
    p_values = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        baseline = detector.learn([sample(rng, 200) for _ in range(12)])
        judged = [detector.judge(baseline, sample(rng, 200), 1e-5) for _ in range(10)]
        assert all(one.threshold is not None and 0 < one.threshold <= BEYOND for one in judged)
        p_values += [one.p_value or 0.0 for one in judged]
    assert min(p_values) > 1e-3
    assert sum(p < 0.05 for p in p_values) <= 8


def test_nothing_slow_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, detectors;"
        "print([name for name in ('pandas', 'sklearn', 'evidently') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
