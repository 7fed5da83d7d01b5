"""Estimated performance in the pipeline: judged when a window closes, scored when its labels have settled."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from alerts import tables
from alerts.line import ESTIMATED, Line
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from collector.window import MICROSECOND
from detectors import Judgement, Verdict, insufficient, p_of_evidence, phase_of
from detectors.estimated import (
    CAVEAT,
    MIN_ROWS,
    OUTCOMES,
    TRAFFIC,
    Agreement,
    Estimators,
    Expected,
    Parts,
    Strata,
    learn_estimators,
    strata_of,
)
from modelwatch.judging import Judge, Moment
from modelwatch.monitor import Monitor
from modelwatch.references import Windows
from modelwatch.trackers import Trackers
from profiles import Profile

FAILED = "the estimate failed; see the service's log"
ERROR = "performance.estimation_error."
Held = Mapping[int, Profile]
log = logging.getLogger(__name__)


def learned_estimators(
    task: str, references: Mapping[str, tuple[Held, Held]], length: int
) -> dict[str, Estimators]:
    """What estimates performance, by segment; those whose reference has too few labels are absent.

    Args:
        task: of the model.
        references: by segment the profiles of traffic and of joined labels, by the start of their windows.
        length: of a window, in microseconds.
    """
    found: dict[str, Estimators] = {}
    if task not in TRAFFIC:  # what a ranked list is worth cannot be told from what is known of it
        return found
    for segment, (_, outcomes) in references.items():
        # all rows may be divided by segment; those of a segment are a whole of their own
        names = {name: name for name in references} if segment == EVERYTHING else {segment: EVERYTHING}
        starts = sorted(outcomes)
        phases = [phase_of(start, length) for start in starts]
        try:
            windows = [_parts(task, references, names, start) for start in starts]
            learned = learn_estimators(task, windows, phases)
        except Exception:  # the other signals are judged all the same
            log.exception(
                "performance cannot be estimated from the reference's labels (%s)", segment or "all"
            )
            continue
        if learned is not None:
            found[segment] = learned
    return found


def of_labelled(
    reader: Reader, chosen: Windows, references: Mapping[str, tuple[Held, Held]], task: str
) -> dict[str, tuple[Held, Held]]:
    """References with the traffic of every window that has labels, whether its traffic was good or not.

    Where only windows with usual features count, estimates would seem to differ less than they do.
    """
    found: dict[str, tuple[Held, Held]] = {}
    part = [TRAFFIC[task]] if task in TRAFFIC else []
    for segment, (traffic, outcomes) in references.items():
        others = [start for start in outcomes if start not in traffic]
        more = reader.traffic(chosen.role, others, segment, chosen.version, only=part) if others else {}
        found[segment] = {**traffic, **more}, outcomes
    return found


def _parts(
    task: str, references: Mapping[str, tuple[Held, Held]], names: Mapping[str, str], start: int
) -> Parts:
    """A window of the reference by some segments, under other names."""
    traffic, outcomes = (
        {
            name: references[segment][side][start]
            for segment, name in names.items()
            if start in references[segment][side]
        }
        for side in (0, 1)
    )
    realised = outcomes[EVERYTHING].parts.get("performance") if EVERYTHING in outcomes else None
    return Parts(strata_of(traffic, TRAFFIC[task]), strata_of(outcomes, OUTCOMES[task]), realised)


def _expected(learned: Estimators, metrics: Sequence[str], window: Strata) -> dict[str, Expected]:
    try:
        return learned.model.expected(metrics, window)
    except Exception:  # one signal fails, not the evaluation
        log.exception("the estimate of %s failed", ", ".join(metrics))
        return {}


@dataclass
class EstimateJudge:
    """Judges estimates of a moment, and the estimates of windows whose labels have settled.

    An estimate is `ok` only while the estimator has lately agreed with labels: it cannot see concept drift.

    Attributes:
        connection: the transaction that judges.
        reader: of the model's profiles.
        monitor: the monitor.
        judge: of the moment.
        trackers: the memory, which is changed.
    """

    connection: sa.Connection
    reader: Reader
    monitor: Monitor
    judge: Judge
    trackers: Trackers
    _told: dict[tuple[int, str, str], float] = field(default_factory=dict)

    def of_traffic(self, moment: Moment, profiles: Mapping[str, Profile]) -> list[Line]:
        """The estimates of a window that has closed.

        Args:
            moment: the window.
            profiles: of what was known at prediction, by segment.
        """
        lines = []
        for segment, learned in self.judge.estimators.items():
            window, rows = self._window(learned, segment, profiles)
            if not window:
                continue
            phase = phase_of(moment.start, self.judge.length)
            expected = _expected(learned, tuple(learned.by_metric), window) if rows >= MIN_ROWS else {}
            for metric, estimator in learned.by_metric.items():
                if metric in expected:
                    judged = estimator.judge(expected[metric], self._alpha(segment), phase)
                else:
                    why = f"{rows} predictions, fewer than {MIN_ROWS}"
                    judged = insufficient(f"{CAVEAT}; {why if rows < MIN_ROWS else FAILED}")
                line = self._line(moment, ESTIMATED + metric, segment, judged)
                if line.value is not None:
                    self._told[moment.start, segment, metric] = line.value
                lines.append(self._trusted(line, metric, moment))
        return lines

    def of_outcomes(self, moment: Moment, outcomes: Mapping[str, Profile]) -> list[Line]:
        """How far what is realised in a window is from what was estimated of it.

        Args:
            moment: the window, and when its labels have settled.
            outcomes: its joined labels, by segment.
        """
        told = self._estimates(moment.start)
        if not told:
            return []
        part, starts = [TRAFFIC[self.monitor.task]], [moment.start]
        held = {
            name: self.reader.traffic("production", starts, name, only=part) for name in self.judge.segments
        }
        profiles = {name: one[moment.start] for name, one in held.items() if moment.start in one}
        lines = []
        for segment, learned in self.judge.estimators.items():
            window, rows = self._window(learned, segment, profiles)
            realised = outcomes.get(segment, Profile()).parts.get("performance")
            metrics = [metric for metric in learned.by_metric if (segment, metric) in told]
            if not window or not metrics:
                continue
            expected = _expected(learned, metrics, window)
            for metric in metrics:
                judged = insufficient("too few labels")
                if realised is not None and metric in expected:
                    judged = learned.by_metric[metric].check(
                        told[segment, metric],
                        expected[metric],
                        realised,
                        rows,
                        self._alpha(segment),
                        phase_of(moment.start, self.judge.length),
                    )
                lines.append(self._checked(moment, metric, segment, judged))
        return lines

    def _window(
        self, learned: Estimators, segment: str, profiles: Mapping[str, Profile]
    ) -> tuple[Strata, int]:
        """What to estimate from by stratum, and of how many rows; nothing where there are no scores."""
        mine = profiles if segment == EVERYTHING else {EVERYTHING: profiles.get(segment, Profile())}
        found = strata_of(mine, TRAFFIC[self.monitor.task], learned.model.column)
        whole = found.get("", {}).get("")
        return found.get(learned.model.column, found.get("", {})), whole.count if whole is not None else 0

    def _checked(self, moment: Moment, metric: str, segment: str, judged: Judgement) -> Line:
        line = self._line(moment, ERROR + metric, segment, judged)
        if judged.p_value is not None and judged.value is not None:
            key = f"{metric}|{segment}"
            before = self.trackers.agreements.get(key, Agreement())
            breach = line.verdict is Verdict.BREACH
            self.trackers.agreements[key] = before.add(moment.end, judged, in_breach=breach)
        if line.verdict is not Verdict.BREACH:
            return line
        text = (
            f"labels disagree with the estimate by {line.value:+.3g}: concept drift; estimates cannot see it"
        )
        return replace(line, diagnosis=text)

    def _trusted(self, line: Line, metric: str, moment: Moment) -> Line:
        """The line of an estimate: never ok unless the estimator has lately agreed with labels."""
        if line.verdict is not Verdict.OK:
            return line
        agreement = self.trackers.agreements.get(f"{metric}|{line.segment}", Agreement())
        doubt = agreement.doubt(moment.start - self.monitor.label_horizon // MICROSECOND)
        if doubt is None:
            return line
        return replace(line, verdict=Verdict.INSUFFICIENT, diagnosis=f"{CAVEAT}; {doubt}")

    def _estimates(self, start: int) -> dict[tuple[str, str], float]:
        """What was estimated of a window, by segment and metric."""
        held = tables.verdicts.c
        query = sa.select(held.segment, held.signal, held.value).filter_by(
            model=self.monitor.model, start=start
        )
        query = query.where(held.signal.startswith(ESTIMATED, autoescape=True), held.value.is_not(None))
        found = {
            (row.segment, row.signal.removeprefix(ESTIMATED)): row.value
            for row in self.connection.execute(query)
        }
        fresh = {
            (segment, metric): value for (at, segment, metric), value in self._told.items() if at == start
        }
        return found | fresh

    def _alpha(self, segment: str) -> float:
        return p_of_evidence(self.judge.limit(segment))

    def _line(self, moment: Moment, signal: str, segment: str, judged: Judgement) -> Line:
        return self.judge.line(moment, signal, "", segment, judged, self.trackers)
