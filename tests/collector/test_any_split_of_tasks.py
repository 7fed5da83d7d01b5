"""Class probabilities and ranked lists give the same profiles however their events are cut and shuffled."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.schema import Schema
from collector.store.ledger import Ledger
from collector.store.rows import store_shape
from tests.collector import test_class_probabilities as classes
from tests.collector import test_ranked_lists as lists
from tests.collector.collecting import commit, counted, open_database, same
from tests.collector.test_any_split import Counted, copied

COUNT = 30


def classified() -> list[dict[str, Any]]:
    """Predictions with probabilities of all classes, of some, or of none, and labels of most."""
    made = []
    for n, scores in enumerate(classes.drawn(COUNT)):
        some: dict[str, Any] = scores if n % 4 else {"cat": 0.5, "owl": 0.25}
        made.append(classes.event(n, some if n % 5 else None, prediction=None if n % 5 else "ant"))
    return made + [classes.label(n, ("ant", "bee", "owl")[n % 3]) for n in range(COUNT) if n % 6]


def ranked() -> list[dict[str, Any]]:
    made = [lists.event(n, lists.items(n) if n % 2 else n) for n in range(COUNT)]
    return made + [lists.label(n, [0] * (n % 5) + [n % 3, 2] if n % 4 else n) for n in range(COUNT) if n % 6]


EVENTS = {"k": classified(), "l": ranked()}
SHAPES = {"k": classes.SHAPE, "l": lists.SHAPE}
SCHEMAS: Mapping[str, Schema] = classes.SCHEMAS | lists.SCHEMAS


@pytest.fixture(scope="module", params=EVENTS)
def whole(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, Counted]:
    """A model, an empty database that knows its shape, and its profiles when all comes in one batch."""
    model, path = request.param, tmp_path_factory.mktemp("whole") / "empty.db"
    database = open_database(path)
    with database.write() as connection:
        store_shape(connection, model, SHAPES[model], "test")
    database.close()
    with TemporaryDirectory() as folder:
        database = copied(path, Path(folder))
        commit(Ledger(database, SCHEMAS), EVENTS[model], "all")
        found = counted(database, model)
        database.close()
    return model, path, found


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_split_gives_the_same_profiles(whole: tuple[str, Path, Counted], data: st.DataObject) -> None:
    model, empty, expected = whole
    every = EVENTS[model]
    places = list(range(len(every)))
    order = data.draw(st.permutations(places), "order")
    order += data.draw(st.lists(st.sampled_from(places), max_size=9), "repeated")
    cuts = data.draw(st.sets(st.integers(1, len(order) - 1), max_size=12), "cuts")
    with TemporaryDirectory() as folder:
        database = copied(empty, Path(folder))
        ledger = Ledger(database, SCHEMAS)
        for first, last in itertools.pairwise([0, *sorted(cuts), len(order)]):
            commit(ledger, [every[place] for place in order[first:last]], str(first))
        found = counted(database, model)
        database.close()
        assert same(found, expected)
