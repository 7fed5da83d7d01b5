"""Silence: told by the clock of a live model, crossed in bounded steps, and never called good."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.modelwatch.flows import HOUR, START, Workplace, alike, events_of, traffic
from tests.modelwatch.loops import Loop, late_labels, predictions

MINUTE = 60


def test_the_clock_tells_silence_of_a_live_model(loop: Loop) -> None:
    loop.take(predictions(12), now=START + 12 * HOUR)
    loop.advance(START + 12 * HOUR)
    assert set(loop.judged()) == {"ok"}
    loop.advance(START + 32 * HOUR)
    silent = loop.judged()[12:]
    assert len(silent) == 19
    assert silent[0] == "insufficient"
    assert silent[silent.index("breach") :] == ["breach"] * (19 - silent.index("breach"))
    loop.take(predictions(3, first=START + 32 * HOUR, seed=3), now=START + 35 * HOUR)
    loop.advance(START + 35 * HOUR + 90)
    assert loop.judged()[-3:] == ["ok", "ok", "ok"]


def test_a_model_that_is_silent_every_night_wakes_nobody(workplace: Workplace, good: pd.DataFrame) -> None:
    loop = Loop(workplace, good, reference={"kind": "learned"}, segments=None)
    every = traffic(24 * 6, rows=5, seed=4)
    hours = every["ts"].dt.hour
    by_day = every[(hours >= 8) & (hours < 20)]
    loop.take([event for event in events_of(by_day) if event["kind"] == "prediction"])
    loop.advance()
    verdicts = loop.judged()[48:]
    assert set(verdicts) == {"ok", "insufficient"}


def test_the_clock_tells_nothing_of_a_replay(loop: Loop) -> None:
    loop.take(predictions(12), now=START + 5000 * HOUR)
    loop.advance(START + 5000 * HOUR)
    assert len(loop.judged()) == 11


def test_a_year_of_silence_is_told_in_a_bounded_number_of_lines(loop: Loop) -> None:
    loop.take(predictions(3), now=START + 3 * HOUR)
    loop.advance(START + 9000 * HOUR)
    assert len(loop.judged()) < 120
    assert loop.judged()[-1] == "breach"
    loop.advance(START + 9003 * HOUR)
    assert len(loop.judged()) < 125


@pytest.mark.parametrize("labelled", [False, True])
def test_a_gap_of_months_is_crossed_and_the_labels_in_it_are_judged(loop: Loop, labelled: bool) -> None:
    events = late_labels(4, 700) if labelled else predictions(4)
    later = predictions(4, first=START + 3000 * HOUR, seed=5)
    loop.take(events + later)
    loop.advance(flush=True)
    assert len(loop.judged()) <= 125
    assert loop.judged("drift.prediction").count("ok") >= 8
    assert len(loop.judged("performance.roc_auc")) == (4 * 3 if labelled else 0)  # with two segments


def test_stepwise_and_at_once_cross_a_gap_alike(workplace: Workplace, good: pd.DataFrame) -> None:
    events = late_labels(2, 400)
    events += predictions(2, first=START + 2000 * HOUR, seed=5)
    found = []
    for step in (10_000, 17):
        folder = workplace.folder / str(step)
        folder.mkdir()
        loop = Loop(Workplace(folder), good)
        for first in range(0, len(events), step):
            loop.take(events[first : first + step])
            if step == 17:
                loop.advance()
        found.append(loop.advance())
    assert alike(found[0], found[1])
