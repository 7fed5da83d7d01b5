"""One value that took many rows: a constant column, or a default that fills in for what is not known."""

from __future__ import annotations

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.finding import Finding, Kind, figure, percent
from profiles.counts import Floats

ALWAYS, DEFAULT, VAGUE = 1.0, 0.97, 0.8
SAME = 0.02  # relative: an interval wider than this may hold many values
FEWEST_VALUES = 6  # of two or three values any change would look like a default
LEAST_SHARE = 0.005
SIGMAS = 5.0
FILLS = tuple(
    sign * value
    for value in (
        0.0,
        1.0,
        99.0,
        999.0,
        9999.0,
        99999.0,
        999999.0,
        100.0,
        1000.0,
        255.0,
        65535.0,
        2147483647.0,
    )
    for sign in (1.0, -1.0)
)


def constant(change: Change) -> Finding | None:
    """Every row has the same value now, as a stuck sensor or a constant in the code gives."""
    value = change.after.low
    if value < change.after.high or change.before.low == change.before.high or change.after.count < 2:  # noqa: PLR2004
        return None
    low, high = change.before.quantiles([0.01, 0.99])
    text = f"every value is {figure(value)} (before: {figure(low)} to {figure(high)})"
    return Finding(Kind.CONSTANT, text + _mention(change, value), ALWAYS)


def default(change: Change) -> Finding | None:
    """One value took a share of the rows; the others are distributed as before."""
    before, after = change.before, change.after
    if before.mass.size < FEWEST_VALUES or after.coarse:
        return None
    expected = _shares_within(before, after)
    place = int(np.argmax(after.mass - expected))
    known, seen = float(expected[place]), float(after.mass[place])
    share = (seen - known) / (1 - known) if known < 1 else 0.0
    chance = SIGMAS * float(np.sqrt(max(known * (1 - known), 1 / after.count) / after.count))
    if share < max(LEAST_SHARE, change.noise / 2) or seen - known < chance or seen > 1 - LEAST_SHARE / 10:
        return None
    ends = float(after.lower[place]), float(after.upper[place])
    spike = Distribution(np.array([ends[0]]), np.array([ends[1]]), np.ones(1), after.count)
    value, name = _named(change, *ends)
    outermost = place in (0, after.mass.size - 1)
    vague = outermost and value not in FILLS and ends[1] - ends[0] > SAME * abs(value)
    strength = change.explained_by(before.mixed(spike, share), VAGUE if vague else DEFAULT, evident=True)
    if not strength:
        return None
    text = f"{name} took {percent(seen)} of the values (before {percent(known)}); the rest as before"
    return Finding(Kind.DEFAULT, text + _mention(change, value), strength)


def _shares_within(side: Distribution, other: Distribution) -> Floats:
    """The share of the rows of one side in each interval of the other, which is on the same grid."""
    overlap = np.minimum(side.upper, other.upper[:, None]) - np.maximum(side.lower, other.lower[:, None])
    single = (side.upper == side.lower) | (other.upper == other.lower)[:, None]
    shares: Floats = ((overlap > 0) | (single & (overlap >= 0))) @ side.mass
    return shares


def _named(change: Change, low: float, high: float) -> tuple[float, str]:
    """The value of an interval: an extreme, which is known exactly, a usual fill value, or the middle."""
    extremes = [value for value in (change.after.low, change.after.high) if low <= value <= high]
    usual = [value for value in FILLS if low <= value <= high]
    exact = [value for value in extremes if value in FILLS] or (usual if len(usual) == 1 else extremes)
    if exact:
        return exact[0], figure(exact[0])
    middle = usual[0] if usual else low / 2 + high / 2
    return middle, f"about {figure(middle)}"


def _mention(change: Change, value: float) -> str:
    """Where a fill value may come from."""
    was, now = change.missing
    if was - now > max(LEAST_SHARE, was / 2):
        return f"; missing values fell from {percent(was)} to {percent(now)}: filled in?"
    median = float(change.before.quantiles([0.5])[0])
    close = 0.005 * change.before.std  # within a bin of the grid
    for name, typical in (("mean", change.before.mean), ("median", median)):
        if value and abs(value - typical) <= close:
            return f"; it is the reference's {name}: imputed?"
    return ""
