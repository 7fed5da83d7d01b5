"""Moments of whole rows and embeddings in the profiles of a batch."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest

from collector.batch import Coded, Predictions
from collector.fit import ShapeFitter, fits
from collector.moments import is_moments
from collector.schema import Schema
from collector.summarize import Key, summarize
from profiles import Moments, Profile, Shape

HOUR = 3_600_000_000
SCHEMA = Schema.model_validate(
    {
        "model": "m",
        "task": "binary",
        "features": {
            "a": "numeric",
            "b": "numeric",
            "e": {"kind": "embedding", "columns": ["e0", "e1", "e2"]},
        },
        "segments": ["region"],
    }
)


def batch(rows: int, *, seed: int = 0, hours: int = 1, versions: tuple[str, ...] = ("v1",)) -> Predictions:
    rng = np.random.default_rng(seed)
    a = rng.normal(5, 2, rows)
    b = 0.5 * a + rng.normal(size=rows)
    a[::50] = np.nan
    return Predictions(
        ids=rng.integers(0, 1 << 64, rows, np.uint64),
        times=np.sort(rng.integers(0, hours * HOUR, rows)),
        versions=Coded(rng.integers(0, len(versions), rows), versions),
        features={"a": a, "b": b, "e": rng.normal(size=(rows, 3))},
        score=rng.random(rows),
        prediction=np.ones(rows),
        segments={"region": Coded(rng.integers(0, 2, rows), ("north", "south"))},
    )


def shape_of(rows: Predictions, schema: Schema = SCHEMA) -> Shape:
    fitter = ShapeFitter(schema)
    fitter.add(rows)
    return fitter.shape()


def space(shape: Shape, part: str) -> Moments:
    held = shape.spaces[part]
    assert isinstance(held, Moments)
    return held


def columns(rows: Predictions, part: str) -> list[Any]:
    features: dict[str, Any] = dict(rows.features)
    return [features["a"], features["b"], rows.score] if part == "row" else list(features["e"].T)


@pytest.mark.parametrize("part", ["row", "moments.e"])
def test_every_version_and_window_has_the_moments_of_its_rows_and_segments_have_none(part: str) -> None:
    rows = batch(1500, hours=3, versions=("v1", "v2"))
    shape = shape_of(rows)
    assert space(shape, "row").names == ("features.a", "features.b", "score")
    found = summarize(rows, SCHEMA, shape)
    for key, profile in found.items():
        assert (part in profile.parts) is (key.segment == "")
    whole = reduce(add, (profile for key, profile in found.items() if not key.segment), Profile())
    assert whole.parts[part] == space(shape, part).summarize(columns(rows, part))
    mine = (rows.versions.codes == 1) & (rows.times < HOUR)
    assert found[Key("v2", "", 0, 0)].parts[part] == space(shape, part).summarize(
        columns(rows.take(mine), part)
    )


@pytest.mark.parametrize("part", ["row", "moments.e"])
def test_of_large_windows_the_same_sample_is_counted_however_the_rows_come(part: str) -> None:
    rows = batch(9000)
    shape = shape_of(rows)
    assert space(shape, part).every == 8
    (whole,) = (profile for key, profile in summarize(rows, SCHEMA, shape).items() if not key.segment)
    assert 900 < whole.parts[part].count < 1400
    pieces: dict[Key, Profile] = {}
    for places in np.split(np.random.default_rng(1).permutation(9000), [3, 100, 5000]):
        for key, profile in summarize(rows.take(places), SCHEMA, shape).items():
            pieces[key] = pieces.get(key, Profile()) + profile
    assert pieces[Key("v1", "", 0, 0)].parts[part] == whole.parts[part]


def test_a_shape_of_before_moments_still_fits_and_has_none() -> None:
    rows = batch(500)
    shape = shape_of(rows)
    older = Shape({part: one for part, one in shape.spaces.items() if not is_moments(part)})
    assert fits(shape, SCHEMA)
    assert fits(older, SCHEMA)
    for profile in summarize(rows, SCHEMA, older).values():
        assert not any(is_moments(part) for part in profile.parts)
    narrow = SCHEMA.model_copy(update={"features": {"a": SCHEMA.features["a"]}})
    assert not fits(shape, narrow)


def test_one_number_alone_is_no_row_and_an_absent_column_is_the_centre() -> None:
    rows = batch(500)
    alone = SCHEMA.model_copy(update={"features": {"a": SCHEMA.features["a"]}, "segments": ()})
    bare = Predictions(rows.ids, rows.times, rows.versions, {"a": rows.features["a"]}, rows.prediction)
    assert "row" not in shape_of(bare, alone).spaces
    shape = shape_of(rows)
    without = Predictions(**{**rows.__dict__, "score": None})
    part = summarize(without, SCHEMA, shape)[Key("v1", "", 0, 0)].parts["row"]
    centre = np.full(500, space(shape, "row").centers[2])
    assert part == space(shape, "row").summarize([*columns(rows, "row")[:2], centre])
