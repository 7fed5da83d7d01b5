"""Puts the rows of several deliveries together, so that one pass works on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from collector.batch import Coded, Labels, Predictions


def predictions(parts: Sequence[Predictions]) -> Predictions:
    """All rows, in order; what a part did not log is missing in its rows."""
    if len(parts) == 1:
        return parts[0]
    sizes = [len(part) for part in parts]
    columns = {name: [getattr(part, name) for part in parts] for name in parts[0].__dict__}
    features = {name: None for part in parts for name in part.features}
    scored = [part.scores or {} for part in parts]
    classes = sorted({name for scores in scored for name in scores})
    return Predictions(
        **{
            name: _column(values, sizes)
            for name, values in columns.items()
            if name not in ("features", "segments", "scores")
        },
        scores={name: _column([one.get(name) for one in scored], sizes) for name in classes} or None,
        features={name: _column([part.features.get(name) for part in parts], sizes) for name in features},
        segments={
            name: _column([part.segments[name] for part in parts], sizes) for name in parts[0].segments
        },
    )


def labels(parts: Sequence[Labels]) -> Labels:
    """All rows, in order."""
    if len(parts) == 1:
        return parts[0]
    sizes = [len(part) for part in parts]
    ids, times, values = (
        _column([getattr(part, name) for part in parts], sizes) for name in ("ids", "times", "values")
    )
    return Labels(ids, times, values)


def _column(values: Sequence[Any], sizes: Sequence[int]) -> Any:
    """One column of all parts, None where a part does not have it."""
    given = [value for value in values if value is not None]
    if not given:
        return None
    if isinstance(given[0], Coded):
        return _coded(values, sizes)
    if isinstance(given[0], pa.Array):
        return pa.concat_arrays(
            [
                pa.nulls(size, given[0].type) if value is None else value
                for value, size in zip(values, sizes, strict=True)
            ]
        )
    missing = np.nan if given[0].dtype.kind == "f" else 0
    return np.concatenate(
        [
            np.full((size, *given[0].shape[1:]), missing, given[0].dtype) if value is None else value
            for value, size in zip(values, sizes, strict=True)
        ]
    )


def _coded(values: Sequence[Coded | None], sizes: Sequence[int]) -> Coded:
    places: dict[Any, int] = {}
    codes = []
    for value, size in zip(values, sizes, strict=True):
        if value is None:
            codes.append(np.full(size, -1, np.int64))
            continue
        table = np.array([*(places.setdefault(name, len(places)) for name in value.names), -1], np.int64)
        codes.append(table[value.codes])
    return Coded(np.concatenate(codes), tuple(places))
