"""Says of a line that newly goes into breach what the change looks like, since when, where, after what."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alerts.line import Line
from collector.summarize import EVERYTHING
from collector.window import iso
from dashboards.words import duration
from detectors import Verdict
from detectors.diagnosis import (
    Course,
    Finding,
    Kind,
    Scope,
    categorical,
    contributions,
    course,
    failing,
    numeric,
    percent,
    scope,
    slower,
    swapped,
)
from modelwatch.circumstances import DRIFT, Circumstances
from modelwatch.request_origin import request_origin
from modelwatch.trackers import Trackers
from profiles import CategoricalSummary, LatencySummary, NumericSummary

log = logging.getLogger(__name__)
MISSING, ERRORS = "quality.missing", "requests.errors"
MADE_OF_FEATURES = ("drift.", "performance.")
FOUND = "drift.slice"  # of another slice in each window, so its values are no series
SINCE = "since "
A_WEEK = 7 * 86_400_000_000
NEAR = 30  # windows: what lies longer before a change is hardly its cause
MOST_SUMMED = 24  # windows since the onset
NAMED = 3  # features


def diagnosed(circumstances: Circumstances, lines: Sequence[Line], begun: Collection[str]) -> list[Line]:
    """The lines with diagnoses: in full where a breach begins, by its kind while it lasts.

    What goes wrong here is logged, and leaves the line as it was.

    Args:
        circumstances: what else is known.
        lines: judged at one moment.
        begun: the keys of the signals that were in breach before.
    """
    if not any(line.verdict is Verdict.BREACH for line in lines):
        return list(lines)
    try:
        diagnosis = Diagnosis(circumstances, lines)
    except Exception:
        log.exception("a diagnosis could not begin; verdicts stand without")
        return list(lines)
    found = []
    for line in lines:
        text = None
        try:
            if line.verdict is Verdict.BREACH:
                text = diagnosis.lasting(line) if line.key in begun else diagnosis.of(line)
        except Exception:
            log.exception("the diagnosis of %s failed; its verdict stands", line.key)
        told = "; ".join(part for part in (line.diagnosis, text) if part)
        found.append(replace(line, diagnosis=told) if text else line)
    return found


def breaches(trackers: Trackers) -> set[str]:
    """The keys of the signals that are in breach, by a window or by a span."""
    spans = {name.split("|", 1)[1]: state for name, state in trackers.spans.items() if state.in_breach}
    return {key for key, state in trackers.signals.items() if state.in_breach} | spans.keys()


@dataclass
class Diagnosis:
    """Diagnoses the lines of one moment.

    Attributes:
        known: what else is known.
        lines: all lines of the moment.
    """

    known: Circumstances
    lines: Sequence[Line]
    _exchanged: dict[tuple[str, int], dict[str, Finding]] = field(default_factory=dict)
    _findings: dict[Any, list[Finding]] = field(default_factory=dict)

    def lasting(self, line: Line) -> str | None:
        """The kind that the breach had when it began; in its second window another look at what it is.

        A change hardly begins with a window, so the first one shows a mixture.
        """
        said = self.known.last_words(line.start).get((line.signal, line.subject, line.segment), "")
        kind = next((str(kind) for kind in Kind if f"; {kind}" in f"; {said}"), None)
        if SINCE not in said.casefold():
            return kind
        found = self._finding(line, self._where(line), [line.start])
        return str(found) if found else kind

    def of(self, line: Line) -> str | None:
        """One or two sentences on a breach that begins."""
        history = [] if line.signal == FOUND else self.known.history(line)
        values = [value for _, value, _ in history]
        way = course(values, [breach for _, _, breach in history], added_up=_added_up(line, values))
        starts = [start for start, _, _ in history[way.onset :]] or [line.start]
        where = self._where(line)
        finding = self._finding(line, where, starts[-MOST_SUMMED:])
        origin = request_origin(self.known, line, starts[0])
        only = where.text if where and origin is None else None
        said = [str(finding) if finding else None, only, self._features(line)]
        since = _since(starts[0], way, self.known.judge.length) if history else None
        when = [since, self._after(starts[0], line, where) if origin is None else None]
        sentences = ["; ".join(filter(None, said)), origin, ", ".join(filter(None, when))]
        return ". ".join(filter(None, sentences)) or None

    def _where(self, line: Line) -> Scope | None:
        """The version or the segment that alone holds the change."""
        found = scope(self.known.by_version(line), "version")
        if found is not None or line.segment != EVERYTHING:
            return found
        segments = self.known.by_segment(line)
        for column in sorted({name.split("=", 1)[0] for name in segments}):
            own = {name: held for name, held in segments.items() if name.startswith(f"{column}=")}
            found = found or scope(own, "segment")
        return found

    def _finding(self, line: Line, where: Scope | None, starts: Sequence[int]) -> Finding | None:
        """The best explanation of a change of a column, from the part of the traffic that holds it."""
        checked = self.known.check(line)
        if checked is None or checked[1].of_labels:
            return None
        place = checked[0]
        exchanged = self._swapped(line.segment, line.start).get(line.subject)
        if exchanged is not None and line.signal != MISSING:
            return exchanged
        segment, version = line.segment, None
        if where is not None and len(where.parts) == 1:
            segment, version = (
                (where.parts[0], None) if where.noun == "segment" else (segment, where.parts[0])
            )
        since = [] if self.known.season(place, segment) is not None or len(starts) == 1 else [starts]
        found = [
            _chosen(line.signal, self._explained(place, segment, version, (line.start, *windows)))
            for windows in ((), *since)
        ]
        return max(filter(None, found), key=lambda one: one.strength, default=None)

    def _explained(
        self, place: int, segment: str, version: str | None, starts: tuple[int, ...]
    ) -> list[Finding]:
        """All explanations of a column in a part of the traffic, over some windows; found once.

        Args:
            place: of a check of the column: the season that it found chooses the reference.
            segment: "" for all rows.
            version: None for all.
            starts: of the windows; the first is the one that is judged.
        """
        part, season = self.known.judge.checks[place].part, self.known.season(place, segment)
        key = (part, season, segment, version, starts)
        if key not in self._findings:
            held = self.known.reference(place, segment, starts[0])
            current = self.known.current(part, segment, starts, version)
            self._findings[key] = [] if held is None or current is None else _explanations(*held, current)
        return self._findings[key]

    def _swapped(self, segment: str, start: int) -> dict[str, Finding]:
        """What features of a segment hold each other's values, by name; found once."""
        if (segment, start) not in self._exchanged:
            references, currents = {}, {}
            for line in self.lines:
                drifts = line.signal.startswith(DRIFT) and line.verdict is Verdict.BREACH
                checked = self.known.check(line) if drifts else None
                if checked is None or (line.segment, line.start) != (segment, start):
                    continue
                held = self.known.reference(checked[0], segment, start)
                current = self.known.current(checked[1].part, segment, [start])
                if held is not None and current is not None:
                    references[line.subject], currents[line.subject] = held[0], current
            self._exchanged[segment, start] = swapped(references, currents) if len(currents) > 1 else {}
        return self._exchanged[segment, start]

    def _features(self, line: Line) -> str | None:
        """Which features drift where something else than a feature is in breach, by their share in it."""
        if line.subject or not line.signal.startswith(MADE_OF_FEATURES):
            return None
        drifts = [one for one in self.lines if one.signal.startswith(DRIFT) and one.start == line.start]
        drifts = [one for one in drifts or self.known.drifts(line.start) if one.segment == line.segment]
        effects = {
            one.subject: (one.value, one.threshold)
            for one in drifts
            if one.verdict == Verdict.BREACH and one.value is not None and one.threshold is not None
        }
        ranked = contributions(effects)[:NAMED]
        if ranked:
            return "features in drift: " + ", ".join(
                f"{name} ({percent(part)} of it)" for name, part in ranked
            )
        return "no feature drifts" if any(one.verdict == Verdict.OK for one in drifts) else None

    def _after(self, onset: int, line: Line, where: Scope | None) -> str | None:
        """The deployment, or the first predictions of a version, that lies nearest before a change."""
        length = self.known.judge.length
        earlier = [one for one in self.known.events if one.at < min(onset + length, line.end)]
        earlier = [one for one in earlier if onset - one.at <= max(NEAR * length, A_WEEK)]
        own = [one for one in earlier if where is not None and one.version in where.parts]
        if not earlier:
            return None
        nearest = (own or earlier)[-1]
        if nearest.at >= onset:
            return f"in the window of {nearest.text} ({iso(nearest.at)})"
        return f"{duration(onset - nearest.at)} after {nearest.text} ({iso(nearest.at)})"


