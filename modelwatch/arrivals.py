"""What comes, and when: silence, volume and duplicates, judged by the windows before.

A reference file knows nothing of these: it is often a sample, and each of its rows is in it once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alerts.line import Line
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from detectors import Judgement, Verdict, insufficient, p_of_evidence, phase_of
from detectors.detector import Detector
from detectors.freshness import silence
from detectors.volume import Arrived, volume
from modelwatch.judging import Judge, Moment
from modelwatch.trackers import Arrival, Trackers
from profiles import ARRIVALS, ArrivalSummary

FRESHNESS = "quality.freshness"
VOLUME = "quality.volume"
ADOPTED = 14  # after so many odd windows in a row the changed world is the new normal
FEWEST = 3  # windows, to know a healthy share


class ArrivalJudge:
    """Judges what comes of all rows together.

    Args:
        judge: the judge of the moment.
        trackers: the memory, which is changed.
        detectors: those that are switched on; of these the ones that learn from the past judge here.
        reference: starts of the windows of a reference file that have rows; empty if there is none.
    """

    def __init__(
        self, judge: Judge, trackers: Trackers, detectors: Sequence[Detector], reference: Sequence[int]
    ) -> None:
        self._judge, self._trackers, self._reference = judge, trackers, reference
        self._detectors = [detector for detector in detectors if detector.from_past]
        self._healthy = healthy(trackers.arrivals)

    def lines(self, moment: Moment, arrived: ArrivalSummary, *, complete: bool) -> list[Line]:
        """The lines of a window, which is remembered if it is complete."""
        came = arrived.accepted + arrived.rejected
        lines = [self._freshness(moment, came)]
        if came and complete:
            lines += [self._volume(moment, came), *self._shares(moment, arrived)]
        if complete:
            odd = any(line.verdict is Verdict.BREACH for line in lines)
            if odd and not came:
                self._trackers.unsettle()
            self._trackers.arrivals.append(Arrival(moment.start, came, arrived.duplicates, odd))
        return lines

    def _freshness(self, moment: Moment, came: int) -> Line:
        """Whether rows come at all."""
        before = self._trackers.signals.get(f"{FRESHNESS}||{EVERYTHING}")
        if came:
            unlikely = 1.0
        elif before is not None and before.in_breach:
            unlikely = 0.0  # silence ends with rows alone
        else:
            until = max((one.start for one in self._healthy if one.rows), default=0)
            history = _arrived([one for one in self._healthy if one.start <= until])  # before this silence
            unlikely = silence(history, self._reference, moment.start, self._judge.length)
        judged = Judgement(value=float(came), threshold=1.0, p_value=unlikely)
        line = self._line(moment, FRESHNESS, judged)
        if came or line.verdict is Verdict.BREACH:
            return line
        return replace(line, verdict=Verdict.INSUFFICIENT, diagnosis="no predictions")  # never ok

    def _volume(self, moment: Moment, came: int) -> Line:
        """How many rows come; the first window of all may have begun before its rows."""
        history = _arrived([one for one in self._healthy[1:] if one.rows])
        judged = volume(history, moment.start, came, self._judge.length, self._alpha)
        return self._line(moment, VOLUME, judged)

    def _shares(self, moment: Moment, arrived: ArrivalSummary) -> list[Line]:
        """Shares of rows whose healthy level is that of the windows before."""
        windows = [
            ARRIVALS.summarize(accepted=one.rows, duplicates=one.duplicates)
            for one in self._healthy
            if one.rows
        ]
        length = self._judge.length
        phases = [phase_of(one.start, length) for one in self._healthy if one.rows]
        lines = []
        for detector in self._detectors:
            judged = insufficient("learning: too few windows came before")
            if len(windows) >= FEWEST:
                baseline = detector.learn(windows, phases)
                judged = detector.judge(baseline, arrived, self._alpha, phase_of(moment.start, length))
            lines.append(self._line(moment, detector.signal(ARRIVALS.kind), judged))
        return lines

    @property
    def _alpha(self) -> float:
        return p_of_evidence(self._judge.limit(EVERYTHING))

    def _line(self, moment: Moment, signal: str, judged: Judgement) -> Line:
        return self._judge.line(moment, signal, "", EVERYTHING, judged, self._trackers)


def healthy(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Windows that nothing was odd about, and those of a change that has lasted `ADOPTED` windows.

    >>> len(healthy([Arrival(at, 10, 0, at == 3) for at in range(9)]))
    8
    """
    found: list[Arrival] = []
    run: list[Arrival] = []
    for one in arrivals:
        run = [*run, one] if one.odd else []
        if not one.odd or len(run) > ADOPTED:
            found.append(one)
        elif len(run) == ADOPTED:
            found += run
    return found


def known_arrivals(reader: Reader, past: Sequence[tuple[int, bool]], length: int, most: int) -> list[Arrival]:
    """What came in windows that an older version has judged, as far as their profiles are kept.

    Args:
        reader: reads the model's profiles.
        past: the judged windows with rows, ascending, and whether they were in breach.
        length: of a window, in microseconds.
        most: so many windows of one silence count.
    """
    rows = reader.rows([start for start, _ in past])
    found: list[Arrival] = []
    for start, _ in past:
        if found:
            first = found[-1].start + length
            found += [Arrival(at, 0) for at in range(first, start, length)[:most]]
        if start in rows:
            found.append(Arrival(start, rows[start]))
    return found


def _arrived(windows: Sequence[Arrival]) -> Arrived:
    starts = np.array([one.start for one in windows], np.int64)
    return Arrived(starts, np.array([one.rows for one in windows], np.float64))
