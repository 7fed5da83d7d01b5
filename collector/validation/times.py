"""Event times from whatever they come as: timestamps, seconds since 1970, or ISO 8601 texts."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from collector.validation.columns import BadValueError, Column, Fault, numeric, one_by_one
from collector.window import microseconds
from profiles.counts import Ints

EARLIEST = datetime(1980, 1, 1, tzinfo=UTC).timestamp()
LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
AHEAD = 3600.0
FINER = ((1_000, "milliseconds"), (1_000_000, "microseconds"), (1_000_000_000, "nanoseconds"))
TIME_FIX = "send seconds since 1970 as a number, or ISO 8601 such as 2024-05-01T10:00:00Z"


def times(values: Column, now: float | None) -> tuple[Ints, list[Fault]]:
    """Event times in microseconds, shape (n,), 0 for missing; seconds since 1970 or ISO 8601 texts.

    Args:
        values: the raw values.
        now: the server's time in seconds; later times (by over an hour) are faults. None switches that off.
    """
    if isinstance(values, pa.Array) and pa.types.is_string(values.type):
        parsed = pd.to_datetime(values.to_pandas(), utc=True, format="ISO8601", errors="coerce")
        stamps = pa.array(parsed.to_numpy("datetime64[us]"))
        return _checked_times(values, stamps, now)
    if isinstance(values, pa.Array) and (pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)):
        return _checked_times(values, values.cast(pa.timestamp("us"), safe=False), now)
    seconds, faults = numeric(values, nan_is_missing=True)
    if not faults and np.all((seconds > EARLIEST) & (seconds < (now + AHEAD if now else LATEST))):
        return np.round(seconds * 1e6).astype(np.int64), []
    clean, faults = one_by_one(values, lambda value: _moment(value, now), 0)
    return np.array(clean, np.int64), faults


def _checked_times(values: Column, stamps: Any, now: float | None) -> tuple[Ints, list[Fault]]:
    """Timestamps, with a fault for each that is out of range, or that could not be read."""
    moments: Ints = stamps.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
    bad = (moments <= EARLIEST * 1e6) | (moments >= min(LATEST, now + AHEAD if now else LATEST) * 1e6)
    bad &= values.is_valid().to_numpy(zero_copy_only=False)
    faults = []
    for row in np.flatnonzero(bad).tolist():
        readable = stamps[row].is_valid
        reason = "the time is out of range" if readable else "not a time"
        # no datetime: it ends with the year 9999
        value = str(np.datetime64(int(moments[row]), "us")) if readable else values[row].as_py()
        faults.append(Fault(row, value, reason, TIME_FIX))
    return np.where(bad, 0, moments), faults


def _moment(value: Any, now: float | None) -> int:
    if value is None or (now is None and isinstance(value, float) and math.isnan(value)):
        return 0
    if isinstance(value, str):
        try:
            moment = microseconds(datetime.fromisoformat(value))
        except (ValueError, OverflowError):
            raise BadValueError("not a time", TIME_FIX) from None
    elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadValueError("not a time", TIME_FIX)
    else:
        for factor, name in FINER:
            if EARLIEST < value / factor < LATEST:
                raise BadValueError(f"these are {name}", f"divide by {factor}: {TIME_FIX}")
        moment = round(value * 1e6) if abs(value) < LATEST else -1
    if not EARLIEST < moment / 1e6 < LATEST:
        raise BadValueError("the time is out of range", TIME_FIX)
    if now is not None and moment / 1e6 > now + AHEAD:
        raise BadValueError(
            "the time is over an hour ahead of the server", "check the sender's clock and time zone"
        )
    return moment
