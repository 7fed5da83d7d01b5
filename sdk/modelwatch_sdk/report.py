"""Says what goes wrong, through `logging`, without flooding the app's logs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time

_LOGGER = logging.getLogger("modelwatch_sdk")
_INTERVAL = 60.0  # seconds


class Complaints:
    """Logs each kind of trouble at once, then at most once a minute, saying how often it happened since.

    >>> complaints = Complaints()
    >>> complaints.last is None
    True
    """

    def __init__(self) -> None:
        # Re-entrant: a logging handler or a garbage-collected object may log a prediction in its turn.
        self._lock = threading.RLock()
        self._silent_until: dict[str, float] = {}
        self._muted: dict[str, int] = {}
        self.last: str | None = None

    def report(self, kind: str, message: str) -> None:
        """Logs a warning, unless one of the same kind was logged less than a minute ago. Never raises.

        Args:
            kind: What the rate limit goes by.
            message: What went wrong and how to mend it.
        """
        now = time.monotonic()
        with self._lock:
            self.last = message
            if now < self._silent_until.get(kind, now):
                self._muted[kind] = self._muted.get(kind, 0) + 1
                return
            self._silent_until[kind] = now + _INTERVAL
            muted = self._muted.pop(kind, 0)
        more = f" (and {muted} more like it since the last message)" if muted else ""
        with contextlib.suppress(Exception):  # the app's handlers may fail
            _LOGGER.warning("%s%s", message, more)
