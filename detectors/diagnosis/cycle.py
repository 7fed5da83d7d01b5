"""Time zones: a column that holds hours of the day turned round, or moments moved by whole hours."""

from __future__ import annotations

import numpy as np

from detectors.diagnosis.categories import Categories
from detectors.diagnosis.change import Change
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.finding import Finding, Kind
from profiles.counts import Floats

TRUST = 0.992
DAYS = ((24.0, "hours of the day"), (1440.0, "minutes of the day"), (86400.0, "seconds of the day"))
HOURS_OF = ((3600.0, "seconds"), (3600e3, "milliseconds"), (3600e6, "microseconds"))
HOURS = 24
CHANCE = 50.0  # a chi-square with 23 degrees of freedom is rarely so large
FEWEST_HOURS = 16  # a column that never sees so many different hours may hold anything
MOST_HOURS = 14  # no two places are further apart
MOMENT = 1e8  # seconds since 1970: anything smaller is no date
DEFINITE = 300.0  # seconds: a shift known less well than this is near some whole hour anyway


def time_zone(change: Change) -> Finding | None:
    """The day is turned by some hours, or every moment moved by whole hours."""
    return _turned(change) or _moved(change)


def hours_turned(categories: Categories) -> Finding | None:
    """As `time_zone`, of hours that are categories: "0" to "23", or "00" to "23"."""
    sides = np.zeros((2, HOURS))
    for name, *counts in zip(categories.names, categories.before, categories.after, strict=True):
        if not name.isdecimal() or int(name) >= HOURS:
            return None
        sides[:, int(name)] += counts
    return _turn(sides[0], sides[1], "hours of the day")


def _turned(change: Change) -> Finding | None:
    for day, name in DAYS:
        before, after = _hours(change.before, day), _hours(change.after, day)
        if before is not None and after is not None:
            return _turn(before * change.before.count, after * change.after.count, name)
    return None


def _turn(before: Floats, after: Floats, name: str) -> Finding | None:
    """Counts by hour that fit when the day is turned, and far better than they do unturned."""
    if np.count_nonzero(before) < FEWEST_HOURS:
        return None
    left = [_chi_square(np.roll(before, turn), after) for turn in range(HOURS)]
    turn = int(np.argmin(left))
    if left[0] < CHANCE or left[turn] > min(CHANCE + left[0] / 10, left[0] / 2):
        return None
    hours = turn if turn <= HOURS // 2 else turn - HOURS
    text = f"{name} turned by {hours:+d} h, as from another time zone"
    return Finding(Kind.TIME_ZONE, text, TRUST * (1 - max(0.0, left[turn] - CHANCE) / left[0]))


def _chi_square(before: Floats, after: Floats) -> float:
    """The chi-square of counts after against shares before, both known from samples."""
    expected = np.maximum(before, 0.5) / before.sum() * after.sum()
    variance = expected * (1 + after.sum() / before.sum())
    return float((np.square(after - expected) / variance).sum())


def _hours(side: Distribution, day: float) -> Floats | None:
    """The share of rows in each hour; None if these cannot be hours. An hour is whole, or has fractions."""
    if side.low < 0 or side.high >= day or side.high < day / 2:
        return None
    unit = day / HOURS
    if float(side.mass @ (side.upper - side.lower)) > unit / 2:
        return None  # the grid is too coarse
    slack = 1e-9 * day
    whole = np.floor((side.upper + slack) / unit)
    hours = np.where(whole * unit >= side.lower - slack, whole, np.floor(side.middle / unit))
    shares: Floats = np.bincount(np.clip(hours, 0, HOURS - 1).astype(int), side.mass, HOURS).astype(
        np.float64
    )
    return shares


def _moved(change: Change) -> Finding | None:
    shift = change.shift
    for hour, name in HOURS_OF:
        second = hour / 3600
        low, high = change.before.quantiles([0.25, 0.75])
        doubt = 3 * (high - low) / np.sqrt(min(change.before.count, change.after.count))
        hours = round(shift / hour)
        if change.before.low < MOMENT * second or change.before.low > 100 * MOMENT * second:
            continue
        if not 0 < abs(hours) <= MOST_HOURS or doubt > DEFINITE * second:
            continue
        if abs(shift - hours * hour) > max(doubt, second):
            continue
        strength = change.explained_by(change.before.affine(hours * hour, 1.0), TRUST)
        if strength:
            text = f"moments in {name} moved by {hours:+d} h, as from another time zone"
            return Finding(Kind.TIME_ZONE, text, strength)
    return None
