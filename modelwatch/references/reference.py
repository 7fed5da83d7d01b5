"""What every reference is: it chooses the windows to judge a window against."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from collector.store.read import Reader
from detectors.season import DAY
from profiles import Profile

Past = Sequence[tuple[int, bool]]
LATEST = 1 << 62  # after every window
FEWEST = 14  # windows of a reference that grows: fewer do not tell how healthy ones differ


@dataclass(frozen=True)
class Windows:
    """Which windows are the reference.

    Attributes:
        role: whether they are windows of a reference file or of production.
        starts: of the windows whose traffic is the reference.
        outcomes: of the windows whose joined labels are.
        version: the version whose predictions they are; None for all.
    """

    role: str
    starts: tuple[int, ...]
    outcomes: tuple[int, ...]
    version: str | None = None


class Reference(BaseModel, ABC):
    """Chooses the reference for a window."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def choose(self, reader: Reader, window: int, past: Past, past_outcomes: Past) -> Windows | None:
        """The reference for the window that starts at `window`; None while there is too little (learning).

        Args:
            reader: reads the model's windows.
            window: the start of the window to judge.
            past: the judged windows, ascending, and whether their traffic was in breach.
            past_outcomes: the same of their joined labels.
        """

    @property
    def daily(self) -> bool:
        """Whether it grows, and is learned anew once a day rather than at every window."""
        return False

    @property
    def file(self) -> Path | None:
        """The file that the reference comes from, if it does."""
        return None

    def needed(self, reader: Reader, past: Past, past_outcomes: Past) -> set[int]:
        """The starts of the windows in production that the next may be judged by: they must be kept."""
        chosen = self.choose(reader, LATEST, past, past_outcomes)
        return {*chosen.starts, *chosen.outcomes} if chosen and chosen.role == "production" else set()


def day_of(window: int, past: Past) -> int:
    """The start of the day of a window, for references that grow: they are learned anew once a day.

    A window as long as a day, or longer, is its own day.
    """
    starts = [start for start, _ in past[-2:]]
    longer = len(starts) > 1 and starts[1] - starts[0] >= DAY
    return window if longer or window >= LATEST else window // DAY * DAY


def every(reader: Reader) -> Windows | None:
    """Every window of the reference file; None when there is none."""
    starts = tuple(reader.starts("reference"))
    return Windows("reference", starts, starts) if starts else None


def profiles_of(
    reader: Reader, windows: Windows, segment: str, before: int
) -> tuple[dict[int, Profile], dict[int, Profile]]:
    """The reference's profiles of traffic and of joined labels known before a moment, by window start."""
    limit = None if windows.role == "reference" else before
    traffic = reader.traffic(windows.role, windows.starts, segment, windows.version)
    outcomes = reader.outcomes(windows.role, windows.outcomes, segment, limit, windows.version)
    return traffic, outcomes
