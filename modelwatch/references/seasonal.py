"""The last weeks are the reference, hour of the week by hour of the week."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from collector.store.read import Reader
from detectors.season import DAY, WEEK
from modelwatch.references.reference import FEWEST, Past, Reference, Windows, day_of, every
from modelwatch.references.trailing import good


class SeasonalReference(Reference):
    """The good windows of the last weeks: a window is held against those of its own hour and weekday.

    Learned anew once a day. Windows in breach are left out, unless the breach lasts `adopt_after` windows.
    Until there are `at_least` weeks, the file is the reference, if one is given.
    """

    kind: Literal["seasonal"] = "seasonal"
    weeks: int = Field(default=4, ge=1)
    at_least: int = Field(default=1, ge=1, description="Weeks to learn before judging.")
    adopt_after: int = Field(default=336, ge=1, description="Windows in a row.")
    path: Path | None = None

    def choose(self, reader: Reader, window: int, past: Past, past_outcomes: Past) -> Windows | None:
        """The good windows of the last weeks, or the file."""
        day = day_of(window, past)
        last = max((start for start, _ in past if start < day), default=0)
        first = last - self.weeks * WEEK
        found = tuple(start for start in good(past, day, self.adopt_after) if start > first)
        if len(found) < FEWEST or last - found[0] < self.at_least * WEEK - DAY:
            return every(reader)
        # also those whose labels are to come: which are judged changes during the day, and must not matter
        poor = {start for start, _ in past_outcomes} - {*good(past_outcomes, day, self.adopt_after)}
        outcomes = tuple(start for start, _ in past if first < start < day and start not in poor)
        return Windows("production", found, outcomes)

    @property
    def daily(self) -> bool:
        """It moves on."""
        return True

    @property
    def file(self) -> Path | None:
        """The file to begin with."""
        return self.path
