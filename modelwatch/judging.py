"""Judges the profiles of one window against the reference: every check, every segment, one line each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.line import Line
from collector.summarize import EVERYTHING
from detectors import Check, Judgement, Phase, Verdict, insufficient, p_of_evidence, phase_of
from modelwatch.trackers import Trackers
from profiles import Profile

log = logging.getLogger(__name__)
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
        baselines: what was learned from the reference, by segment and place of the check.
        windows: how many windows with predictions a reference file has.
    """

    checks: Sequence[Check]
    segments: Sequence[str]
    run_length: float
    length: int
    baselines: Mapping[tuple[str, int], Baseline] = field(default_factory=dict)
    windows: int = 0

    def limit(self, segment: str) -> float:
        """The evidence that makes a breach.

        The run lengths of all signals share the budget by the union bound: half of it for the model as a
        whole, half for its segments, where it has any.
        """
        others = len(self.segments) - 1
        share = 1 if not others else 2 if segment == EVERYTHING else 2 * others
        return self.run_length * max(len(self.checks), 1) * share

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
        for segment in self.segments:
            parts = profiles.get(segment, Profile()).parts
            for place, check in enumerate(self.checks):
                if (check.part == "performance") is not performance:
                    continue
                baseline = self.baselines.get((segment, place))
                current = parts.get(check.part)
                if baseline is None and current is None:
                    continue
                if learning:
                    judged = insufficient(LEARNING)
                elif baseline is None:
                    judged = insufficient("the reference has no values")
                else:
                    phase = phase_of(moment.start, self.length)
                    judged = self._judge(check, baseline.value, current, self.limit(segment), phase)
                found.append(self.line(moment, check.signal, check.subject or "", segment, judged, trackers))
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
) -> dict[tuple[str, int], Baseline]:
    """Let every check learn from the reference's windows.

    A check whose part no reference window has learns nothing, and is absent.

    Args:
        checks: what learns.
        references: by segment the profiles of traffic and of joined labels, by the start of their windows.
        length: of a window, in microseconds.
    """
    learned = {}
    for segment, (traffic, outcomes) in references.items():
        for place, check in enumerate(checks):
            windows = outcomes if check.part == "performance" else traffic
            held = [start for start in sorted(windows) if check.part in windows[start].parts]
            if held:
                summaries = [windows[start].parts[check.part] for start in held]
                phases = [phase_of(start, length) for start in held]
                learned[segment, place] = Baseline(check.detector.learn(summaries, phases))
    return learned


def in_breach(lines: Sequence[Line]) -> bool:
    """Whether any line is a breach."""
    return any(line.verdict is Verdict.BREACH for line in lines)
