"""How long to wait before the next attempt."""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import random

_FIRST = 0.2  # seconds
_MOST = 30.0
_LEAST_ASKED = 0.1  # an answer "Retry-After: 0" is no licence for a busy loop
_MOST_ASKED = 3600.0

# Not the `random` module's own generator: drawing from that would change the app's reproducible runs.
_RANDOM = random.SystemRandom()


class Backoff:
    """Exponential backoff with jitter, from about 0.2 s up to 30 s.

    >>> backoff = Backoff()
    >>> 0.1 <= backoff.delay(None) <= 0.2 <= backoff.delay(None) <= 0.4
    True
    >>> backoff.delay(7.0)
    7.0
    """

    def __init__(self) -> None:
        self._failures = 0

    def reset(self) -> None:
        """Starts over: the collector has answered."""
        self._failures = 0

    def delay(self, asked: float | None) -> float:
        """Counts a failure and returns the seconds to wait.

        Args:
            asked: What the collector's Retry-After asks for, in seconds.
        """
        most = min(_MOST, _FIRST * 2 ** min(self._failures, 10))
        self._failures += 1
        if asked is not None:
            return min(max(asked, _LEAST_ASKED), _MOST_ASKED)
        return _RANDOM.uniform(most / 2, most)


def parse_retry_after(value: str | None) -> float | None:
    """Reads a Retry-After header as seconds from now; None when it is absent or unreadable.

    >>> parse_retry_after("2"), parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), parse_retry_after("soon")
    (2.0, 0.0, None)
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.timezone.utc)
        seconds = (aware - dt.datetime.now(dt.timezone.utc)).total_seconds()
    return max(seconds, 0.0) if math.isfinite(seconds) else None
