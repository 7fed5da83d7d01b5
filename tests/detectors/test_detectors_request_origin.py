"""Where a change of latency or errors comes from: a release, a part of the traffic, its mix, or the stack."""

from __future__ import annotations

import pytest

from detectors.diagnosis.origin import Change, RequestSeries
from detectors.diagnosis.request_measures import ErrorShare, LatencyLevel
from detectors.diagnosis.split import Where
from tests.detectors.request_worlds import FROM, HOUR, Cell, alone, canary, moved, replaced, series

MEDIAN = LatencyLevel(50)
MEASURES = (MEDIAN, LatencyLevel(99), ErrorShare())
WORLDS = {
    "release": (canary, lambda cell: cell.version == "v8", Where.MIX, Where.ALIKE, ("v8",)),
    "stack": (canary, lambda cell: cell.late, Where.ALIKE, Where.ALIKE, ("v7",)),
    "environment": (
        canary,
        lambda cell: cell.late and cell.environment == "eu",
        Where.ALIKE,
        Where.SOME,
        ("v7",),
    ),
    "replaced": (replaced, lambda cell: cell.late, Where.REPLACED, Where.ALIKE, ("v8",)),
    "one version": (alone, lambda cell: cell.late, Where.ONE, Where.ALIKE, ("v7",)),
    "mix": (moved, lambda cell: cell.environment == "us", Where.ONE, Where.MIX, ("v7",)),
}


def slowed(found: RequestSeries) -> Change:
    changes = [one for one in found.changes(MEASURES) if one.measure == MEDIAN]
    assert [one.start // HOUR for one in changes] == [FROM]
    return changes[0]


@pytest.mark.parametrize("name", WORLDS)
def test_a_change_is_traced_to_what_it_comes_with(name: str) -> None:
    traffic, slow, by_version, by_environment, versions = WORLDS[name]
    change = slowed(series(traffic, slow))
    first, second = change.splits
    assert (first.column, second.column) == ("version", "environment")
    assert (first.where, second.where) == (by_version, by_environment)
    assert tuple(part.name for part in first.parts) == versions
    assert change.after > 1.1 * change.before


def test_failures_are_traced_as_latency_is() -> None:
    found = series(canary, lambda _: False, lambda cell: cell.version == "v8").changes(MEASURES)
    (change,) = found
    assert isinstance(change.measure, ErrorShare)
    assert (change.start // HOUR, change.splits[0].where) == (FROM, Where.MIX)
    (part,), (other,) = change.splits[0].parts, change.splits[0].others
    assert (part.name, other.name) == ("v8", "v7")
    assert part.after == pytest.approx(0.05, abs=0.01)
    assert other.after == pytest.approx(0.002, abs=0.002)


def test_healthy_traffic_has_no_change_though_a_version_comes() -> None:
    assert not series(canary, lambda _: False).changes(MEASURES)


def test_what_is_faster_again_is_told_too() -> None:
    found = series(alone, lambda cell: 40 <= cell.hour < FROM).changes([MEDIAN])
    assert [(one.start // HOUR, one.after > one.before) for one in found] == [(40, True), (FROM, False)]


def test_a_change_is_told_of_a_window_that_is_known() -> None:
    found = series(canary, lambda cell: cell.version == "v8")
    change = found.change_at(MEDIAN, FROM * HOUR)
    assert change is not None
    assert change.splits[0].where is Where.MIX
    assert found.change_at(MEDIAN, 0) is None
    assert series(canary, lambda _: False).change_at(MEDIAN, FROM * HOUR) is None


def test_too_few_requests_tell_nothing() -> None:
    def slow(cell: Cell) -> bool:
        return cell.late

    change = series(canary, slow, rows=20).change_at(LatencyLevel(99), (FROM + 20) * HOUR)
    assert change is None or change.splits[0].where is Where.UNKNOWN
