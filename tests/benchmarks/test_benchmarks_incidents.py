from __future__ import annotations

from contextlib import closing

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.incidents import IncidentDesk
from alerts.line import Line
from alerts.rules import Alerting
from benchmarks.detection_incidents import Incidents
from benchmarks.detection_peers import opened, within_budget
from collector.store.database import Database
from detectors import Verdict
from modelwatch import schema

HOUR = 3_600_000_000
verdicts = st.sampled_from([Verdict.OK, Verdict.OK, Verdict.BREACH, Verdict.INSUFFICIENT])
histories = st.lists(st.tuples(verdicts, verdicts, verdicts), min_size=1, max_size=25)


def lines_of(window: int, verdicts: tuple[Verdict, ...]) -> list[Line]:
    start = window * HOUR
    return [
        Line(
            start, start + HOUR, start + HOUR, "drift.univariate", f"x{i}", "", 1.0, None, None, 0.5, verdict
        )
        for i, verdict in enumerate(verdicts)
    ]


@settings(max_examples=8, deadline=None)
@given(histories)
def test_people_are_told_as_often_as_by_the_service(history: list[tuple[Verdict, ...]]) -> None:
    fold, told = Incidents(), 0
    with closing(Database(None)) as database:
        schema.create(database)
        desk = IncidentDesk("m", Alerting(), HOUR, "")
        for window, row in enumerate(history):
            lines = lines_of(window, row)
            with database.write() as connection:
                told += sum(line.alert for line in desk.take(connection, lines, lines[0].end))
            fold.step(window, lines)
    assert len(fold.opened) + fold.updates == told


@given(st.lists(st.booleans(), max_size=40))
def test_flagged_windows_make_the_incidents_that_one_signal_would(flags: list[bool]) -> None:
    fold = Incidents()
    for window, flag in enumerate(flags):
        fold.step(window, lines_of(window, (Verdict.BREACH if flag else Verdict.OK,)))
    assert opened(flags) == len(fold.opened)


def test_a_threshold_that_keeps_the_budget_does_not_flag_everything() -> None:
    scores = np.array([[0.1, 0.2, 0.9, 0.1, 0.2, 0.1, 0.8, 0.1, 0.1, 0.3, 0.1, 0.1]])
    threshold = within_budget(scores, 1)
    assert 0.8 < threshold <= 0.9
    assert opened((scores.max(axis=0) >= threshold).tolist()) == 1
    assert within_budget(scores, 0) > 0.9
    assert within_budget(np.zeros((2, 10)), 1) > 0.0
    assert within_budget(np.ones((2, 10)), 1) > 1.0
