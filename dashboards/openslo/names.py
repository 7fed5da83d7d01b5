"""What both directions share: names, annotations, durations, and the operators' names."""

from __future__ import annotations

import re
from datetime import timedelta

VERSION = "openslo/v1"
SLI = "modelwatch.io/sli"  # the indicator, as the monitor file has it
MODEL = "modelwatch.io/model"
NAME = "modelwatch.io/name"  # of an objective whose name OpenSLO does not take
SEGMENT = "modelwatch.io/segment"
PERIOD = "modelwatch.io/period"  # one that is no whole number of minutes
NO_TARGET = "modelwatch.io/no-target"
OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
OPERATOR_NAMES = {sign: name for name, sign in OPERATORS.items()}
UNITS = {"m": 1, "h": 60, "d": 1440, "w": 10_080, "M": 43_200, "Q": 129_600, "Y": 525_600}  # minutes
SHORTHAND = re.compile(r"([1-9]\d*)([mhdwMQY])")
LONGEST_NAME = 63


def name_of(text: str) -> str:
    """A name as RFC 1123 has it, of any text.

    >>> name_of("Credit risk/v2")
    'credit-risk-v2'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower())[:LONGEST_NAME].strip("-")
    return plain or "unnamed"


def shorthand(value: timedelta) -> str:
    """A duration as OpenSLO writes it, up to whole minutes.

    >>> shorthand(timedelta(days=30)), shorthand(timedelta(seconds=30))
    ('30d', '1m')
    """
    minutes = max(-(-value // timedelta(minutes=1)), 1)
    unit = next(unit for unit in "dhm" if minutes % UNITS[unit] == 0)
    return f"{minutes // UNITS[unit]}{unit}"


def length(text: str | int) -> timedelta:
    """Read a duration; a plain number is minutes. A month is 30 days, a quarter 90, a year 365.

    Raises:
        ValueError: it is none.

    >>> length("4w") == timedelta(weeks=4)
    True
    """
    if isinstance(text, int) and not isinstance(text, bool) and text > 0:
        return timedelta(minutes=text)
    match = SHORTHAND.fullmatch(str(text))
    if not match:
        raise ValueError(f"{text!r} is no duration; write a whole number and one of {', '.join(UNITS)}: 30d")
    return timedelta(minutes=int(match[1]) * UNITS[match[2]])
