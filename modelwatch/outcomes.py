"""Judges performance as labels come in: each window once, when its labels have settled."""

from __future__ import annotations

from alerts.line import Line
from collector.store.read import Reader
from collector.window import MICROSECOND
from modelwatch.estimating import EstimateJudge
from modelwatch.judging import Judge, Moment, in_breach
from modelwatch.monitor import Monitor
from modelwatch.objectives import ObjectiveJudge
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
        estimates: what was said of windows before their labels came.
    """

    def __init__(self, monitor: Monitor, judge: Judge, trackers: Trackers, estimates: EstimateJudge) -> None:
        self._monitor, self._judge, self._trackers = monitor, judge, trackers
        self._length = monitor.window.length
        self._objectives = ObjectiveJudge(monitor, judge, trackers)
        self._estimates = estimates

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
        rows = reader.joinable(pending)
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
            moment = Moment(start, start + self._length, now)
            if settled or start < oldest:
                lines += self._objectives.of_coverage(moment, have, total)
            if not have:
                continue
            enough = bool(settled) and (not final or have >= HALF * total)
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
        lines += self._estimates.of_outcomes(moment, profiles)
        lines += self._objectives.of_outcomes(reader, moment, profiles, enough=enough)
        self._trackers.past_outcomes.append((start, in_breach(lines)))
        self._trackers.past_outcomes.sort()
        return lines
