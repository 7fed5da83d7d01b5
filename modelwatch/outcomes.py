"""Judges performance as labels come in: each window once, when its labels have settled."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.line import Line
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from collector.window import MICROSECOND
from detectors import Judgement, insufficient
from modelwatch.judging import Judge, Moment, in_breach
from modelwatch.monitor import Monitor
from modelwatch.trackers import Trackers
from profiles import Profile

NEARLY_ALL = 0.95
FEW_NEW = 0.05
HALF = 0.5


class OutcomeJudge:
    """Decides which windows' labels have settled, and judges those.

    The labels of a window have settled when nearly all predictions have one, or when few new ones came during
    the last window of time. Only labels that were known by the moment of judging count, whatever has arrived
    since, so the moment of the computation does not matter.

    Args:
        monitor: the monitor.
        judge: the judge of the moment.
        trackers: the memory, which is changed.
    """

    def __init__(self, monitor: Monitor, judge: Judge, trackers: Trackers) -> None:
        self._monitor, self._judge, self._trackers = monitor, judge, trackers
        self._length = monitor.window.length

    def lines(self, reader: Reader, now: int, *, learning: bool, final: bool) -> list[Line]:
        """The lines of all windows whose labels have settled by `now`, oldest first.

        Args:
            reader: reads the model's profiles.
            now: the moment, in microseconds.
            learning: whether there is no reference yet.
            final: nothing more will come: what has labels is judged, as far as they are enough.
        """
        pending = self._trackers.pending
        known = reader.labels(pending, now)
        newest = reader.labels(pending, now, now - self._length)
        rows = reader.rows(pending)
        oldest = now - self._monitor.label_horizon // MICROSECOND
        lines: list[Line] = []
        for start in list(pending):
            have, new, total = known.get(start, 0), newest.get(start, 0), rows.get(start, 0)
            gone = start < oldest or final
            fresh = now <= start + self._length
            settled = have and (have >= NEARLY_ALL * total or (not fresh and new <= FEW_NEW * have))
            if not settled and not gone:
                continue
            pending.remove(start)
            if not have:
                continue
            enough = bool(settled) and (not final or have >= HALF * total)
            moment = Moment(start, start + self._length, now)
            lines += self._window(reader, moment, learning=learning, enough=enough)
        return lines

    def _window(self, reader: Reader, moment: Moment, *, learning: bool, enough: bool) -> list[Line]:
        start, known = moment.start, moment.known_at
        profiles = {
            segment: held[start]
            for segment in self._judge.segments
            if start in (held := reader.outcomes("production", [start], segment, known))
        }
        if not enough:
            profiles = {segment: Profile() for segment in profiles}
        lines = self._judge.lines(moment, profiles, self._trackers, performance=True, learning=learning)
        lines += self._objectives(moment, profiles.get(EVERYTHING, Profile()))
        self._trackers.past_outcomes.append((start, in_breach(lines)))
        self._trackers.past_outcomes.sort()
        return lines

    def _objectives(self, moment: Moment, profile: Profile) -> Sequence[Line]:
        lines = []
        for slo in self._monitor.slos:
            if slo.part == "performance":
                outcomes = profile.parts.get("performance")
                judged: Judgement = (
                    insufficient("too few labels") if outcomes is None else slo.judge_outcomes(outcomes)
                )
                lines.append(self._judge.line(moment, slo.signal, "", EVERYTHING, judged, self._trackers))
        return lines