def _explanations(reference: Any, healthy: float, current: Any) -> list[Finding]:
    if isinstance(reference, NumericSummary) and isinstance(current, NumericSummary):
        return numeric(reference, current, healthy)
    if isinstance(reference, CategoricalSummary) and isinstance(current, CategoricalSummary):
        return categorical(reference, current)
    if isinstance(reference, LatencySummary) and isinstance(current, LatencySummary):
        return list(filter(None, [slower(reference, current), failing(reference, current)]))
    return []


def _chosen(signal: str, found: Sequence[Finding]) -> Finding | None:
    """The best explanation for a signal: nulls explain the missing, and drift is of values that are there."""
    if signal == ERRORS:
        return next((one for one in found if one.kind is Kind.FAILURES), None)
    if signal == MISSING:
        return next((one for one in found if one.kind is Kind.MISSING or "now missing" in one.text), None)
    return next((one for one in found if one.kind not in (Kind.MISSING, Kind.FAILURES)), None)


def _added_up(line: Line, values: Sequence[float]) -> bool:
    """Whether a window in breach is on the same side of its threshold as windows are."""
    if line.threshold is None or len(values) < 2:  # noqa: PLR2004 - itself, and one before
        return False
    usual = sorted(values[:-1])[len(values) // 2 - 1]
    return (values[-1] < line.threshold) == (usual < line.threshold)


def _since(onset: int, way: Course, length: int) -> str:
    """Since when, in which manner, and how often before."""
    text = f"{'Growing' if way.gradual else 'Changed'} {SINCE}{iso(onset)}"
    if way.episodes:
        text += f", time {len(way.episodes) + 1} in this series"
    return f"{text} (about every {duration(way.every * length)})" if way.every else text
