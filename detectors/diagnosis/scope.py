"""Where a change is: in one version or segment only, or everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.diagnosis.finding import figure

APART = 2.0  # times: how much further out the one must be than all others
SHOWN = 2


@dataclass(frozen=True)
class Scope:
    """Parts of the traffic that hold the change, and those that do not.

    Attributes:
        parts: the names of those that hold it.
        text: for people, with the values.
    """

    parts: tuple[str, ...]
    text: str


def scope(values: Mapping[str, tuple[float, float, bool]], noun: str) -> Scope | None:
    """The few parts of the traffic that are beyond their threshold while all others are well within.

    Args:
        values: of each part, by name: the signal's value, its threshold, and whether that is exceeded.
        noun: what the parts are called, such as `version`.

    >>> scope({"v1": (0.02, 0.1, False), "v2": (0.31, 0.1, True)}, "version").text
    'only in version v2 (0.31; v1 0.02)'
    """
    off = [name for name, (_, _, beyond) in values.items() if beyond]
    rest = [name for name in values if name not in off]
    if not off or not rest or len(off) > len(rest):
        return None
    excess = {name: _excess(value, threshold) for name, (value, threshold, _) in values.items()}
    if min(excess[name] for name in off) < APART * max(excess[name] for name in rest):
        return None
    off.sort(key=lambda name: -excess[name])
    rest.sort(key=lambda name: -excess[name])
    names = ", ".join(off[:SHOWN]) + (f" and {len(off) - SHOWN} more" if len(off) > SHOWN else "")
    held = ", ".join(figure(values[name][0]) for name in off[:SHOWN])
    others = (
        f"{rest[0]} {figure(values[rest[0]][0])}"
        if len(rest) == 1
        else f"others at most {figure(values[rest[0]][0])}"
    )
    word = noun if len(off) == 1 else f"{noun}s"
    return Scope(tuple(off), f"only in {word} {names} ({held}; {others})")


def _excess(value: float, threshold: float) -> float:
    """How far out a value is, relative to its threshold."""
    return abs(value) / max(abs(threshold), 1e-300)
