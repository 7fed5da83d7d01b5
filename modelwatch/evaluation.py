"""The evaluation loop: every window is judged once, in one transaction with what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from alerts import tables
from alerts.incidents import IncidentDesk
from alerts.line import Line
from collector.store.database import Database
from collector.store.read import ARRIVED, Reader
from collector.store.rows import put
from collector.summarize import EVERYTHING
from collector.window import MICROSECOND
from detectors.season import DAY
from modelwatch.arrivals import ArrivalJudge, known_arrivals
from modelwatch.circumstances import Circumstances
from modelwatch.diagnosing import breaches, diagnosed
from modelwatch.estimating import EstimateJudge, learned_estimators, of_labelled
from modelwatch.fairness import learned_gaps
from modelwatch.judging import WINDOW, Judge, Moment, in_breach, learn
from modelwatch.monitor import Monitor
from modelwatch.objectives import ObjectiveJudge
from modelwatch.outcomes import OutcomeJudge
from modelwatch.references import Windows, profiles_of
from modelwatch.sampling import shape_of, with_samples
from modelwatch.spanning import SpanJudge
from modelwatch.spans import spans_of
from modelwatch.trackers import Trackers
from profiles import ARRIVALS, Profile

LIVE_LATENESS = 60_000_000  # a live model's windows stay open this long: its senders send in batches
LONGEST_SILENCE = 100  # so many empty windows in a row are judged, then the next with data


class Evaluation:
    """Judges one model's windows as event time passes them.

    What it does depends on committed events alone, so a stream, a replay after a crash, and an analysis of
    the same events from files come to the same verdicts.

    Args:
        database: where profiles are, and verdicts go.
        monitor: what to judge, and what to do about it.
        url: where the pages are, for messages.
    """

    def __init__(self, database: Database, monitor: Monitor, url: str) -> None:
        self._database, self._monitor = database, monitor
        self._length = monitor.window.length
        self._desk = IncidentDesk(monitor.model, monitor.alerts, self._length, url)
        self._cached: tuple[Any, Judge] | None = None

    def advance(
        self, now: int | None, *, flush: bool = False, stop: Callable[[], bool] = lambda: False
    ) -> int:
        """Judge every window that has closed; returns how many moments were judged.

        Args:
            now: the clock in microseconds, by which the windows of a live model close; None for event time
                alone.
            flush: nothing more will come, so the last windows are complete.
            stop: asked before every moment whether to leave the rest for later.
        """
        judged = 0
        while not stop() and self._once(now, flush=flush):
            judged += 1
        return judged

    def _once(self, now: int | None, *, flush: bool) -> bool:
        """Judge the next closed window; returns whether there was one."""
        with self._database.read() as connection:
            reader = Reader(connection, self._monitor.model)
            ready = self._next(reader, connection, now, flush=flush)
            if ready is None:
                return False
            # learn here what there is to learn: in the transaction ingest would wait for it
            self._prepared(reader, ready - self._length, self._progress(connection)[1], ready)
        with self._database.write() as connection:
            reader = Reader(connection, self._monitor.model)
            end = self._next(reader, connection, now, flush=flush)
            if end is None:
                return False
            self._judge(connection, reader, end, flush=flush)
        return True

    def _flush_end(self, reader: Reader) -> int:
        watermark = reader.row.watermark if reader.row else 0
        return self._monitor.window.start(watermark) + self._length

    def _horizon(self, reader: Reader, now: int | None, *, flush: bool) -> int:
        """Windows that end by this moment are closed."""
        if flush:
            return self._flush_end(reader) + self._length  # one more, for labels to settle
        live = bool(reader.row and reader.row.live)
        given = self._monitor.lateness
        lateness = given // MICROSECOND if given else LIVE_LATENESS if live else 0
        horizon: int = reader.row.watermark - lateness if reader.row else 0
        if now is not None and live:
            horizon = max(horizon, now - max(lateness, LIVE_LATENESS))
        return horizon

    def _next(self, reader: Reader, connection: sa.Connection, now: int | None, *, flush: bool) -> int | None:
        """The end of the next window to judge; None when none has closed."""
        if reader.row is None or reader.shape is None:
            return None
        horizon = self._horizon(reader, now, flush=flush)
        until, trackers = self._progress(connection)
        if until is None:
            first = reader.starts("production", most=1)
            return first[0] + self._length if first and first[0] + self._length <= horizon else None
        if trackers.empty >= LONGEST_SILENCE:
            later = self._after_silence(reader, trackers, until)
            if reader.row.live or flush:  # the clock goes on, or the last moment is to come
                later.append(self._monitor.window.start(horizon) - self._length)
            if not later:
                return None
            until = max(until, min(later))
        return until + self._length if until + self._length <= horizon else None

    def _after_silence(self, reader: Reader, trackers: Trackers, until: int) -> list[int]:
        """The starts of the next windows with predictions, with labels, and in which labels are given up."""
        window, pending = self._monitor.window, trackers.pending
        labels = reader.next_labels(until - self._length) if pending else None
        events = reader.starts("production", until, most=1)
        events += [] if labels is None else [max(labels, until)]
        return events + [
            window.start(start + self._monitor.label_horizon // MICROSECOND) for start in pending[:1]
        ]

    def _progress(self, connection: sa.Connection) -> tuple[int | None, Trackers]:
        row = connection.execute(
            sa.select(tables.progress).filter_by(model=self._monitor.model)
        ).one_or_none()
        if row is None:
            return None, Trackers()
        window = self._monitor.window  # may have changed since
        return window.start(row.judged_until - 1) + self._length, Trackers.from_json(row.trackers)

    def _judge(self, connection: sa.Connection, reader: Reader, end: int, *, flush: bool) -> None:
        """Judge the window that ends at `end`, and those whose labels have settled by then."""
        _, trackers = self._progress(connection)
        begun = breaches(trackers)
        start = end - self._length
        judge, learning = self._prepared(reader, start, trackers, end)
        final = flush and end > self._flush_end(reader)
        # when the input is over, windows after the last prediction are not silence
        over = flush and not any(reader.starts(role, start, most=1) for role in ("production", ARRIVED))
        moment = Moment(start, end, end)
        trackers.empty += over
        spans = SpanJudge(connection, reader, self._monitor.model, judge, trackers)
        complete = not flush or (reader.row is not None and end <= reader.row.watermark)
        estimates = EstimateJudge(connection, reader, self._monitor, judge, trackers)
        lines = [] if over else self._traffic(spans, estimates, moment, learning=learning, complete=complete)
        outcomes = OutcomeJudge(self._monitor, judge, trackers, estimates)
        lines += outcomes.lines(reader, end, learning=learning, final=final)
        lines += ObjectiveJudge(self._monitor, judge, trackers).of_signals(lines)
        chosen = self._cached[0][1] if self._cached else None
        known = Circumstances(connection, reader, self._monitor.model, judge, chosen, end)
        lines = diagnosed(known, lines, begun)
        self._commit(connection, lines, trackers, end)

    def _prepared(self, reader: Reader, start: int, trackers: Trackers, end: int) -> tuple[Judge, bool]:
        """The judge for a window, learned anew when the reference has changed; and whether it learns."""
        chosen = self._monitor.reference.choose(reader, start, trackers.past, trackers.past_outcomes)
        shape = reader.shape
        # of a reference in production more labels may have come since
        live = chosen is not None and chosen.role == "production"
        known = end // DAY * DAY if self._monitor.reference.daily and self._length < DAY else end
        fresh = reader.labelled(chosen.outcomes, known) if chosen and live else (0, 0)
        identity = (shape.digest if shape else "", chosen, fresh)
        if self._cached is None or self._cached[0] != identity:
            self._cached = (identity, self._judge_of(reader, chosen, known))
        return self._cached[1], chosen is None

    def _judge_of(self, reader: Reader, chosen: Windows | None, end: int) -> Judge:
        shape = shape_of(reader, self._monitor)
        if shape is None:
            raise ValueError(f"model {self._monitor.model} has no shape yet")
        found = self._monitor.checks(shape)
        segments = [EVERYTHING]
        references = {}
        if chosen is not None:
            # those of the reference alone: it must not matter what has come since
            segments += [one for one in reader.segments(chosen.role, chosen.starts) if one != EVERYTHING]
            references = {name: profiles_of(reader, chosen, name, end) for name in segments}
            traffic, labelled = references[EVERYTHING]
            sampled = with_samples(reader, self._monitor, chosen.role, traffic)
            references[EVERYTHING] = sampled, labelled
        run_length = self._monitor.false_alarms.windows(self._monitor.window.size)
        windows = len(chosen.starts) if chosen and chosen.role == "reference" else 0
        spans = spans_of(self._monitor.window)
        learned = learn(found, references, self._length, spans)
        used = spans[: 1 + max((place[2] for place in learned), default=WINDOW)]
        gaps = learned_gaps(self._monitor.gaps(), references, self._length)
        estimators = {}
        if self._monitor.estimates != "none" and chosen is not None:
            labelled_traffic = of_labelled(reader, chosen, references, self._monitor.task)
            estimators = learned_estimators(self._monitor.task, labelled_traffic, self._length)
        return Judge(found, segments, run_length, self._length, learned, windows, used, gaps, estimators)

    def _traffic(
        self,
        spans: SpanJudge,
        estimates: EstimateJudge,
        moment: Moment,
        *,
        learning: bool,
        complete: bool,
    ) -> list[Line]:
        """The lines of what is known at prediction."""
        reader, judge, trackers = spans.reader, spans.judge, spans.trackers
        profiles = {
            segment: held[moment.start]
            for segment in judge.segments
            if moment.start in (held := reader.traffic("production", [moment.start], segment))
        }
        rows = profiles[EVERYTHING].rows if EVERYTHING in profiles else 0
        if rows:
            whole = {moment.start: profiles[EVERYTHING]}
            profiles[EVERYTHING] = with_samples(reader, self._monitor, "production", whole)[moment.start]
        arrived = profiles.get(EVERYTHING, Profile()).part(ARRIVALS.kind)
        lines = self._arrivals(reader, judge, trackers).lines(moment, arrived, complete=complete)
        came = arrived.accepted + arrived.rejected
        trackers.empty = 0 if came else trackers.empty + 1
        if came and not rows:  # nothing but rejected rows
            lines += judge.lines(moment, profiles, trackers, performance=False, learning=learning)
        if rows:
            judged = judge.lines(moment, profiles, trackers, performance=False, learning=learning)
            lines += spans.overlay(judged, moment)
            lines += estimates.of_traffic(moment, profiles)
            trackers.pending.append(moment.start)
            objectives = ObjectiveJudge(self._monitor, judge, trackers)
            lines += objectives.of_requests(reader, moment, profiles)
            trackers.past.append((moment.start, in_breach(lines)))
        return lines

    def _arrivals(self, reader: Reader, judge: Judge, trackers: Trackers) -> ArrivalJudge:
        reference = reader.starts("reference") if judge.windows else ()
        if trackers.past and not trackers.arrivals:  # judged by an older version
            trackers.arrivals = known_arrivals(reader, trackers.past, self._length, LONGEST_SILENCE)
        return ArrivalJudge(judge, trackers, self._monitor.switched_on(), reference)

    def _commit(self, connection: sa.Connection, lines: Sequence[Line], trackers: Trackers, end: int) -> None:
        """Store the lines, let incidents and actions follow, and move on."""
        model = self._monitor.model
        if lines:
            rows = [{"model": model, **line.row()} for line in lines]
            connection.execute(tables.verdicts.insert(), rows)
        for line in self._desk.take(connection, lines, end):
            if line.alert:
                one = {"start": line.start, "signal": line.signal, "subject": line.subject}
                one |= {"model": model, "segment": line.segment}
                connection.execute(tables.verdicts.update().filter_by(**one).values(alert=True))
        values = {"judged_until": end, "trackers": trackers.to_json()}
        put(connection, tables.progress, {"model": model}, values, {})
