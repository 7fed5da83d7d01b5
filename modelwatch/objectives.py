"""Judges the objectives: by requests, by joined labels, and by what the windows' other signals said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.line import Line
from collector.store.read import Reader
from detectors import Budget, IndicatorKind, Judgement, Objective, Verdict, insufficient
from modelwatch.judging import Judge, Moment
from modelwatch.monitor import Monitor
from modelwatch.trackers import Trackers
from profiles import Profile

Profiles = Mapping[str, Profile]


class ObjectiveJudge:
    """Judges each objective when what it is about is known.

    Args:
        monitor: the monitor, with its objectives.
        judge: the judge of the moment.
        trackers: the memory, which is changed.
    """

    def __init__(self, monitor: Monitor, judge: Judge, trackers: Trackers) -> None:
        self._judge, self._trackers = judge, trackers
        self._model, self._window = monitor.model, monitor.window.size
        self._slos = monitor.slos

    def of_requests(self, reader: Reader, moment: Moment, profiles: Profiles) -> list[Line]:
        """The lines of the objectives on requests, of a window's traffic by segment."""
        lines = []
        for slo in self._of(IndicatorKind.REQUESTS):
            profile = profiles.get(slo.segment)
            if profile is None:  # while a model learns, segments are not judged
                profile = reader.traffic("production", [moment.start], slo.segment).get(moment.start)
            requests = profile.parts.get("latency") if profile else None
            if requests is not None:
                lines.append(self._event(slo, moment, *slo.count(requests)))
        return lines

    def of_outcomes(self, reader: Reader, moment: Moment, profiles: Profiles, *, enough: bool) -> list[Line]:
        """The lines of the objectives on metrics, of a window's joined labels by segment.

        Args:
            reader: reads the model's profiles.
            moment: the window.
            profiles: of the window, by segment.
            enough: whether so many labels have come that they can be judged.
        """
        lines = []
        for slo in self._of(IndicatorKind.METRIC):
            profile = profiles.get(slo.segment)
            if profile is None and enough:
                held = reader.outcomes("production", [moment.start], slo.segment, moment.known_at)
                profile = held.get(moment.start)
            outcomes = profile.parts.get("performance") if profile else None
            judged = insufficient("too few labels") if outcomes is None else slo.judge_outcomes(outcomes)
            if not slo.budgeted:
                lines.append(self._line(slo, moment, judged))
            elif judged.value is None or not judged.sufficient:
                lines.append(self._line(slo, moment, insufficient(judged.note or "too few labels")))
            else:
                lines.append(self._slice(slo, moment, [(slo.indicator.name, judged.value)]))
        return lines

    def of_coverage(self, moment: Moment, labelled: int, rows: int) -> list[Line]:
        """The lines of the objectives on label coverage, of a window whose labels are in, or given up."""
        if not rows:
            return []
        share = min(labelled / rows, 1.0)
        return [
            self._slice(slo, moment, [("label_coverage", share)]) for slo in self._of(IndicatorKind.COVERAGE)
        ]

    def of_signals(self, judged: Sequence[Line]) -> list[Line]:
        """The lines of the objectives on other signals, of the lines of a moment."""
        lines = []
        for slo in self._of(IndicatorKind.SIGNAL):
            found: dict[Moment, list[Line]] = {}
            for line in judged:
                if line.segment == slo.segment and slo.indicator.about(line.signal, line.subject):
                    found.setdefault(Moment(line.start, line.end, line.known_at), []).append(line)
            moments = sorted(found, key=lambda one: one.start)
            lines += [self._of_lines(slo, moment, found[moment]) for moment in moments]
        return lines

    def _of_lines(self, slo: Objective, moment: Moment, found: Sequence[Line]) -> Line:
        sure = [line for line in found if line.verdict is not Verdict.INSUFFICIENT]
        if slo.indicator.operator == "ok":
            bad = [line for line in sure if line.verdict is Verdict.BREACH]
            return self._verdicts(slo, moment, sure, bad)
        values = [(_named(line), line.value) for line in sure if line.value is not None]
        return self._slice(slo, moment, values)

    def _verdicts(self, slo: Objective, moment: Moment, sure: Sequence[Line], bad: Sequence[Line]) -> Line:
        told = ", ".join(f"{_named(line)} is in breach" for line in bad[:3])
        return self._event(slo, moment, int(bool(bad)), int(bool(sure)), told or "no verdict on it")

    def _slice(self, slo: Objective, moment: Moment, values: Sequence[tuple[str, float]]) -> Line:
        """A window as one event: good when the condition holds of every value."""
        indicator = slo.indicator
        bad = [f"{name} {value:.4g}" for name, value in values if not indicator.met(value)]
        told = f"{', '.join(bad[:3])}, not {indicator.operator} {indicator.goal:g}" if bad else ""
        return self._event(slo, moment, int(bool(bad)), int(bool(values)), told or "no value of it")

    def _event(self, slo: Objective, moment: Moment, bad: int, events: int, found: str = "") -> Line:
        """Add events to the budget, and judge the window by it."""
        budget = self._trackers.budgets.get(slo.name, Budget())
        if events:
            budget = self._trackers.budgets[slo.name] = budget.add(moment.start, bad, events, slo.period)
        before = self._trackers.signals.get(self._key(slo))
        judged = slo.judge_events(
            bad,
            events,
            budget,
            self._window,
            ongoing=before is not None and before.in_breach,
            found=found if bad or not events else "",
        )
        return self._line(slo, moment, judged)

    def _line(self, slo: Objective, moment: Moment, judged: Judgement) -> Line:
        return self._judge.line(moment, slo.signal, "", slo.segment, judged, self._trackers)

    def _of(self, kind: IndicatorKind) -> list[Objective]:
        return [slo for slo in self._slos if slo.kind is kind]

    @staticmethod
    def _key(slo: Objective) -> str:
        return f"{slo.signal}||{slo.segment}"


def _named(line: Line) -> str:
    return f"{line.signal} of {line.subject}" if line.subject else line.signal
