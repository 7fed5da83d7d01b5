"""Swapped columns: each of some features holds what another one held."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.finding import Finding, Kind
from profiles import CategoricalSummary, Counts, NumericSummary

TRUST = 0.98
LEFT = 0.1  # of the distance may remain against the other column's reference
NOISE = 2.0  # standard errors of a distance between shares
Columns = Mapping[str, NumericSummary | CategoricalSummary]


def swapped(references: Columns, currents: Columns) -> dict[str, Finding]:
    """Which features hold what others held, in a circle of two or more.

    A feature takes part if its values fit another's reference nearly as well as chance allows, and its own
    far worse; and that other feature changed too.

    Args:
        references: the reference's summary of each feature, by name.
        currents: the window's.

    Returns:
        A finding for each feature that takes part, by name.
    """
    off = {name: _distance(references[name], currents[name]) for name in currents if name in references}
    changed = [name for name, (distance, noise) in off.items() if distance > 2 * noise]
    source: dict[str, str] = {}
    for name in changed:
        fits = {}
        for other in changed:
            if other != name and type(references[other]) is type(currents[name]):
                left, noise = _distance(references[other], currents[name])
                if left <= max(noise, LEFT * off[name][0]) and left < off[name][0] / 2:
                    fits[other] = left
        if fits:
            source[name] = min(fits, key=lambda other: fits[other])
    found = {}
    for name in source:
        circle = _circle(name, source)
        if circle:
            found[name] = Finding(Kind.SWAPPED, _text(circle), TRUST)
    return found


def _circle(name: str, source: Mapping[str, str]) -> list[str]:
    """The features from one back to itself; empty if they do not come back, or some come in twice."""
    way = [name]
    while (following := source.get(way[-1])) is not None and following not in way:
        way.append(following)
    return way if following == name else []


def _text(circle: list[str]) -> str:
    name, other = circle[:2]
    if len(circle) == 2:  # noqa: PLR2004 - a pair
        return f"{name} and {other} hold each other's values"
    return f"{name} holds what {other} held, one of {len(circle)} columns that changed places"


def _distance(
    reference: NumericSummary | CategoricalSummary, current: NumericSummary | CategoricalSummary
) -> tuple[float, float]:
    """The distance of a window from a reference that may be another feature's, and its noise."""
    if isinstance(reference, NumericSummary) and isinstance(current, NumericSummary):
        change = Change.of(reference, current)
        return (change.distance, change.noise) if change else (0.0, 1.0)
    if isinstance(reference, CategoricalSummary) and isinstance(current, CategoricalSummary):
        return _of_names(reference, current)
    return 0.0, 1.0


def _of_names(reference: CategoricalSummary, current: CategoricalSummary) -> tuple[float, float]:
    """The total variation distance, with the reference's values counted on the window's vocabulary."""
    if not reference.count or not current.count:
        return 0.0, 1.0
    known, space = reference.counts, current.space
    if reference.space != space:
        codes = np.array([space.code(reference.space.label(int(key))) for key in known.keys], np.int64)
        known = Counts.weighted(codes, known.values)
    keys = np.union1d(known.keys, current.counts.keys)
    before, after = known.at(keys) / reference.count, current.counts.at(keys) / current.count
    cells = np.sqrt(before * (1 - before)).sum()
    noise = NOISE * float(cells) * (1 / reference.count + 1 / current.count) ** 0.5 / 2
    return float(np.abs(before - after).sum() / 2), noise
