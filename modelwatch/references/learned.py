"""The model's own beginnings are the reference."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from collector.store.read import Reader
from collector.window import MICROSECOND
from detectors import Duration, parse_duration
from modelwatch.references.reference import FEWEST, Past, Reference, Windows, day_of


class LearnedReference(Reference):
    """The model's own first weeks, or its first windows.

    With nothing said: at least 14 windows and a week, so that nights and weekends are known; then it grows,
    day by day, to four weeks, but for windows in breach.
    """

    kind: Literal["learned"] = "learned"
    windows: int | None = Field(default=None, ge=2, description="So many first windows, and no others.")
    at_least: Duration = Field(default=parse_duration("7d"), description="Learn so long before judging.")
    at_most: Duration = Field(default=parse_duration("28d"), description="Grow until it is so long.")

    def choose(
        self,
        reader: Reader,
        window: int,
        past: Past,
        past_outcomes: Past,
    ) -> Windows | None:
        """The first windows, once they are enough."""
        if self.windows is not None:
            starts = tuple(reader.starts("production", most=self.windows))
            if len(starts) < self.windows or window <= starts[-1]:
                return None
            return Windows("production", starts, starts)
        first = reader.starts("production", most=1)
        if not first:
            return None
        day = day_of(window, past)
        bad = {start for start, breach in past if breach}
        known = reader.starts("production", first[0], min(day, first[0] + self.at_most // MICROSECOND))
        starts = tuple(start for start in known if start not in bad)
        if len(starts) < FEWEST or day - first[0] < self.at_least // MICROSECOND:
            return None
        poor = {start for start, breach in past_outcomes if breach}
        return Windows("production", starts, tuple(start for start in known if start not in poor))

    @property
    def daily(self) -> bool:
        """It grows unless the windows are counted."""
        return self.windows is None

    def needed(self, reader: Reader, past: Past, past_outcomes: Past) -> set[int]:  # noqa: ARG002 - as above
        """The first windows, complete or not."""
        if self.windows is not None:
            return set(reader.starts("production", most=self.windows))
        first = reader.starts("production", most=1)
        end = first[0] + self.at_most // MICROSECOND if first else 0
        return set(reader.starts("production", first[0], end)) if first else set()
