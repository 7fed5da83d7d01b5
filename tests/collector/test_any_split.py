"""The same events give the same profiles, however they are cut, shuffled, repeated and interrupted."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.store.database import Database
from collector.store.ledger import Ledger
from collector.summarize import Key
from profiles import Profile
from tests.collector.collecting import (
    CLASSES,
    NUMBERS,
    SCHEMA,
    SCHEMAS,
    balanced,
    book,
    commit,
    counted,
    fix_shape,
    label,
    open_database,
    prediction,
    same,
)

COUNT = 40
Counted = dict[Key, Profile]


def events(model: str) -> list[dict[str, Any]]:
    """Predictions, some of them without one value or another, and labels of most."""
    values: dict[str, Any] = {} if model == "m" else {"score": None}
    made = []
    for n in range(COUNT):
        event = prediction(n, model=model, version=f"v{n % 2}", **values)
        if model == "k":
            event["prediction"] = "abcd"[n % 4]
        elif model == "r":
            event["prediction"] = n / 3
        elif n % 5 == 0:
            event |= {"score": None, "prediction": n % 2}
        gaps: dict[int, dict[str, Any]] = {
            3: {"latency_ms": None},
            4: {"status": None},
            6: {"features": {}},
            7: {"tags": {}},
        }
        made.append(event | gaps.get(n % 8, {}))
        if n % 9 == 0:
            made[-1] |= {"score": None, "prediction": None, "status": 500}
    truth: dict[str, list[Any]] = {
        "m": [n % 2 for n in range(COUNT)],
        "k": ["abcde"[n % 5] for n in range(COUNT)],
        "r": [n / 4 for n in range(COUNT)],
    }
    return made + [label(n, model=model, label=truth[model][n]) for n in range(COUNT) if n % 6]


@pytest.fixture(scope="module", params=[SCHEMA, CLASSES, NUMBERS], ids=lambda schema: schema.task)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Counted]:
    """A model, an empty database that knows its shape, and its profiles when all comes in one batch."""
    path = tmp_path_factory.mktemp("whole") / "empty.db"
    database = open_database(path)
    fix_shape(database, request.param)
    database.close()
    model = request.param.model
    with TemporaryDirectory() as folder:
        database = copied(path, Path(folder))
        commit(Ledger(database, SCHEMAS), events(model), "all")
        found = counted(database, model)
        database.close()
    return model, path, found


def copied(path: Path, folder: Path) -> Database:
    shutil.copy(path, folder / "copy.db")
    return Database(folder / "copy.db")


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_split_gives_the_same_profiles(whole: tuple[str, Path, Counted], data: st.DataObject) -> None:
    model, empty, expected = whole
    every = events(model)
    places = list(range(len(every)))
    order = data.draw(st.permutations(places), "order")
    order += data.draw(st.lists(st.sampled_from(places), max_size=20), "repeated")
    cuts = data.draw(st.sets(st.integers(1, len(order) - 1), max_size=25), "cuts")
    restarts = data.draw(st.sets(st.sampled_from([0, *sorted(cuts)]), max_size=5), "restarts")
    edges = [0, *sorted(cuts), len(order)]
    with TemporaryDirectory() as folder:
        database = copied(empty, Path(folder))
        ledger = Ledger(database, SCHEMAS)
        for first, last in itertools.pairwise(edges):
            if first in restarts:
                ledger = Ledger(database, SCHEMAS)
            commit(ledger, [every[place] for place in order[first:last]], str(first))
        found = counted(database, model)
        assert same(found, expected)
        assert book(database, model) == (len(order), len(every), len(order) - len(every), 0)
        assert balanced(database)
        database.close()
