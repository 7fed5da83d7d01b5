"""The worst slice is found where there is one, told honestly where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sampled.worst_performance import worst_performance
from profiles.sample import BottomK, Sample

ROWS = 3000


def rows(seed: int, count: int = ROWS) -> Sample:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"features.x{place}": rng.normal(size=count) for place in range(5)}
    columns["features.x0"] = np.where(rng.random(count) < 0.2, np.nan, columns["features.x0"])
    columns["features.c"] = np.array(["a", "b", "d", None], object)[rng.integers(0, 4, count)]
    hashes = np.sort(rng.integers(0, 2**63, count).astype(np.uint64))
    return BottomK(count).summarize(hashes, columns)


def errors(sample: Sample, seed: int, *, bad: Any = None, rate: float = 0.5) -> Any:
    rng = np.random.default_rng(1000 + seed)
    chance = np.full(sample.count, 0.1) if bad is None else np.where(bad, rate, 0.1)
    return (rng.random(sample.count) < chance).astype(float)


def test_a_slice_of_two_conditions_is_found_with_its_error_rate() -> None:
    sample = rows(1)
    bad = (sample.columns["features.x1"] > 0.5) & (sample.columns["features.c"] == "b")
    losses = errors(sample, 1, bad=bad)
    found = worst_performance(sample, losses)
    assert found is not None
    assert found.clear
    assert "c = b" in found.words
    cut = float(found.words.rpartition("> ")[2])
    measured = np.arange(sample.count) % 2 == 1
    inside = measured & (sample.columns["features.c"] == "b") & (sample.columns["features.x1"] > cut)
    assert 0.3 < cut < 0.7
    assert (found.rows, found.of) == (inside.sum(), measured.sum())
    assert found.loss == pytest.approx(losses[inside].mean())
    assert found.rest == pytest.approx(losses[measured & ~inside].mean())


def test_the_interval_holds_the_true_rate() -> None:
    held = 0
    for seed in range(40):
        sample = rows(seed)
        found = worst_performance(sample, errors(sample, seed, bad=sample.columns["features.c"] == "a"))
        assert found is not None
        assert found.words == "c = a"
        held += found.lower < 0.5 < found.upper
    assert held >= 36


def test_missing_values_can_be_the_slice() -> None:
    sample = rows(2)
    found = worst_performance(sample, errors(sample, 2, bad=np.isnan(sample.columns["features.x0"])))
    assert found is not None
    assert found.words == "x0 is missing"


def test_where_no_slice_is_bad_hardly_any_is_clear() -> None:
    """On the half that it was found on, the worst of so many slices looks bad in every one of these."""
    found = [worst_performance(sample, errors(sample, seed)) for seed in range(40) for sample in [rows(seed)]]
    known = [one for one in found if one is not None]
    assert len(known) > 30
    assert sum(one.clear for one in known) <= 2
    assert np.mean([one.loss - one.rest for one in known]) == pytest.approx(0, abs=0.02)


def test_losses_of_numbers_are_compared_by_their_mean() -> None:
    sample = rows(3)
    bad = sample.columns["features.x2"] > 1
    losses = np.abs(np.random.default_rng(3).normal(0, 1, sample.count)) * np.where(bad, 30.0, 10.0)
    found = worst_performance(sample, losses)
    assert found is not None
    assert found.words.startswith("x2 > ")
    inside = sample.columns["features.x2"] > float(found.words.rpartition("> ")[2])
    assert found.loss == pytest.approx(losses[inside & (np.arange(sample.count) % 2 == 1)].mean())
    assert found.lower < found.loss < found.upper


def test_too_little_says_nothing() -> None:
    sample = rows(4, 150)
    assert worst_performance(sample, errors(sample, 4)) is None
    sample = rows(4)
    assert worst_performance(sample, np.ones(sample.count)) is None
    assert worst_performance(sample, np.zeros(sample.count)) is None
    plain = BottomK(ROWS).summarize(sample.hashes, {"features.x": np.ones(sample.count)})
    assert worst_performance(plain, errors(sample, 4)) is None


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-300, 1e-9, 3.0, 1e12, 1e300]))
def test_the_unit_of_losses_does_not_matter(seed: int, unit: float) -> None:
    sample = rows(seed % 5, 400)
    losses = np.random.default_rng(seed).exponential(1, sample.count)
    one, other = worst_performance(sample, losses), worst_performance(sample, losses * unit)
    assert (one is None) is (other is None)
    if one is not None and other is not None:
        assert one.words == other.words
        assert other.loss == pytest.approx(one.loss * unit)
