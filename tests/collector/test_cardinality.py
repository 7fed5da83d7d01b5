"""Segments and categories of many values: bounded in profiles, storage and time."""

from __future__ import annotations

import time

from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import SCHEMA, commit, counted, prediction


def test_a_segment_of_a_hundred_thousand_values_costs_a_few_profiles(
    database: Database, ledger: Ledger
) -> None:
    events = [prediction(0, id=str(n), tags={"region": f"user-{n}"}) for n in range(20_000)]
    began = time.monotonic()
    commit(ledger, events, "a")
    assert time.monotonic() - began < 10
    found = {key.segment: profile.rows for key, profile in counted(database).items()}
    assert found == {"": 20_000, "region=(other)": 20_000}


def test_a_model_without_a_reference_bounds_its_segments_too(database: Database) -> None:
    schema = SCHEMA.model_copy(update={"model": "fresh"})
    events = [prediction(n, model="fresh", tags={"region": f"u{n}"}) for n in range(3000)]
    commit(Ledger(database, {"fresh": schema}), events, "a")
    assert len({key.segment for key in counted(database, "fresh")}) <= 102


def test_categories_outside_the_vocabulary_share_buckets(database: Database, ledger: Ledger) -> None:
    events = [prediction(n, timestamp=1714521600 + n / 1e3, features={"c": f"word-{n}"}) for n in range(5000)]
    commit(ledger, events, "a")
    found = [one for key, one in counted(database).items() if not key.segment]
    assert found[0].parts["features.c"].unseen == 5000
    assert found[0].parts["features.c"].counts.keys.size <= 64
    assert len(found[0].to_bytes()) < 20_000


def test_a_segment_with_strange_characters_stays_one_segment(database: Database) -> None:
    schema = SCHEMA.model_copy(update={"model": "fresh"})
    strange = ["a|b", "a=b", "a\x1fb", "", " ", "ü", "\x00", "{}", "%"]
    events = [prediction(n, model="fresh", tags={"region": word}) for n, word in enumerate(strange)]
    commit(Ledger(database, {"fresh": schema}), events, "a")
    found = {key.segment for key in counted(database, "fresh") if key.segment}
    assert found == {f"region={word}".replace("\x1f", " ") for word in strange if word}
