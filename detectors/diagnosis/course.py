"""How a signal came to where it is: since when, suddenly or gradually, and whether it has happened before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from profiles.counts import Floats

FEWEST = 4
FEWEST_TO_RISE = 5
CERTAIN = 0.01
NEARLY = 0.7
ROBUST_SIGMA = 1.4826  # of a median absolute deviation
OUTLIER = 4.0
RAMP = 0.5  # a ramp must leave less than this of what a step leaves
ALIKE = 0.25  # relative: intervals between episodes that are this regular are a rhythm


@dataclass(frozen=True)
class Course:
    """The way of a signal.

    Attributes:
        onset: place of the first window of the change in the series.
        gradual: whether it grew over several windows.
        episodes: places at which earlier breaches began.
        every: how many windows lie between episodes, where they are regular; else None.
    """

    onset: int
    gradual: bool
    episodes: tuple[int, ...] = ()
    every: int | None = None


def course(values: Sequence[float], breaches: Sequence[bool], *, added_up: bool = False) -> Course:
    """Find out when the change began that the last of some windows shows.

    The change point is Pettitt's (Applied Statistics 28, 1979): where the rank sums of before and after
    differ most, with his bound on its p-value. A jump in the last windows is too young for ranks: it begins
    where the values leave what is usual for the others, by the median and its absolute deviation.

    Args:
        values: of the signal, a window each, in time order; at least one.
        breaches: whether each was in breach.
        added_up: the breach came of several windows, none of which would have been one: the change began
            before it, whether ranks can prove that or not.

    >>> course([0.1, 0.2, 0.1, 0.15, 0.12, 0.1, 3.0, 3.1], [False] * 6 + [True] * 2).onset
    6
    """
    series = np.nan_to_num(np.asarray(values, np.float64))
    if not series.size:
        return Course(0, gradual=False)
    own = _began(breaches)
    onset, point = _jump(series, own), _pettitt(series, 2.0 if added_up else CERTAIN)
    if point is not None and point <= own and _left(series, point) < _left(series, onset):
        onset = point
    gradual, foot = _ramp(series)
    onset = min(onset, foot) if gradual else onset
    episodes = _episodes(breaches, onset)
    return Course(onset, gradual, episodes, _rhythm((*episodes, onset)))


def _left(series: Floats, place: int) -> float:
    """What two levels, before a place and from it on, leave of the squares of a series."""
    return float(
        sum(np.square(part - part.mean()).sum() for part in (series[:place], series[place:]) if part.size)
    )


def _began(breaches: Sequence[bool]) -> int:
    """The start of the run of breaches that the series ends with; the last place if it ends without."""
    place = len(breaches) - 1
    while place > 0 and breaches[place - 1] and breaches[place]:
        place -= 1
    return place


def _jump(series: Floats, own: int) -> int:
    """The start of the run of unusual values around the start of a breach."""
    usual = series[:own]
    if usual.size < FEWEST:
        return own
    middle, level = float(np.median(usual)), float(np.median(series[own:]))
    spread = ROBUST_SIGMA * float(np.median(np.abs(usual - middle)))
    limit = max(OUTLIER * spread, abs(level - middle) / 2)
    place = own
    while place > 0 and np.sign(level - middle) * (series[place - 1] - middle) > limit:
        place -= 1
    return place


def _pettitt(series: Floats, level: float) -> int | None:
    """The first place after the change point; None where there is none.

    Of the places where ranks differ nearly as much as they do anywhere, the one where values differ most.
    """
    n = series.size
    if n < FEWEST:
        return None
    sums = np.abs(2 * np.cumsum(stats.rankdata(series)) - np.arange(1, n + 1) * (n + 1))[:-1]
    if 2 * np.exp(-6 * sums.max() ** 2 / (n**3 + n**2)) >= level or not sums.any():
        return None
    places = np.flatnonzero(sums >= NEARLY * sums.max()) + 1
    return int(min(places, key=lambda place: _left(series, int(place))))


def _ramp(series: Floats) -> tuple[bool, int]:
    """Whether a straight rise to the end fits much better than any step, and where it begins."""
    n = series.size
    if n < 2 * FEWEST:
        return False, n - 1
    steps = [_left(series, place) for place in range(1, n)]
    ramps = {}
    for foot in range(n - FEWEST_TO_RISE + 1):
        rise = np.maximum(np.arange(n) - foot, 0).astype(np.float64)
        rise -= rise.mean()
        slope = float(rise @ series) / float(rise @ rise)
        ramps[foot] = float(np.square(series - series.mean() - slope * rise).sum())
    foot = min(ramps, key=lambda one: ramps[one])
    total = float(np.var(series) * n)
    return total > 0 and ramps[foot] < RAMP * min(steps) and ramps[foot] < total / 4, foot + 1


def _episodes(breaches: Sequence[bool], before: int) -> tuple[int, ...]:
    """Where earlier runs of breaches began."""
    starts = [place for place in range(before) if breaches[place] and (place == 0 or not breaches[place - 1])]
    return tuple(start for start in starts if not all(breaches[start : before + 1]))


def _rhythm(starts: Sequence[int]) -> int | None:
    """The usual distance of starts that are regular; None for fewer than three."""
    if len(starts) < 3:  # noqa: PLR2004 - two distances
        return None
    gaps = np.diff(starts)
    usual = float(np.median(gaps))
    return round(usual) if bool((np.abs(gaps - usual) <= ALIKE * usual).all()) else None
