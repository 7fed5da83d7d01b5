"""Judges the profiles of one window against the reference: every check, every segment, one line each."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from alerts.line import Line
from collector.summarize import EVERYTHING
from collector.window import Window
from detectors import (
    Check,
    Judgement,
    Phase,
    Verdict,
    insufficient,
    p_of_evidence,
    phase_of,
    show_duration,
)
from detectors.estimated import Estimators
from modelwatch.fairness import LearnedGap
from modelwatch.spans import merged
from modelwatch.trackers import Trackers
from profiles import Profile

log = logging.getLogger(__name__)
Place = tuple[str, int, int]
WINDOW = -1  # no span: the window itself
LEARNING = "learning: the reference has too few windows yet"


@dataclass(frozen=True)
class Moment:
    """Which window is judged, and when: its start and end, and what was known by then (microseconds)."""

    start: int
    end: int
    known_at: int


@dataclass(frozen=True)
class Baseline:
    """What a detector learned; a detector may learn None."""

    value: Any


@dataclass
class Judge:
    """Judges windows by some checks, each with its share of the false-alarm budget.

    Attributes:
        checks: what is judged in every segment.
        segments: "" for all rows, and every segment.
        run_length: how many windows a healthy model is to go without a false alarm, on average.
        length: of a window, in microseconds.
        baselines: what was learned from the reference, by segment, place of the check, and place of the span
            or `WINDOW`.
        windows: how many windows with predictions a reference file has.
        spans: the longer spans in which traffic is judged again.
        gaps: between groups, judged beside the checks.
        estimators: of performance without labels, by segment.
    """

    checks: Sequence[Check]
    segments: Sequence[str]
    run_length: float
    length: int
    baselines: Mapping[Place, Baseline] = field(default_factory=dict)
    windows: int = 0
    spans: Sequence[Window] = ()
    gaps: Sequence[LearnedGap] = ()
    estimators: Mapping[str, Estimators] = field(default_factory=dict)

    def limit(self, segment: str, span: int = WINDOW) -> float:
        """The evidence that makes a breach.

        The run lengths of all signals share the budget by the union bound: half of it for the model as a
        whole, half for its segments, where it has any; and as much for each span as for windows.
        """
        others = len(self.segments) - 1
        share = 1 if not others else 2 if segment == EVERYTHING else 2 * others
        looks = 1 if span == WINDOW else self.length / self.spans[span].length
        estimated = sum(2 * len(one.by_metric) for one in list(self.estimators.values())[:1])  # and checked
        signals = max(len(self.checks) + len(self.gaps) + estimated, 1)
        return self.run_length * looks * signals * share * (1 + len(self.spans))

    def lines(
        self,
        moment: Moment,
        profiles: Mapping[str, Profile],
        trackers: Trackers,
        *,
        performance: bool,
        learning: bool,
    ) -> list[Line]:
        """The lines of a window, by segment and check; what neither reference nor window has is left out.

        Args:
            moment: the window.
            profiles: of the window, by segment.
            trackers: the memory, which is changed.
            performance: whether to judge joined labels, or everything else.
            learning: whether there is no reference yet.
        """
        found = []
        phase = phase_of(moment.start, self.length)
        for segment in self.segments:
            profile, limit = profiles.get(segment, Profile()), self.limit(segment)
            for place, check in enumerate(self.checks):
                if check.of_labels is not performance or (check.of_all_rows and segment):
                    continue
                baseline = self.baselines.get((segment, place, WINDOW))
                current = profile.part(check.part)
                if baseline is None and (current is None or not check.detector.reads(current)):
                    continue
                if learning:
                    judged = insufficient(LEARNING)
                elif baseline is None:
                    judged = insufficient("the reference has no values")
                else:
                    judged = self._judge(check, baseline.value, current, limit, phase)
                found.append(self.line(moment, check.signal, check.subject or "", segment, judged, trackers))
        own = [gap for gap in self.gaps if gap.of_labels is performance]
        alpha = p_of_evidence(self.limit(EVERYTHING))
        for gap in own:
            judged = insufficient(LEARNING) if learning else gap.judge(profiles, alpha, phase)
            found.append(self.line(moment, gap.signal, gap.column, EVERYTHING, judged, trackers))
        return found

    def over_span(
        self,
        span: int,
        start: int,
        profiles: Mapping[str, Profile],
        trackers: Trackers,
        told: Collection[str] = (),
    ) -> dict[str, Judgement]:
        """Judge the traffic of a span that is over; the judgements that are a breach, by line key.

        Args:
            span: the place of the span.
            start: when it began, in microseconds.
            profiles: of the span, by segment.
            trackers: the memory, which is changed.
            told: line keys that are not judged.
        """
        found = {}
        phase = phase_of(start, self.spans[span].length)
        for segment, profile in profiles.items():
            limit = self.limit(segment, span)
            for place, check in enumerate(self.checks):
                baseline = self.baselines.get((segment, place, span))
                key = f"{check.signal}|{check.subject or ''}|{segment}"
                if baseline is None or key in told:
                    continue
                judged = self._judge(check, baseline.value, profile.part(check.part), limit, phase)
                if trackers.step(key, judged, limit, span) is Verdict.BREACH:
                    length = show_duration(self.spans[span].size)
                    found[key] = replace(
                        judged, note=f"over {length}: {judged.note or 'a small lasting change'}"
                    )
        return found

    @staticmethod
    def _judge(check: Check, baseline: Any, current: Any, limit: float, phase: Phase) -> Judgement:
        if current is None:
            return insufficient("no values in this window")
        try:
            return check.detector.judge(baseline, current, p_of_evidence(limit), phase)
        except Exception:
            log.exception("%s of %s failed", check.detector.kind, check.part)  # type: ignore[attr-defined]
            return insufficient("the detector failed; see the service's log")

    def line(
        self,
        moment: Moment,
        signal: str,
        subject: str,
        segment: str,
        judged: Judgement,
        trackers: Trackers,
    ) -> Line:
        """A line, with the verdict that the evidence so far comes to."""
        verdict = trackers.step(f"{signal}|{subject}|{segment}", judged, self.limit(segment))
        return Line(
            start=moment.start,
            end=moment.end,
            known_at=moment.known_at,
            signal=signal,
            subject=subject,
            segment=segment,
            value=judged.value,
            lower=judged.lower,
            upper=judged.upper,
            threshold=judged.threshold,
            verdict=verdict,
            diagnosis=judged.note,
        )


def learn(
    checks: Sequence[Check],
    references: Mapping[str, tuple[Mapping[int, Profile], Mapping[int, Profile]]],
    length: int,
    spans: Sequence[Window] = (),
) -> dict[Place, Baseline]:
    """Let every check learn from the reference's windows.

    A check whose part no reference window has learns nothing, and is absent.

    Args:
        checks: what learns.
        references: by segment the profiles of traffic and of joined labels, by the start of their windows.
        length: of a window, in microseconds.
        spans: in which traffic is judged again.
    """
    learned: dict[Place, Baseline] = {}
    for segment, (traffic, outcomes) in references.items():
        for place, check in enumerate(checks):
            windows = outcomes if check.of_labels else traffic
            _learn_one(check, windows, length, learned, (segment, place, WINDOW))
        for at, span in enumerate(spans):
            summed = merged(traffic, span)
            for place, check in enumerate(checks):
                if not check.of_labels and check.part != "sample":  # a sample is of a window
                    _learn_one(check, summed, span.length, learned, (segment, place, at))
    return learned


def _learn_one(
    check: Check,
    windows: Mapping[int, Profile],
    length: int,
    learned: dict[Place, Baseline],
    place: Place,
) -> None:
    if check.of_all_rows and place[0]:
        return
    parts = {start: windows[start].part(check.part) for start in sorted(windows)}
    held = [start for start, part in parts.items() if part is not None]
    if any(check.detector.reads(parts[start]) for start in held):
        summaries = [parts[start] for start in held]
        phases = [phase_of(start, length) for start in held]
        learned[place] = Baseline(check.detector.learn(summaries, phases))


def in_breach(lines: Sequence[Line]) -> bool:
    """Whether any line is a breach."""
    return any(line.verdict is Verdict.BREACH for line in lines)
