"""Which windows each kind of reference chooses, read from a real database."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from collector.store.read import Reader
from detectors.season import DAY, WEEK
from modelwatch.references import LearnedReference, SeasonalReference, VersionReference
from tests.modelwatch.flows import START, Workplace
from tests.modelwatch.loops import Loop

HOUR = 3_600_000_000
FIRST = START * 1_000_000


def stream(days: float, first: float = 0.0, version: str = "v1", mean: float = 0.0) -> list[dict[str, Any]]:
    """Two predictions an hour."""
    hours = np.arange(int(first * 24), int((first + days) * 24))
    return [
        {
            "kind": "prediction",
            "model": "m",
            "id": f"{version}-{hour}-{half}",
            "timestamp": float(START + hour * 3600 + half * 1800),
            "features": {"x": mean + half},
            "prediction": 1.0,
            "version": version,
        }
        for hour in hours
        for half in range(2)
    ]


@pytest.fixture
def loop(workplace: Workplace) -> Loop:
    plain = {"task": "regression", "features": {"x": "numeric"}, "segments": [], "slos": []}
    return Loop(workplace, pd.DataFrame({"ts": [pd.Timestamp(0, tz="UTC")]}), reference=None, **plain)


def past(loop: Loop, bad: tuple[int, ...] = ()) -> list[tuple[int, bool]]:
    """Every window of the database as judged, some in breach, by hours from the first."""
    with loop.database.read() as connection:
        starts = Reader(connection, "m").starts("production")
    return [(start, (start - FIRST) // HOUR in bad) for start in starts]


def chosen(loop: Loop, reference: Any, day: float, judged: list[tuple[int, bool]]) -> Any:
    with loop.database.read() as connection:
        window = FIRST + int(day * DAY) // HOUR * HOUR
        before = [one for one in judged if one[0] < window]
        return reference.choose(Reader(connection, "m"), window, before, before)


def test_a_learned_reference_waits_for_a_week_and_grows_to_four(loop: Loop) -> None:
    loop.take(stream(40))
    judged = past(loop, bad=(5, 300))
    reference = LearnedReference()
    assert chosen(loop, reference, 6.9, judged) is None
    week = chosen(loop, reference, 7.1, judged)
    assert len(week.starts) == 7 * 24 - 1
    assert FIRST + 5 * HOUR not in week.starts
    assert chosen(loop, reference, 7.9, judged) == week, "learned anew once a day"
    assert len(chosen(loop, reference, 20, judged).starts) == 20 * 24 - 2
    late = chosen(loop, reference, 39, judged)
    assert late.starts[-1] == FIRST + 28 * DAY - HOUR
    with loop.database.read() as connection:
        needed = reference.needed(Reader(connection, "m"), judged, judged)
    assert needed >= {*late.starts}


def test_a_learned_reference_of_counted_windows_never_changes(loop: Loop) -> None:
    loop.take(stream(3))
    judged = past(loop)
    reference = LearnedReference(windows=10)
    assert chosen(loop, reference, 9 / 24, judged) is None
    assert chosen(loop, reference, 1, judged) == chosen(loop, reference, 2.5, judged)
    assert len(chosen(loop, reference, 1, judged).starts) == 10


def test_a_seasonal_reference_moves_with_the_weeks(loop: Loop) -> None:
    loop.take(stream(42))
    judged = past(loop, bad=(900,))
    reference = SeasonalReference(weeks=3)
    assert chosen(loop, reference, 6.5, judged) is None
    found = chosen(loop, reference, 40.5, judged)
    assert found.starts[-1] == FIRST + 40 * DAY - HOUR
    assert found.starts[-1] - found.starts[0] < 3 * WEEK
    assert len(found.starts) == 3 * 7 * 24 - 1
    assert FIRST + 900 * HOUR not in found.starts
    assert chosen(loop, reference, 40.9, judged) == found
    lasting = past(loop, bad=tuple(range(600, 42 * 24)))
    adopted = chosen(loop, SeasonalReference(weeks=3, adopt_after=100), 41, lasting)
    assert adopted.starts[-1] == FIRST + 41 * DAY - HOUR
    kept = chosen(loop, SeasonalReference(weeks=3, adopt_after=1000), 41, lasting)
    assert kept.starts[-1] == FIRST + 599 * HOUR


def test_a_versions_first_days_are_its_predictions_alone(loop: Loop) -> None:
    loop.take(stream(6))
    loop.take(stream(6, first=3, version="v2", mean=50.0))
    judged = past(loop)
    first = VersionReference.model_validate({"first": "2d"})
    assert chosen(loop, first, 1.9, judged) is None
    found = chosen(loop, first, 5, judged)
    assert (found.version, len(found.starts)) == ("v1", 48)
    second = VersionReference.model_validate({"version": "v2", "first": "1d"})
    assert chosen(loop, second, 3.9, judged) is None
    found = chosen(loop, second, 5, judged)
    assert (found.starts[0], len(found.starts)) == (FIRST + 3 * DAY, 24)
    with loop.database.read() as connection:
        reader = Reader(connection, "m")
        only = reader.traffic(found.role, found.starts, version=found.version)
        assert all(profile.rows == 2 for profile in only.values())
        assert second.needed(reader, judged, judged) == {*found.starts}
        assert VersionReference(version="v3").needed(reader, judged, judged) == set()
    assert chosen(loop, VersionReference(version="v3"), 5, judged) is None


def test_a_version_is_judged_against_its_own_first_days(workplace: Workplace) -> None:
    rng = np.random.default_rng(0)
    plain = {"task": "regression", "features": {"x": "numeric"}, "segments": [], "slos": []}
    detectors = [{"kind": "kolmogorov_smirnov", "min_rows": 20}]
    reference = {"kind": "version", "version": "v1", "first": "1d"}
    nothing = pd.DataFrame({"ts": [pd.Timestamp(0, tz="UTC")]})
    loop = Loop(workplace, nothing, reference=reference, detectors=detectors, **plain)
    events = [dict(event) for event in stream(2) for _ in range(20)]
    for place, event in enumerate(events):
        after = place >= len(events) // 2
        event |= {"id": f"p{place}", "features": {"x": float(rng.normal(3.0 * after))}}
    loop.take(events)
    loop.advance(flush=True)
    verdicts = loop.judged("drift.univariate")
    assert set(verdicts[:24]) == {"insufficient"}
    assert set(verdicts[24:48]) == {"breach"}
