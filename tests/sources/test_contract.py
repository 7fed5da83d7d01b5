"""Every source: the same events give the same profiles, once, and what is bad is told and kept apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.summarize import Key
from profiles import Profile
from tests.collector.collecting import balanced, book, counted, rejected, same
from tests.sources.contract import BAD, EVENTS, Case, Http, Place, direct, events, spoiled
from tests.sources.filed import FILES
from tests.sources.loggers import LOGGERS, POSTED

CASES: list[Case] = [Http(), *LOGGERS, *POSTED, *FILES]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Profile]:
    """What a validator and a ledger make of the events."""
    return direct(tmp_path_factory.mktemp("direct") / "place", events())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.database.close()


@every_case
def test_a_source_counts_what_was_sent_once(case: Case, place: Place, wanted: dict[Key, Profile]) -> None:
    case.send(place, events())
    assert not rejected(place.database)
    assert same(counted(place.database), wanted)
    assert book(place.database) == (EVENTS, EVENTS, 0, 0)

    place.restart()
    case.send(place, events())
    assert same(counted(place.database), wanted)
    more = EVENTS if case.again else 0
    assert book(place.database) == (EVENTS + more, EVENTS, more, 0)
    assert balanced(place.database)


@every_case
def test_a_bad_event_is_told_and_the_rest_goes_on(
    case: Case, place: Place, wanted: dict[Key, Profile]
) -> None:
    case.send(place, spoiled(events(), 77))
    assert same(counted(place.database), wanted)
    assert book(place.database) == (EVENTS + 1, EVENTS, 0, 1)
    (told,) = rejected(place.database)
    assert (told.model, told.kind, told.field, told.value) == ("m", "prediction", "score", str(BAD))
    assert "outside 0 to 1" in told.reason
    assert "probability" in told.fix
    assert "bad" in told.raw
