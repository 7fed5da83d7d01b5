"""Durations and shares as people write them: `90s`, `15m`, `1h`, `30d`, `99.9%`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)\s*")
PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


def parse_duration(value: Any) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: it is not one, or not above zero.

    >>> parse_duration("90m")
    datetime.timedelta(seconds=5400)
    """
    if isinstance(value, str) and (match := PATTERN.fullmatch(value)):
        value = timedelta(seconds=float(match[1]) * UNITS[match[2]])
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise ValueError(
            f"{value!r} is not a duration; write a number and a unit, such as 30s, 15m, 1h or 7d"
        )
    return value


def show_duration(value: timedelta) -> str:
    """Write a duration as `parse_duration` reads it.

    >>> show_duration(timedelta(hours=36))
    '36h'
    """
    seconds = value.total_seconds()
    for unit in ("w", "d", "h", "m", "s"):
        if seconds % UNITS[unit] == 0 and not (unit == "w" and seconds % UNITS["w"]):
            return f"{seconds / UNITS[unit]:g}{unit}"
    return f"{seconds * 1000:g}ms"


def parse_share(value: Any) -> float:
    """Read a share: `99.9%`, or a number between 0 and 1.

    Raises:
        ValueError: it is neither.

    >>> parse_share("99.5%")
    0.995
    """
    if isinstance(value, str) and (match := PERCENT.fullmatch(value)):
        return round(float(match[1]) / 100, 12)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(
            f"{value!r} is not a share; write a percentage such as 99.9% or a number from 0 to 1"
        )
    return float(value)


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(show_duration, return_type=str)
]
Share = Annotated[float, BeforeValidator(parse_share)]
