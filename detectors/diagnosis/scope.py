"""Where a change is: in one version or segment only, or everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.diagnosis.finding import figure

WITHIN = 0.5  # on the scale of evidence: what is beyond this may have changed as well
SHOWN = 2


@dataclass(frozen=True)
class Scope:
    """Parts of the traffic that hold the change, and those that do not.

    Attributes:
        noun: what the parts are: versions or segments.
        parts: the names of those that hold it.
        text: for people, with the values.
    """

    noun: str
    parts: tuple[str, ...]
    text: str


def scope(values: Mapping[str, tuple[float, float]], noun: str) -> Scope | None:
    """The few parts of the traffic that are beyond their threshold while all others are well within.

    Args:
        values: of each part, by name: the signal's value, and the evidence against it as a share of what
            makes a breach (above 1 it is beyond its threshold).
        noun: what the parts are: `version`, or `segment`, whose names say so themselves.

    >>> scope({"v1": (0.02, 0.1), "v2": (0.31, 3.1)}, "version").text
    'only in version v2 (0.31; v1 0.02)'
    """
    off = [name for name, (_, excess) in values.items() if excess > 1]
    rest = [name for name in values if name not in off]
    if not off or not rest or len(off) > len(rest):
        return None
    off.sort(key=lambda name: -values[name][1])
    rest.sort(key=lambda name: -values[name][1])
    if values[rest[0]][1] > WITHIN:
        return None
    names = ", ".join(off[:SHOWN]) + (f" and {len(off) - SHOWN} more" if len(off) > SHOWN else "")
    held = ", ".join(figure(values[name][0]) for name in off[:SHOWN])
    other = f"{rest[0]} {figure(values[rest[0]][0])}"
    others = other if len(rest) == 1 else f"{other}, the next"
    word = "" if noun == "segment" else f"{noun} " if len(off) == 1 else f"{noun}s "
    return Scope(noun, tuple(off), f"only in {word}{names} ({held}; {others})")
