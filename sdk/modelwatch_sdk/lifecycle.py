"""What happens to open monitors when their process forks or ends."""

from __future__ import annotations

import atexit
import os
import sys
import time
from typing import Protocol

_EXIT_TIMEOUT = 5.0  # seconds for all monitors together


class Living(Protocol):
    """What a `Monitor` does at these moments."""

    def close(self, timeout: float) -> bool:
        """Sends or keeps what is left."""

    def restart_in_child(self) -> None:
        """Starts over, without the parent's queue."""


# Strong references: a monitor that the app has let go of may still have events to send.
_open: set[Living] = set()
_home = os.getpid()


def opened(monitor: Living) -> None:
    """Takes a monitor into care."""
    _open.add(monitor)


def closed(monitor: Living) -> None:
    """Forgets a monitor."""
    _open.discard(monitor)


def started() -> None:
    """Makes sure, when a monitor's threads start, that a child of `multiprocessing` closes it at its end.

    Such a child runs no atexit handlers, or (from Python 3.13 on) only those that it has registered itself.
    """
    if os.getpid() == _home:
        return
    atexit.unregister(_close_all)
    atexit.register(_close_all)
    pool = sys.modules.get("multiprocessing.util")  # not imported for its own sake
    if pool is not None:
        pool.Finalize(None, _close_all, exitpriority=0)


def _close_all() -> None:
    deadline = time.monotonic() + _EXIT_TIMEOUT
    for monitor in list(_open):
        monitor.close(max(deadline - time.monotonic(), 0.0))


def _restart_all() -> None:
    for monitor in list(_open):
        monitor.restart_in_child()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart_all)
