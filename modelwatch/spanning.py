"""Judges spans as they end: what windows cannot see by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from alerts import deployments
from alerts.line import Line
from collector.store.read import Reader
from detectors import Judgement, Verdict
from modelwatch.judging import Judge, Moment
from modelwatch.spans import LEAST, due
from modelwatch.trackers import Trackers
from profiles.profile import total


@dataclass(frozen=True)
class SpanJudge:
    """Judges the spans that end with a window, whole or not at all: half a day is not like a day.

    A signal that was in breach in a window is known; a span that holds it would tell the same trouble again
    when it is over, and after it was put right. A deployment is a new beginning: what a span said of the
    version before is over, and a span that it lies in is of two versions.

    Attributes:
        connection: the transaction that judges.
        reader: of the model's profiles.
        model: the model.
        judge: of the moment.
        trackers: the memory, which is changed.
    """

    connection: sa.Connection
    reader: Reader
    model: str
    judge: Judge
    trackers: Trackers

    def overlay(self, lines: Sequence[Line], moment: Moment) -> list[Line]:
        """The lines of a window's traffic, in breach also where a span is."""
        trackers, spans = self.trackers, self.judge.spans
        if not spans:
            return list(lines)
        since = max(
            (one.at for one in deployments.before(self.connection, self.model, moment.end)), default=0
        )
        if since > trackers.deployed:
            trackers.deployed = since
            trackers.spans.clear()
        trackers.told |= {line.key: line.start for line in lines if line.verdict is Verdict.BREACH}
        found: dict[str, Judgement] = {}
        for place, span in enumerate(spans):
            past = [start for start, _ in trackers.past[-1:]]
            for start in due(span, moment.start, self.judge.length, past):
                found |= self._judge(place, start, since)
        return [self._with_span(line, found) for line in lines]

    def _judge(self, place: int, start: int, since: int) -> Mapping[str, Judgement]:
        """What breaches over a span; nothing where too little came, or another version."""
        span = self.judge.spans[place]
        starts = self.reader.starts("production", start, start + span.length)
        if since > start or len(starts) < LEAST * (span.length // self.judge.length):
            return {}
        profiles = {
            segment: total(self.reader.traffic("production", starts, segment).values())
            for segment in self.judge.segments
        }
        told = {key for key, last in self.trackers.told.items() if last >= start}
        return self.judge.over_span(place, start, profiles, self.trackers, told)

    def _with_span(self, line: Line, found: Mapping[str, Judgement]) -> Line:
        """A line in breach where a span is, with the figures of the span when it ends."""
        if line.verdict is not Verdict.OK or not self.trackers.spans_in_breach(
            line.key, len(self.judge.spans)
        ):
            return line
        judged = found.get(line.key)
        if judged is None:
            return replace(line, verdict=Verdict.BREACH)
        figures = {name: getattr(judged, name) for name in ("value", "lower", "upper", "threshold")}
        return replace(line, verdict=Verdict.BREACH, diagnosis=judged.note, **figures)
