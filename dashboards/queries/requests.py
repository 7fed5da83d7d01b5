"""Requests over windows: how many, how fast and how they ended, by version and segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from collector.store.requests import RequestReader, Requests, busiest_segments
from collector.summarize import EVERYTHING
from detectors.diagnosis.origin import VERSION, RequestSeries
from detectors.diagnosis.split import Windows
from profiles import LatencyGrid, LatencySummary, Shape

MOST_SEGMENTS = 30
MOST_PROFILES = 1500  # of segments, read for the table


@dataclass(frozen=True)
class Tally:
    """Predictions, and what is known of their requests."""

    rows: int
    summary: LatencySummary


@dataclass
class History:
    """A model's requests in some windows.

    Attributes:
        connection: for reading.
        reader: remembers what others have read.
        model: the model.
        shape: of its profiles; None before the first event.
        starts: of the windows, ascending.
        length: of a window, in microseconds.
        segment: which rows are shown; "" for all.
        version: which rows are shown; None for all.
    """

    connection: sa.Connection
    reader: RequestReader
    model: str
    shape: Shape | None
    starts: Sequence[int]
    length: int
    segment: str = EVERYTHING
    version: str | None = None
    _own: list[Requests] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._own = self._read(self.starts, [self.segment])

    @property
    def versions(self) -> list[str]:
        """Those that served in the windows, by their first predictions."""
        return list(dict.fromkeys(one.version for one in self._own))

    def windows(self, version: str | None = None) -> dict[int, Tally]:
        """What is shown, by window; of one version."""
        wanted = version or self.version
        return tallied([one for one in self._own if wanted in (None, one.version)])

    def by_version(self) -> dict[str, Tally]:
        """What the versions add up to."""
        return {version: total(self.windows(version).values()) for version in self.versions}

    def by_segment(self) -> tuple[int, dict[str, Tally]]:
        """What the busiest segments add up to, and over how many of the newest windows."""
        if not self.starts:
            return 0, {}
        held = busiest_segments(self.connection, self.model, self.shape, self.starts[0], MOST_SEGMENTS)
        each = max(sum(held.values()) / len(self.starts), 1.0)
        newest = self.starts[-max(int(MOST_PROFILES / each), 1) :]
        found: dict[str, list[Requests]] = defaultdict(list)
        for one in self._read(newest, list(held)):
            if self.version in (None, one.version):
                found[one.segment].append(one)
        return len(newest), {name: total(tallied(own).values()) for name, own in sorted(found.items())}

    def series(self) -> RequestSeries:
        """For a diagnosis: parts are versions and, where all rows are shown, segments."""
        return RequestSeries(summaries(self.windows()), self._parts)

    def _parts(self, starts: Sequence[int]) -> dict[str, dict[str, Windows]]:
        wanted = set(starts)
        parts: dict[tuple[str, str], list[Requests]] = defaultdict(list)
        for one in self._own:
            if one.start in wanted and self.version in (None, one.version):
                parts[VERSION, one.version].append(one)
        if self.segment == EVERYTHING and starts:
            held = busiest_segments(self.connection, self.model, self.shape, starts[0], MOST_SEGMENTS)
            for one in self._read(starts, list(held)):
                column, _, value = one.segment.partition("=")
                if self.version in (None, one.version) and column != VERSION:  # of these it has all
                    parts[column, value].append(one)
        found: dict[str, dict[str, Windows]] = defaultdict(dict)
        for (column, name), own in parts.items():
            found[column][name] = summaries(tallied(own))
        return found

    def _read(self, starts: Sequence[int], segments: Sequence[str]) -> list[Requests]:
        return self.reader.read(self.connection, self.model, self.shape, starts, segments)


def tallied(found: Iterable[Requests]) -> dict[int, Tally]:
    """Requests added up by window, ascending."""
    held: dict[int, list[Requests]] = defaultdict(list)
    for one in found:
        held[one.start].append(one)
    return {start: _added([(one.rows, one.summary) for one in held[start]]) for start in sorted(held)}


def total(tallies: Iterable[Tally]) -> Tally:
    """Windows added up."""
    return _added([(one.rows, one.summary) for one in tallies])


def summaries(windows: Mapping[int, Tally]) -> dict[int, LatencySummary]:
    """What is known of the requests of each window."""
    return {start: one.summary for start, one in windows.items()}


def _added(parts: Sequence[tuple[int, LatencySummary]]) -> Tally:
    if len(parts) == 1:
        return Tally(*parts[0])
    return Tally(sum(rows for rows, _ in parts), LatencyGrid().added([summary for _, summary in parts]))
