"""How many rows come, and whether any: by the hour of the week, on traffic with nights and weekends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.freshness import silence
from detectors.season import DAY, WEEK
from detectors.volume import Arrived, volume
from tests.detectors.test_detectors_calibration import assert_rare

HOUR = DAY // 24
MONDAY = 4 * DAY
ALPHA = 1e-6


def traffic(
    days: int,
    usual: float,
    *,
    seed: int = 0,
    night: float = 0.05,
    weekend: float = 0.2,
    noise: float = 0.1,
    persistence: float = 0.0,
    growth: float = 0.0,
) -> Arrived:
    """Hours of healthy traffic, from a Monday on; `growth` is per day, on a log scale."""
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * days)
    season = np.where((hours % 24 >= 7) & (hours % 24 < 21), 1.0, night)
    season = season * np.where(hours // 24 % 7 < 5, 1.0, weekend)
    wander = np.zeros(hours.size)
    for place in range(1, hours.size):
        step = np.sqrt(1 - persistence**2) * noise * rng.normal()
        wander[place] = persistence * wander[place - 1] + step
    rows = rng.poisson(usual * season * np.exp(wander + growth * hours / 24))
    return Arrived(MONDAY + hours * HOUR, rows.astype(np.float64))


def until(history: Arrived, place: int, *, filled: bool = True) -> Arrived:
    kept = np.arange(history.starts.size) < place
    kept &= (history.rows > 0) | (not filled)
    return Arrived(history.starts[kept], history.rows[kept])


def judged(history: Arrived, place: int, rows: int | None = None) -> float | None:
    rows = int(history.rows[place]) if rows is None else rows
    return volume(until(history, place), int(history.starts[place]), rows, HOUR, ALPHA).p_value


@pytest.mark.parametrize("usual", [20, 500, 20_000])
@pytest.mark.parametrize(
    "world",
    [{}, {"persistence": 0.7, "noise": 0.2}, {"growth": np.log(2) / 28}, {"night": 1.0, "weekend": 1.0}],
    ids=["nights and weekends", "wandering", "growing", "flat"],
)
def test_healthy_volume_is_seldom_odd(usual: float, world: dict[str, float]) -> None:
    found = []
    for seed in range(4):
        history = traffic(35, usual, seed=seed, **world)
        places = [place for place in range(24 * 9, history.rows.size, 11) if history.rows[place]]
        found += [judged(history, place) for place in places]
    assert_rare(np.array(found, np.float64))


@pytest.mark.parametrize("usual", [500, 20_000])
def test_a_drop_to_a_third_and_a_flood_are_found_in_one_window(usual: float) -> None:
    history = traffic(28, usual, noise=0.05)
    for place in (24 * 21 + 10, 24 * 22 + 18, 24 * 24 + 7):  # busy hours of workdays
        rows = int(history.rows[place])
        for changed in (int(0.3 * rows), 10 * rows):
            assert (judged(history, place, changed) or 0) < 1e-7


def test_a_night_is_no_drop_and_as_many_rows_as_at_noon_are_a_flood_at_night() -> None:
    history = traffic(28, 2000)
    night = 24 * 22 + 2
    assert (judged(history, night) or 0) > 1e-3
    assert (judged(history, night, 2000) or 0) < 1e-7


def test_the_threshold_is_the_rows_whose_p_value_is_alpha() -> None:
    history = traffic(28, 500)
    place = 24 * 22 + 11
    past, start = until(history, place), int(history.starts[place])
    for rows in (5, 3000):
        threshold = volume(past, start, rows, HOUR, 1e-4).threshold
        assert threshold is not None
        assert judged(history, place, round(threshold)) == pytest.approx(1e-4, rel=0.3)


def test_a_new_level_is_the_normal_one_after_a_day() -> None:
    history = traffic(35, 500, weekend=1.0)
    begun = 24 * 28 + 10
    rows = history.rows * np.where(np.arange(history.rows.size) >= begun, 0.3, 1.0)
    changed = Arrived(history.starts, rows.round())
    assert (judged(changed, begun) or 0) < 1e-6
    assert (judged(changed, begun + 24) or 0) > 1e-3


def test_less_than_a_week_is_too_little_to_know_weekends() -> None:
    history = traffic(7, 500)
    assert [judged(history, place) for place in range(1, history.rows.size)] == [None] * (24 * 7 - 1)


def daily(rows: list[float]) -> Arrived:
    return Arrived(MONDAY + np.arange(len(rows)) * DAY, np.array(rows))


def test_windows_of_a_day_are_judged_too() -> None:
    rng = np.random.default_rng(1)
    rows = rng.poisson(1000.0, 30).astype(np.float64)
    past = daily(list(rows))
    for now, low, high in ((300, 0.0, 1e-6), (1010, 1e-2, 1.0), (10_000, 0.0, 1e-6)):
        judgement = volume(past, MONDAY + 30 * DAY, now, DAY, ALPHA)
        assert low <= (judgement.p_value or 0) <= high
    weeks = volume(Arrived(past.starts * 7, past.rows), MONDAY * 7 + 30 * WEEK, 300, WEEK, ALPHA)
    assert (weeks.p_value or 0) < 1e-6


def test_silence_in_busy_hours_is_news_at_once_and_at_five_rows_an_hour_it_is_not() -> None:
    for usual, low, high in ((500.0, 0.0, 1e-9), (5.0, 1e-3, 0.1)):
        history = traffic(21, usual, night=1.0, weekend=1.0)
        past = until(history, 24 * 16 + 11, filled=False)
        assert low <= silence(past, [], int(history.starts[24 * 16 + 11]), HOUR) <= high


def test_silence_is_the_zero_of_the_negative_binomial() -> None:
    rng = np.random.default_rng(2)
    rows = np.array(stats.nbinom.rvs(4.0, 4.0 / 24.0, size=24 * 28, random_state=rng), np.float64)
    past = Arrived(MONDAY + np.arange(rows.size) * HOUR, np.maximum(rows, 1.0))
    found = silence(past, [], MONDAY + 28 * DAY, HOUR)
    mean = past.rows[::168].mean()
    assert 1 / 3 < found / stats.nbinom.pmf(0, 4.0, 4.0 / (4.0 + mean)) < 30


def test_silence_at_night_and_on_weekends_is_none_once_a_week_is_known() -> None:
    history = traffic(28, 500, night=0.0, weekend=0.0)
    places = [place for place in range(24 * 7, history.rows.size) if not history.rows[place]]
    found = [
        silence(until(history, place, filled=False), [], int(history.starts[place]), HOUR) for place in places
    ]
    assert min(found) >= 0.9


def test_a_reference_file_says_which_hours_have_rows() -> None:
    history = traffic(3, 500, night=1.0)
    noon = 24 * 2 + 12
    past, start = until(history, noon, filled=False), int(history.starts[noon])
    reference = [start - 8 * WEEK]
    assert silence(past, reference, start, HOUR) < 1e-4
    assert silence(past, [], start, HOUR) == pytest.approx(1 / (noon + 1))
    assert silence(past, [start - 8 * WEEK + 5 * HOUR] * 100, start, HOUR) == pytest.approx(1 / (noon + 101))


def test_nothing_known_is_nothing_odd() -> None:
    empty = Arrived(np.zeros(0, np.int64), np.zeros(0))
    assert silence(empty, [], MONDAY, HOUR) == 1.0
    assert volume(empty, MONDAY, 100, HOUR, ALPHA).p_value is None
