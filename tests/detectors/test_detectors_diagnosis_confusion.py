"""Kinds of change against what they are called: every kind is named, and no other one is."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.detectors.changed_columns import EVENTS, SHAPES, diagnose

SEEDS = range(5)
ROWS = (1000, 10_000)


def called(event: str, rows: int) -> Counter[str]:
    """How often each kind was named, over all shapes that the event changes."""
    shapes = [shape for shape in SHAPES if shape not in EVENTS[event].blind]
    found = [diagnose(shape, event, seed, rows) for shape in shapes for seed in SEEDS]
    return Counter(str(one.kind) if one else "nothing" for one in found)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_called_what_it_is(event: str, rows: int) -> None:
    kind = EVENTS[event].kind
    row = called(event, rows)
    assert row[str(kind) if kind else "nothing"] >= 0.95 * row.total(), row
