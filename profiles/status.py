"""How a request ended: the classes that failures are counted by."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """How a request ended. `OK` is 0, so that what is above 0 has failed; the codes are stored.

    >>> Status.CLIENT.words, Status.OTHER > Status.OK
    ('client error', True)
    """

    OK = 0
    OTHER = 1
    CLIENT = 2
    THROTTLED = 3
    SERVER = 4
    TIMEOUT = 5

    @property
    def words(self) -> str:
        """The name for people and for JSON."""
        return {Status.CLIENT: "client error", Status.SERVER: "server error"}.get(self, self.name.lower())


FAILURES = tuple(status for status in Status if status)
