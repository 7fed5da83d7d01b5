"""Windows: how event time is cut."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from detectors import Duration
from profiles.counts import Ints

MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970; a time without a zone is UTC.

    >>> microseconds(datetime(1970, 1, 1, 0, 0, 1))
    1000000
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


def iso(moment: int) -> str:
    """ISO 8601 in UTC of microseconds since 1970.

    >>> iso(1_000_000)
    '1970-01-01T00:00:01Z'
    """
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    return when.isoformat().replace("+00:00", "Z")


class Window(BaseModel):
    """Windows of one size, aligned to an origin.

    >>> Window.model_validate("1h").start(microseconds(datetime(2024, 5, 1, 10, 30))) / 3.6e9 % 24
    10.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Duration
    origin: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return value if isinstance(value, dict | Window) else {"size": value}

    @field_validator("size")
    @classmethod
    def _not_tiny(cls, size: timedelta) -> timedelta:
        if size < timedelta(seconds=1):
            raise ValueError("a window is at least 1s long")
        return size

    @property
    def length(self) -> int:
        """The size in microseconds."""
        return self.size // MICROSECOND

    def starts(self, moments: Ints) -> Ints:
        """The start of the window that each moment (microseconds) falls into."""
        origin = microseconds(self.origin) % self.length
        return (moments - origin) // self.length * self.length + origin

    def start(self, moment: int) -> int:
        """The start of the window that a moment falls into."""
        return int(self.starts(np.array([moment]))[0])
