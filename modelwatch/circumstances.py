"""What is stored around a breach: the signal's series, the versions in its window, what came before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy as sa

from alerts import deployments, tables
from alerts.line import Line
from collector.store.read import Reader
from collector.store.tables import profiles as stored
from collector.summarize import AT_PREDICTION, EVERYTHING
from detectors import Check, Verdict, p_of_evidence, phase_of
from detectors.diagnosis import Change
from detectors.evidence import SMALLEST_P
from modelwatch.judging import WINDOW, Judge
from modelwatch.references import Windows
from profiles import NumericSummary, Profile
from profiles.profile import total

DRIFT = "drift.univariate"  # and what follows it, where two detectors measure it
REMEMBERED = 60  # windows of a series
RECENT = 200  # windows in which a version may have come up
MOST_VERSIONS = 20
MOST_SEGMENTS = 50
SAMPLED = 6  # reference windows that say how far healthy ones are apart


@dataclass(frozen=True)
class Event:
    """Something that may be behind a change: when (microseconds), and what, for people."""

    at: int
    text: str
    version: str


@dataclass
class Circumstances:
    """Reads what a diagnosis needs, once.

    Attributes:
        connection: the transaction that judges.
        reader: of the model's profiles.
        model: the model.
        judge: what the window was judged by.
        reference_windows: those that it was judged against; None while the model is learning.
        end: the moment; nothing that came later counts.
    """

    connection: sa.Connection
    reader: Reader
    model: str
    judge: Judge
    reference_windows: Windows | None
    end: int
    _profiles: dict[Any, dict[int, Profile]] = field(default_factory=dict)
    _words: dict[int, dict[tuple[str, str, str], str]] = field(default_factory=dict)

    def check(self, line: Line) -> tuple[int, Check] | None:
        """The check that a line comes from, and its place; None of objectives and freshness."""
        named = (line.signal, line.subject)
        every = enumerate(self.judge.checks)
        return next(((place, one) for place, one in every if (one.signal, one.subject or "") == named), None)

    def history(self, line: Line) -> list[tuple[int, float, bool]]:
        """The start, the value and whether it was in breach, of the windows up to a line's, oldest first."""
        held = tables.verdicts.c
        query = (
            sa.select(held.start, held.value, held.verdict)
            .filter_by(model=self.model, signal=line.signal, subject=line.subject, segment=line.segment)
            .where(held.start < line.start, held.value.is_not(None))
            .order_by(held.start.desc())
            .limit(REMEMBERED - 1)
        )
        found = [
            (row.start, row.value, row.verdict == Verdict.BREACH) for row in self.connection.execute(query)
        ]
        now = [] if line.value is None else [(line.start, line.value, True)]
        return [*reversed(found), *now]

    def last_words(self, start: int) -> dict[tuple[str, str, str], str]:
        """The diagnoses of the last window in breach before a moment, by signal, subject, segment."""
        if start in self._words:
            return self._words[start]
        held = tables.verdicts.c
        breach = sa.select(held.signal, held.subject, held.segment, held.diagnosis).where(
            held.model == self.model, held.verdict == Verdict.BREACH.value
        )
        newest = sa.select(sa.func.max(held.start)).where(
            held.model == self.model, held.verdict == Verdict.BREACH.value, held.start < start
        )
        rows = self.connection.execute(breach.where(held.start == newest.scalar_subquery()))
        self._words[start] = {(row.signal, row.subject, row.segment): row.diagnosis or "" for row in rows}
        return self._words[start]

    def traffic(self, role: str, starts: Sequence[int], segment: str, version: str | None = None) -> Any:
        """Profiles of what was known at prediction, by window start; read once."""
        key = (role, tuple(starts), segment, version)
        if key not in self._profiles:
            self._profiles[key] = self.reader.traffic(role, starts, segment, version)
        return self._profiles[key]

    def reference(self, place: int, segment: str, start: int) -> tuple[Any, float] | None:
        """The summary that a window is held against, and how far healthy windows are from it; None for none.

        Args:
            place: of the check.
            segment: "" for all rows.
            start: of the window: where the reference has seasons, those of its phase count.
        """
        chosen = self.reference_windows
        if chosen is None or self.baseline(place, segment) is None:
            return None
        part = self.judge.checks[place].part
        windows = self.traffic(chosen.role, chosen.starts, segment)
        level = self.season(place, segment)
        if level is not None:
            phase = self._phase(start)[level]
            windows = {at: one for at, one in windows.items() if self._phase(at)[level] == phase} or windows
        held = [one.parts[part] for one in windows.values() if part in one.parts]
        if not held:
            return None
        whole = total(Profile(0, {part: one}) for one in held).parts[part]
        return whole, _healthy(whole, held)

    def drifts(self, start: int) -> list[Any]:
        """The stored lines on the drift of features in a window."""
        query = sa.select(tables.verdicts).filter_by(model=self.model, start=start)
        query = query.where(tables.verdicts.c.signal.startswith(DRIFT, autoescape=True))
        return list(self.connection.execute(query))

    def baseline(self, place: int, segment: str) -> Any:
        """What a check learned from the reference's windows; None if it learned nothing."""
        held = self.judge.baselines.get((segment, place, WINDOW))
        return held.value if held else None

    def season(self, place: int, segment: str) -> int | None:
        """Which season a check found in the reference; None if none."""
        seasonal = getattr(self.baseline(place, segment), "seasonal", None)
        return seasonal.cycle.level if seasonal is not None else None

    def _phase(self, start: int) -> Any:
        return phase_of(start, self.judge.length)

    def current(
        self, part: str, segment: str, starts: Sequence[int], version: str | None = None
    ) -> Any | None:
        """The summary of some windows of production; None where they have no such part."""
        windows = self.traffic("production", starts, segment, version)
        return total(windows.values()).parts.get(part)

    def versions(self, start: int, segment: str) -> list[str]:
        """The versions with predictions in a window, a bounded number."""
        column = stored.c.version
        query = sa.select(column).filter_by(
            model=self.model, role="production", start=start, known=AT_PREDICTION, segment=segment
        )
        return list(self.connection.execute(query.distinct().order_by(column).limit(MOST_VERSIONS)).scalars())

    def by_version(self, line: Line) -> dict[str, tuple[float, float]]:
        """How far out a line's signal is for each version in its window; see `_excesses`."""
        names = self.versions(line.start, line.segment)
        return self._excesses(line, {name: (line.segment, name) for name in names})

    def by_segment(self, line: Line) -> dict[str, tuple[float, float]]:
        """How far out a line's signal is in each segment of its window; see `_excesses`."""
        names = [name for name in self.judge.segments if name != EVERYTHING][:MOST_SEGMENTS]
        return self._excesses(line, {name: (name, None) for name in names})

    def _excesses(
        self, line: Line, parts: Mapping[str, tuple[str, str | None]]
    ) -> dict[str, tuple[float, float]]:
        """A signal's value and how unlikely it is in parts of the traffic, where there is enough of them.

        The second is the logarithm of the p-value over that of the p-value that alone is a breach: above 1 is
        beyond the threshold.

        Args:
            line: names the signal and the window.
            parts: segment and version (None for all) of each, by name.
        """
        checked = self.check(line)
        if checked is None or len(parts) < 2:  # noqa: PLR2004 - to compare
            return {}
        place, check = checked
        alpha, phase = p_of_evidence(self.judge.limit(line.segment)), self._phase(line.start)
        found = {}
        for name, (segment, version) in parts.items():
            baseline, part = self.baseline(place, segment), self._part(check, line, segment, version)
            if baseline is None or part is None:
                continue
            judged = check.detector.judge(baseline, part, alpha, phase)
            if judged.p_value is not None and judged.value is not None:
                found[name] = judged.value, float(np.log(max(judged.p_value, SMALLEST_P)) / np.log(alpha))
        return found

    def _part(self, check: Check, line: Line, segment: str, version: str | None) -> Any:
        if not check.of_labels:
            return self.current(check.part, segment, [line.start], version)
        held = self.reader.outcomes("production", [line.start], segment, line.known_at, version)
        return held[line.start].parts.get(check.part) if line.start in held else None

    @cached_property
    def events(self) -> list[Event]:
        """What was deployed, or served its first predictions, up to now; oldest first."""
        deployed = deployments.before(self.connection, self.model, self.end)
        found = [Event(one.at, f"the deployment of {one.version}", one.version) for one in deployed]
        known = {one.version for one in deployed}
        column = stored.c.start
        query = (
            sa.select(stored.c.version, sa.func.min(column).label("first"))
            .filter_by(model=self.model, role="production", known=AT_PREDICTION, segment=EVERYTHING)
            .where(column < self.end, column >= self.end - RECENT * self.judge.length)
            .group_by(stored.c.version)
        )
        firsts = sorted((row.first, row.version) for row in self.connection.execute(query))
        began = firsts[0][0] if firsts else 0
        found += [
            Event(first, f"the first predictions of {version}", version)
            for first, version in firsts
            if version and version not in known and first > began
        ]
        return sorted(found, key=lambda one: one.at)


def _healthy(whole: Any, windows: Sequence[Any]) -> float:
    """The median distance of some of the reference's windows from it; 0 where that is not known."""
    if not isinstance(whole, NumericSummary) or len(windows) < SAMPLED:
        return 0.0
    chosen = windows[:: len(windows) // SAMPLED][:SAMPLED]
    changes = [Change.of(whole, one) for one in chosen]
    distances = [change.distance for change in changes if change is not None]
    return float(np.median(distances)) if distances else 0.0
