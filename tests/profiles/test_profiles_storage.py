"""What is stored comes back to the bit; what is damaged is refused with a ValueError, and nothing else."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles import (
    CategoricalSummary,
    ClassOutcomes,
    Counts,
    Grid,
    LatencyGrid,
    Outcomes,
    Profile,
    Projection,
    ResidualGrid,
    ScoreGrid,
    Shape,
    Vocabulary,
)
from profiles.profile import FORMAT, total
from tests.profiles.cases import CASES, KINDS, summary_of

law = settings(max_examples=60, deadline=None)
SHAPE = Shape({kind: CASES[kind].ordinary[0] for kind in KINDS})
PROFILE = Profile(3, {kind: summary_of(kind, 3) for kind in KINDS})
STORED = PROFILE.to_bytes()


def blob_of(rows: Any, header: Any, arrays: bytes = b"") -> bytes:
    """A stored profile that is sound but for its contents."""
    text = json.dumps([rows, header]).encode()
    return bytes([FORMAT]) + zlib.compress(struct.pack("<I", len(text)) + text + arrays)


@pytest.mark.parametrize("kind", KINDS)
@law
@given(data=st.data())
def test_a_profile_comes_back_to_the_bit(kind: str, data: st.DataObject) -> None:
    case = CASES[kind]
    space = data.draw(case.spaces)
    rows = data.draw(st.lists(case.rows, max_size=20))
    half = case.summarize(space, rows[::2])
    for summary in (case.summarize(space, rows), half - case.summarize(space, rows)):
        profile = Profile(len(rows), {"part": summary})
        again = Profile.from_bytes(profile.to_bytes(), Shape({"part": space}))
        assert again == profile
        assert (again + profile).rows == 2 * len(rows)


@pytest.mark.parametrize(
    "values",
    [
        [0, 255],
        [-1, 255],
        [-128, 127],
        [-1, 2**63 - 1],
        [-(2**63), 2**63 - 1],
        [2**32],
        [2**53 + 1, 2**62 + 1],
        [-(2**31), 2**32],
        [],
    ],
)
def test_integers_of_any_size_keep_every_digit(values: list[int]) -> None:
    held = np.array(values, np.int64)
    summary = CategoricalSummary(Vocabulary(("a",)), Counts(np.arange(held.size), held))
    again = Profile.from_bytes(Profile(1, {"p": summary}).to_bytes(), Shape({"p": summary.space}))
    assert again.parts["p"].counts.values.tolist() == values


def test_a_stored_profile_is_small() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    grid = Grid.fit(values)
    parts = {f"features.f{place}": grid.summarize(values + place / 10) for place in range(25)}
    assert len(Profile(values.size, parts).to_bytes()) < 25 * 3000


@law
@given(at=st.integers(0, len(STORED) - 1), how=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_means_the_same(at: int, how: int) -> None:
    damaged = STORED[:at] + bytes([STORED[at] ^ how]) + STORED[at + 1 :]
    try:
        assert Profile.from_bytes(damaged, SHAPE) == PROFILE
    except ValueError as error:
        assert "not a stored profile" in str(error)  # noqa: PT017 - both ends are right


@pytest.mark.parametrize("length", [0, 1, 2, 5, len(STORED) // 2, len(STORED) - 1])
def test_a_truncated_profile_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="not a stored profile"):
        Profile.from_bytes(STORED[:length], SHAPE)


def test_what_follows_a_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="not a stored profile"):
        Profile.from_bytes(STORED + b"x", SHAPE)
    with pytest.raises(ValueError, match="not a stored profile"):
        Profile.from_bytes(blob_of(1, {}, b"left over"), SHAPE)


@law
@given(st.binary(max_size=60))
def test_random_bytes_are_refused(noise: bytes) -> None:
    for blob in (noise, bytes([FORMAT]) + noise, bytes([FORMAT]) + zlib.compress(noise)):
        with pytest.raises(ValueError, match="not a stored profile"):
            Profile.from_bytes(blob, SHAPE)


NUMERIC = {"counts": {"counts": [{"array": ["|u1", 1]}, {"array": ["|u1", 1]}]}, "nulls": 0}
SUMS = {"total": 0.0, "squares": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.parametrize(
    ("rows", "header", "arrays"),
    [
        ("many", {}, b""),
        (1, [], b""),
        (1, {"numeric": []}, b""),
        (1, {"numeric": {}}, b""),
        (1, {"nowhere": NUMERIC | SUMS}, b"\1\1"),
        (1, {"score": NUMERIC | SUMS | {"extra": 1}}, b"\1\1"),
        (1, {"numeric": NUMERIC | SUMS | {"nulls": "none"}}, b"\1\1"),
        (1, {"numeric": NUMERIC | SUMS | {"total": [1]}}, b"\1\1"),
        (1, {"numeric": NUMERIC | SUMS}, b"\1"),
        (1, {"numeric": NUMERIC | SUMS | {"counts": {"array": ["|O", 1]}}}, b"\1" * 9),
        (1, {"numeric": NUMERIC | SUMS | {"counts": {"array": ["(1,", 1]}}}, b"\1" * 9),
        (1, {"numeric": NUMERIC | SUMS | {"counts": {"array": ["|u1", -1]}}}, b"\1" * 9),
        (1, {"numeric": NUMERIC | SUMS | {"counts": {"array": ["|u1", 10**30]}}}, b"\1" * 9),
        (
            1,
            {"numeric": NUMERIC | SUMS | {"counts": {"counts": [{"array": ["|u1", 2]}] * 2}}},
            b"\2\1\1\1",
        ),
        (
            1,
            {"binary": {"positives": NUMERIC["counts"], "negatives": NUMERIC["counts"], "confusion": 1}},
            b"\1" * 4,
        ),
        (1, {"latency": {"tuple": 3}}, b""),
    ],
)
def test_a_sound_archive_of_nonsense_is_refused(rows: Any, header: Any, arrays: bytes) -> None:
    with pytest.raises(ValueError, match="not a stored profile"):
        Profile.from_bytes(blob_of(rows, header, arrays), SHAPE)


def test_nonsense_is_told_from_sense() -> None:
    profile = Profile.from_bytes(blob_of(1, {"numeric": NUMERIC | SUMS}, b"\5\7"), SHAPE)
    assert profile.parts["numeric"].counts.at(np.array([5])).tolist() == [7]


def test_of_a_field_that_came_later_sums_are_unknown_and_counts_are_none() -> None:
    held = {name: value for name, value in NUMERIC.items() if name != "nulls"} | {
        "total": 2.0,
        "squares": 4.0,
    }
    read = Profile.from_bytes(blob_of(1, {"numeric": held}, b"\5\7"), SHAPE).parts["numeric"]
    assert (read.total, read.nulls) == (2.0, 0)
    assert np.isnan(read.low)
    assert (
        Profile.from_bytes(Profile(1, {"numeric": read}).to_bytes(), SHAPE).parts["numeric"].same_counts(read)
    )


@law
@given(data=st.data())
def test_a_shape_comes_back_from_json(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), max_size=6))
    spaces = {f"part{place}": data.draw(CASES[kind].spaces) for place, kind in enumerate(kinds)}
    shape = Shape(spaces)
    again = Shape.from_json(shape.to_json())
    assert again == shape
    assert again.digest == shape.digest
    assert Shape(dict(reversed(spaces.items()))).digest == shape.digest


def test_the_digest_of_a_shape_never_changes() -> None:
    """Stored profiles are found by it: if this fails, every database out there has lost its profiles."""
    shape = Shape(
        {
            "features.age": Grid(40.0, 12.5),
            "features.colour": Vocabulary(("blue", "naïve", "")),
            "features.emb": Projection((0.0, 1.0), (1.0, 2.5)),
            "score": ScoreGrid(),
            "latency": LatencyGrid(),
            "binary": Outcomes(),
            "classes": ClassOutcomes(Vocabulary(("cat", "dog"))),
            "performance": ResidualGrid(Grid(0.0, 0.25)),
        }
    )
    assert shape.digest == "86dd9ef61a1cbdcd"


def test_a_shape_differs_in_its_digest_from_any_other() -> None:
    shapes = [
        Shape({"x": Grid(0.0, 1.0)}),
        Shape({"x": Grid(0.0, 2.0)}),
        Shape({"y": Grid(0.0, 1.0)}),
        Shape({"x": Vocabulary(("1",))}),
        Shape({"x": Vocabulary(("1", "2"))}),
        Shape({}),
    ]
    assert len({shape.digest for shape in shapes}) == len(shapes)


def test_profiles_add_by_part_and_an_absent_part_is_zero() -> None:
    one, two = (Profile(1, {kind: summary_of(kind, 1)}) for kind in ("numeric", "score"))
    both = one + two + Profile()
    assert both.rows == 2
    assert both.same_counts(total([two, one]))
    less = both - two
    assert less.rows == 1
    assert [less.parts[kind].count for kind in ("numeric", "score")] == [1, 0]
    assert [part.count for part in (Profile() - one + one).parts.values()] == [0]
    assert not both.same_counts(one)
    assert not one.same_counts(Profile(1, {"numeric": summary_of("numeric", 2)}))
    assert total([]) == Profile()
