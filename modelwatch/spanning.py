"""Judges spans as they end: what windows cannot see by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from alerts import deployments
from alerts.line import Line
from collector.store.read import Reader
from detectors import Judgement, Verdict
from modelwatch.judging import Judge, Moment, in_breach
from modelwatch.spans import LEAST, due
from modelwatch.trackers import Trackers
from profiles.profile import total


@dataclass(frozen=True)
class SpanJudge:
    """Judges the spans that end with a window, on their windows that nobody was told of.

    A window in breach is known; a span that holds it would tell the same trouble again when it is over, and
    after it was put right. A deployment is a new beginning: what a span said of the version before is over.

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
        if in_breach(lines):
            trackers.told.append(moment.start)
        found: dict[str, Judgement] = {}
        for place, span in enumerate(spans):
            past = [start for start, _ in trackers.past[-1:]]
            for start in due(span, moment.start, self.judge.length, past):
                found |= self._judge(place, start, since)
        return [self._with_span(line, found) for line in lines]

    def _judge(self, place: int, start: int, since: int) -> Mapping[str, Judgement]:
        """What breaches over a span; nothing where too little of it is left."""
        span, told = self.judge.spans[place], {*self.trackers.told}
        every = self.reader.starts("production", start, start + span.length)
        left = [one for one in every if one >= since and one not in told]
        if len(left) < LEAST * (span.length // self.judge.length):
            return {}
        profiles = {
            segment: total(self.reader.traffic("production", left, segment).values())
            for segment in self.judge.segments
        }
        return self.judge.over_span(place, start, profiles, self.trackers)

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
