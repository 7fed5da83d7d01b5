"""Which features a change comes from: ranked by their effect, relative to what healthy windows show."""

from __future__ import annotations

from collections.abc import Mapping


def contributions(effects: Mapping[str, tuple[float, float]]) -> list[tuple[str, float]]:
    """The share of each feature in all that is beyond what is healthy, the largest first.

    A feature within its threshold has no share. Effects are squared, as the distances that detectors judge
    by are: twice as far out is four times as unlikely a cause.

    Args:
        effects: by feature: the signal's value, and its threshold.

    >>> [(name, round(much, 2)) for name, much in contributions({"a": (0.2, 0.1), "b": (0.05, 0.1)})]
    [('a', 1.0)]
    """
    excess = {name: (value / threshold) ** 2 - 1 for name, (value, threshold) in effects.items() if threshold}
    beyond = {name: much for name, much in excess.items() if much > 0}
    total = sum(beyond.values())
    return sorted(((name, much / total) for name, much in beyond.items()), key=lambda one: (-one[1], one[0]))
