"""Durations and shares as people write them: `90s`, `15m`, `1h`, `30d`, `99.9%`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
LONGEST = 1000 * 365 * UNITS["d"]
PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")
PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


def parse_duration(value: Any) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: it is not one, or not above zero.

    >>> parse_duration("90m")
    datetime.timedelta(seconds=5400)
    """
    duration = value
    if isinstance(value, str) and (match := PATTERN.fullmatch(value)):
        seconds = float(match[1]) * UNITS[match[2]]
        if seconds > LONGEST:
            raise ValueError(f"{value!r} is too large; write a duration of at most {LONGEST / UNITS['d']:g}d")
        duration = timedelta(seconds=seconds)
    if not isinstance(duration, timedelta) or duration <= timedelta(0):
        raise ValueError(
            f"{value!r} is not a duration; write a number and a unit, such as 30s, 15m, 1h or 7d"
        )
    return duration


def show_duration(value: timedelta) -> str:
    """Write a duration as `parse_duration` reads it.

    >>> show_duration(timedelta(hours=36))
    '36h'
    """
    seconds, rest = divmod(value, timedelta(seconds=1))
    if rest:
        return f"{value / timedelta(milliseconds=1):.3f}".rstrip("0").rstrip(".") + "ms"
    unit = next(unit for unit in ("w", "d", "h", "m", "s") if seconds % UNITS[unit] == 0)
    return f"{int(seconds / UNITS[unit])}{unit}"


def parse_share(value: Any) -> float:
    """Read a share: `99.9%`, or a number between 0 and 1.

    Raises:
        ValueError: it is neither.

    >>> parse_share("99.5%")
    0.995
    """
    share = value
    if isinstance(value, str) and (match := PERCENT.fullmatch(value)):
        share = round(float(match[1]) / 100, 12)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(
            f"{value!r} is not a share; write a percentage such as 99.9% or a number from 0 to 1"
        )
    return float(share)


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(show_duration, return_type=str)
]
Share = Annotated[float, BeforeValidator(parse_share)]
