"""The slice that drifts most: against brute force and scipy, on healthy rows and on slices that grow."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors.sampled.conditions import conditions_of, in_words
from detectors.sampled.slices import FOLDS, Slice, standard_error
from detectors.sampled.subgroups import SMALLEST, worst_slice
from detectors.sampled.worst_slice import WorstSlice
from profiles.sample import BottomK, Sample

ROOM = BottomK(1000)
WARM, UA = stats.norm.isf(0.25), 0.4  # together they hold for a tenth of the rows
CITIES = np.array(["UA", "DL", "AA", None], object)


def rows_of(rng: Any, rows: int) -> dict[str, Any]:
    """Rows of four numbers and a word, all independent."""
    columns: dict[str, Any] = {f"features.x{place}": rng.normal(size=rows) for place in range(3)}
    columns["features.temp"] = rng.normal(size=rows)
    columns["features.carrier"] = rng.choice(CITIES, rows, p=[UA, 0.3, 0.2, 0.1])
    return columns


def sampled(rng: Any, columns: dict[str, Any]) -> Sample:
    rows = len(next(iter(columns.values())))
    return ROOM.summarize(rng.integers(0, 1 << 63, rows).astype(np.uint64), columns)


def window(rng: Any, rows: int = 1000, share: float | None = None) -> Sample:
    """A healthy window; or one where the warm rows of a carrier have some other share than a tenth."""
    if share is None:
        return sampled(rng, rows_of(rng, rows))
    many = rows_of(rng, 20 * rows)
    inside = (many["features.temp"] > WARM) & (many["features.carrier"] == "UA")
    count = rng.binomial(rows, share)
    places = [*np.flatnonzero(inside)[:count], *np.flatnonzero(~inside)[: rows - count]]
    return sampled(rng, {name: column[places] for name, column in many.items()})


def named(words: str) -> bool:
    """Whether words say the slice that was changed, give or take a cut."""
    above = re.search(r"temp > ([^\s:]+)|(\S+) < temp", words)
    cut = float(above[1] or above[2]) if above else -9.0
    return "carrier = UA" in words and abs(cut - WARM) < 0.4


def fulfils(value: Any, relation: str, told: str) -> bool:
    """Read a condition as people do."""
    there = isinstance(value, str) or (value is not None and not np.isnan(value))
    if relation.startswith("is"):
        return there == (relation == "is not")
    if relation in (">", "<="):
        return there and (value > float(told)) == (relation == ">")
    return there and (value == told) == (relation == "=")


@given(
    st.lists(
        st.tuples(
            st.floats(-1e300, 1e300) | st.just(np.nan) | st.integers(0, 3).map(float),
            st.sampled_from(["a", "b b", None]),
        ),
        min_size=2,
        max_size=50,
    )
)
@settings(deadline=None)
def test_words_say_which_rows_they_are(rows: list[tuple[float, str | None]]) -> None:
    numbers = np.clip(np.array([row[0] for row in rows]), -1e150, 1e150)
    words = np.array([*(row[1] for row in rows), None], object)[:-1]
    given_rows = Sample(
        ROOM, np.arange(len(rows), dtype=np.uint64), {"features.x": numbers, "features.w": words}
    )
    conditions, fulfilled = conditions_of(given_rows, ROOM.zero(), 1000)
    for condition, mask in zip(conditions, fulfilled.T, strict=True):
        column = numbers if condition.name == "x" else words
        expected = [fulfils(value, condition.relation, condition.value) for value in column]
        assert mask.tolist() == expected, str(condition)
        assert 0 < mask.sum() < mask.size


def test_cuts_are_made_at_the_tenths() -> None:
    rng = np.random.default_rng(0)
    values = rng.permutation(1000) / 1000
    conditions, fulfilled = conditions_of(
        sampled(rng, {"features.x": values}), sampled(rng, {"features.x": values}), 1000
    )
    below = [
        share for one, share in zip(conditions, fulfilled.mean(axis=0), strict=True) if one.relation == "<="
    ]
    assert below == pytest.approx(np.arange(1, 10) / 10, abs=0.002)
    assert in_words([conditions[0], conditions[3]]) == "0.0995 < x <= 0.1995"


def test_rare_words_are_one_condition() -> None:
    rng = np.random.default_rng(1)
    words = np.array([f"w{n}" for n in range(300)] + ["often"] * 700, object)
    one = sampled(rng, {"features.w": words})
    told = {str(condition) for condition in conditions_of(one, one, 1000)[0]}
    assert told == {"w = often", "w is a rare value"}


def test_of_two_words_the_one_is_not_called_what_the_other_is_not() -> None:
    rng = np.random.default_rng(1)
    for words, expected in (
        (["a", "b", None], {"w = a", "w = b", "w is missing", "w is not missing"}),
        (["a", "b", "c"], {"w = a", "w = b", "w = c", "w != a", "w != b", "w != c"}),
    ):
        one = sampled(rng, {"features.w": np.array(words * 100, object)})
        assert {str(condition) for condition in conditions_of(one, one, 1000)[0]} == expected


@pytest.mark.parametrize(("inside", "rows"), [((210, 60), (1000, 1000)), ((90, 160), (300, 1000))])
def test_the_effect_has_the_evidence_of_fishers_test(inside: Any, rows: Any) -> None:
    one = Slice("", False, inside, rows, FOLDS)
    table = np.array([inside, (rows[0] - inside[0], rows[1] - inside[1])])
    exact = stats.fisher_exact(table, alternative="greater").pvalue
    z = one.effect / standard_error(*rows)
    assert np.log(stats.norm.sf(z)) == pytest.approx(np.log(exact), rel=0.1)
    fewer = Slice("", True, (rows[0] - inside[0], rows[1] - inside[1]), rows, FOLDS)
    assert fewer.effect == pytest.approx(one.effect)


@given(st.integers(0, 60), st.integers(0, 40))
def test_the_share_of_an_effect_is_the_share_that_has_it(window_inside: int, reference_inside: int) -> None:
    one = Slice("", False, (window_inside, reference_inside), (60, 40), FOLDS)
    assert one.share_of(one.effect) == pytest.approx(window_inside / 60, abs=1e-9)


def test_the_slice_is_the_one_that_brute_force_finds() -> None:
    rng = np.random.default_rng(2)
    columns = {"features.a": rng.integers(0, 4, 400) * 1.0, "features.b": rng.choice(CITIES, 400)}
    other = {"features.a": rng.integers(0, 4, 400) * 1.0, "features.b": rng.choice(CITIES, 400)}
    grown = (columns["features.a"] > 1) & (columns["features.b"] == "AA")
    columns = {name: np.concatenate([column, *[column[grown]] * 3]) for name, column in columns.items()}
    one, two = sampled(rng, other), sampled(rng, columns)
    conditions, fulfilled = conditions_of(one, two, 1000)
    sides = fulfilled[one.count :], fulfilled[: one.count]
    best: tuple[float, str] = (-np.inf, "")
    for places in [*combinations(range(len(conditions)), 1), *combinations(range(len(conditions)), 2)]:
        inside = [side[:, places].all(axis=1) for side in sides]
        share = np.mean([mask.mean() for mask in inside])
        table = Slice("", False, (int(inside[0].sum()), int(inside[1].sum())), (two.count, one.count), 1)
        z = table.effect / standard_error(*table.rows)
        gain = z * z - len(places) * np.log(sum(table.rows))
        if SMALLEST <= share <= 1 - SMALLEST and gain > best[0]:
            best = gain, in_words([conditions[place] for place in places])
    found = worst_slice(one, two)
    assert found is not None
    assert found.best.words == best[1] == "a > 1.5 and b = AA"
    assert found.best.folds == FOLDS


def test_its_rows_are_not_those_that_it_was_found_on() -> None:
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(300):
        found = worst_slice(window(rng, 150), window(rng, 150))
        assert found is not None
        p_values.append(found.p_value)
    for level in (0.1, 0.03, 0.01):
        assert sum(p <= level for p in p_values) <= stats.binom.isf(1e-3, 300, level)
    assert np.mean(np.array(p_values) <= 0.5) > 0.3, "nor is it careful beyond need"


def test_a_tenth_of_the_rows_that_doubles_is_found_and_named() -> None:
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        worst = worst_slice(window(rng), window(rng, share=0.2))
        assert worst is not None
        found.append((named(worst.best.words) and worst.p_value < 0.01, worst))
    assert sum(hit for hit, _ in found) >= 15
    worst = next(worst for hit, worst in found if hit)
    assert worst.sentence() == f"The slice that has changed most is {worst.best}."
    told = re.search(r": (\S+) % of the rows \(before (\S+) %\)$", str(worst.best))
    assert told is not None
    assert float(told[1]) == pytest.approx(20, abs=5)
    assert float(told[2]) == pytest.approx(10, abs=4)


def test_rows_that_stay_away_are_a_slice_too() -> None:
    rng = np.random.default_rng(4)
    worst = worst_slice(window(rng), window(rng, share=0.0))
    assert worst is not None
    assert worst.best.fewer
    assert named(worst.best.words)
    assert worst.best.inside[0] < worst.best.inside[1] / 3
    assert worst.p_value < 1e-4


def test_missing_values_and_words_that_vanish_are_slices() -> None:
    rng = np.random.default_rng(5)
    gaps = rows_of(rng, 1000)
    gaps["features.x1"][gaps["features.carrier"] == "DL"] = np.nan
    found = worst_slice(window(rng), sampled(rng, gaps))
    assert found is not None
    assert found.best.words == "x1 is missing"
    gone = rows_of(rng, 1000)
    gone["features.carrier"] = np.where(gone["features.carrier"] == "AA", "ZZ", gone["features.carrier"])
    found = worst_slice(window(rng), sampled(rng, gone))
    assert found is not None
    assert {found.best.words, *(one.words for one in found.slices)} <= {"carrier = AA", "carrier = ZZ"}
    text = {name: np.array(["9"] * 1000, object) for name in ("features.temp",)}
    found = worst_slice(window(rng), sampled(rng, rows_of(rng, 1000) | text))
    assert found is not None
    assert found.best.words == "temp is missing"


def test_without_slices_there_is_no_answer() -> None:
    rng = np.random.default_rng(6)
    assert worst_slice(window(rng), window(rng, 99)) is None
    assert worst_slice(window(rng), ROOM.zero()) is None
    bare = sampled(rng, {"score": np.ones(200), "features.v": rng.normal(size=(200, 3))})
    assert worst_slice(bare, bare) is None
    constant = [sampled(rng, {"features.x": np.ones(200)}) for _ in range(6)]
    judged = WorstSlice().judge(WorstSlice().learn(constant), constant[0], 1e-5)
    assert not judged.sufficient
    assert "hardly vary" in (judged.note or "")


def seasonal(rng: Any, hour: int, rows: int = 300) -> Sample:
    """A healthy model whose temperature follows the time of day."""
    columns = rows_of(rng, rows)
    columns["features.temp"] += np.sin(hour / 24 * 2 * np.pi)
    return sampled(rng, columns)


@pytest.mark.parametrize("make", [seasonal, lambda rng, _: window(rng, 120)], ids=["seasonal", "alike"])
def test_healthy_windows_keep_to_their_p_values(make: Any) -> None:
    p_values = []
    for seed in range(14):
        rng = np.random.default_rng(seed)
        hours = rng.permutation(24)
        baseline = WorstSlice().learn([make(rng, hour) for hour in hours[:14]])
        p_values += [WorstSlice().judge(baseline, make(rng, hour), 1e-5).p_value or 0.0 for hour in hours]
    for level in (0.1, 0.01):
        assert sum(p <= level for p in p_values) <= stats.binom.isf(1e-3, len(p_values), level)


def test_the_detector_says_which_slice_and_how_much() -> None:
    rng = np.random.default_rng(8)
    detector = WorstSlice()
    baseline = detector.learn([window(rng) for _ in range(14)])
    healthy = detector.judge(baseline, window(rng), 1e-5)
    assert healthy.note is None
    grown = window(rng, share=0.35)
    judged = detector.judge(baseline, grown, 1e-5)
    assert judged.p_value is not None
    assert judged.p_value < 1e-5
    assert named(judged.note or "")
    assert judged.value == pytest.approx(0.35, abs=0.07), "a cut at a tenth is not quite that of the change"
    found = worst_slice(baseline.whole, grown)
    assert found is not None
    interval = stats.binomtest(found.best.inside[0], found.best.rows[0]).proportion_ci(0.95, "wilson")
    assert (judged.lower, judged.upper) == pytest.approx((interval.low, interval.high), rel=1e-5)
    assert judged.threshold is not None
    assert 0.1 < judged.threshold < (judged.value or 0.0)
