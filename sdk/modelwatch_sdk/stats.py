"""The figures that the SDK keeps about itself."""

from __future__ import annotations

from typing import NamedTuple


class Stats(NamedTuple):
    """A snapshot of what became of the events; every figure counts events unless it says otherwise.

    Every event that was logged is in exactly one of ``queued``, ``accepted``, ``duplicate``, ``rejected`` and
    ``dropped``. Events that an earlier process left in the spool are counted only once they are answered.

    Attributes:
        queued: Not answered yet: in memory, in flight or in the spool.
        sent: Sent at least once, whatever the answer was.
        accepted: The collector has them, durably.
        duplicate: The collector had them already.
        rejected: The collector refused them for good.
        dropped: Lost in the app: a full queue, a full disk, a bad argument, one event that is too large.
        retries: Requests (not events) that were answered with "later" or not at all, and so were repeated.
        last_error: The last thing that went wrong, for people.

    >>> Stats().queued
    0
    """

    queued: int = 0
    sent: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    dropped: int = 0
    retries: int = 0
    last_error: str | None = None
