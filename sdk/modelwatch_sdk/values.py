"""Turns what apps put into features into what JSON can say, without importing numpy or pandas."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

_MISSING = frozenset({"NaTType", "NAType"})  # pandas
_NUMPY_TIMES = frozenset({"datetime64", "timedelta64"})


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)


_FORMS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (dt.datetime, lambda value: _aware(value).isoformat()),
    ((dt.date, dt.time), lambda value: value.isoformat()),
    (dt.timedelta, lambda value: value.total_seconds()),
    (decimal.Decimal, float),
    (enum.Enum, lambda value: value.value),
    (uuid.UUID, str),
    (Mapping, dict),
)


def native(value: Any) -> Any:
    """Turns one object that `json` does not know into one that it may know.

    Args:
        value: A numpy scalar or array, a pandas missing value, a date, a Decimal, an enum
            member, a UUID, a mapping.

    Returns:
        The plain value; None stands for missing. Times without a zone are UTC; durations become seconds.

    Raises:
        TypeError: The object has no JSON form.

    >>> native(decimal.Decimal("1.5")), native(dt.datetime(2024, 2, 1, 6))
    (1.5, '2024-02-01T06:00:00+00:00')
    """
    name = type(value).__name__
    if name in _MISSING:
        return None
    for kinds, plain in _FORMS:
        if isinstance(value, kinds):
            return plain(value)
    return _unboxed(value, name)


def _unboxed(value: Any, name: str) -> Any:
    try:
        if name in _NUMPY_TIMES:  # in nanoseconds, item() would be a bare integer
            value = value.astype(f"{name}[us]")
        for method in ("tolist", "item"):  # in this order: an array of one number is still an array
            if hasattr(value, method):
                return getattr(value, method)()
    except Exception as error:
        raise TypeError(f"a {name} cannot be read: {error}") from error
    raise TypeError(f"a {name} has no JSON form; log a number, a text, a date or a list of them")


def cleaned(value: Any) -> Any:
    """Copies a value into plain JSON types all the way down, with NaN and infinities as None (missing).

    Raises:
        TypeError: Something in it has no JSON form.
        RecursionError: It contains itself.

    >>> cleaned({"a": float("nan"), 2: (1, float("inf"))})
    {'a': None, '2': [1, None]}
    """
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(item) for item in value]
    return cleaned(native(value))


def epoch(timestamp: Any) -> float:
    """Reads a time as seconds since 1970 UTC.

    Args:
        timestamp: Epoch seconds (any real number type), or a datetime (without a zone: UTC).

    Raises:
        TypeError: It is neither.
        ValueError: It is not finite.

    >>> epoch(dt.datetime(1970, 1, 1, 0, 1))
    60.0
    """
    if type(timestamp).__name__ == "datetime64":
        timestamp = timestamp.astype("datetime64[us]").item()
    if isinstance(timestamp, dt.datetime):
        seconds = _aware(timestamp).timestamp()
    elif isinstance(timestamp, (str, bytes, bool)) or not hasattr(timestamp, "__float__"):
        raise TypeError(f"timestamp must be epoch seconds or a datetime, not a {type(timestamp).__name__}")
    else:
        seconds = float(timestamp)
    if not math.isfinite(seconds):
        raise ValueError("timestamp must be finite: leave it out for now")
    return seconds
