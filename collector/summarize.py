"""From columns to profiles: one for each version, segment and window that a batch touches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from collector.batch import Coded, Predictions, Values
from collector.schema import Schema
from profiles import (
    ClassOutcomes,
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
from profiles.counts import Floats, Ints

AT_PREDICTION = 0
EVERYTHING = ""


class Key(NamedTuple):
    """Names a profile of a model.

    Attributes:
        version: the model version.
        segment: `column=value`, or "" for all rows.
        start: the start of the predictions' window, in microseconds.
        known: the start of the window in which labels became known; 0 for what was known at prediction.
    """

    version: str
    segment: str
    start: int
    known: int


@dataclass(frozen=True)
class Joined:
    """Predictions whose label has come, by columns, all shape (n,).

    Attributes:
        groups: version and segment values of each row, joined by `SEPARATOR`.
        starts: the start of each prediction's window.
        known: the start of the window in which the label became known.
        predictions: 0/1, class codes, or numbers.
        scores: NaN where there is none.
        labels: as predictions.
    """

    groups: Coded
    starts: Ints
    known: Ints
    predictions: Floats
    scores: Floats
    labels: Floats


SEPARATOR = "\x1f"
OTHER = "(other)"


def grouped(rows: Predictions, schema: Schema, shape: Shape) -> Coded:
    """Version and segment values of each row as one dictionary-encoded column; segments are bounded."""
    columns = [rows.versions]
    for name in schema.segments:
        space, column = shape.spaces[f"segments.{name}"], rows.segments[name]
        columns.append(_bounded(column, space.values if isinstance(space, Vocabulary) else ()))
    code = np.zeros(len(rows), np.int64)
    for column in columns:
        code = code * (len(column.names) + 1) + column.codes + 1
    distinct, codes = np.unique(code, return_inverse=True)
    names = []
    for value in distinct.tolist():
        words, rest = [], value
        for column in reversed(columns):
            rest, place = divmod(rest, len(column.names) + 1)
            words.append(column.names[place - 1].replace(SEPARATOR, " ") if place else "")
        names.append(SEPARATOR.join(reversed(words)))
    return Coded(codes.astype(np.int64), tuple(names))


def _bounded(column: Coded, known: tuple[str, ...]) -> Coded:
    """The column with every value that is not known made one: codes too, or each would cost a profile."""
    place = {name: code for code, name in enumerate((*known, OTHER))}
    table = np.array([*(place.get(name, len(known)) for name in column.names), -1], np.int64)
    return Coded(table[column.codes], (*known, OTHER))


def _runs(*keys: Ints) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The distinct combinations of integer columns, each with its rows."""
    if all(bool((key == key[0]).all()) for key in keys):
        yield tuple(int(key[0]) for key in keys), slice(None)
        return
    order = np.lexsort(keys[::-1])
    stacked = np.stack([key[order] for key in keys])
    edges = np.flatnonzero((stacked[:, 1:] != stacked[:, :-1]).any(axis=0)) + 1
    for rows in np.split(order, edges):
        yield tuple(int(key[rows[0]]) for key in keys), rows


def _segments(group: str, schema: Schema) -> Iterator[tuple[str, str]]:
    version, *values = group.split(SEPARATOR)
    yield version, EVERYTHING
    for name, value in zip(schema.segments, values, strict=True):
        if value:
            yield version, f"{name}={value}"


def summarize(rows: Predictions, schema: Schema, shape: Shape) -> dict[Key, Profile]:
    """Profiles of what is known at prediction. Costs a pass for each version, segment value and window."""
    found: dict[Key, Profile] = {}
    if not len(rows):
        return found
    groups = grouped(rows, schema, shape)
    starts = schema.window.starts(rows.times)
    for (start, code), at in _runs(starts, groups.codes):
        profile = _profile(rows.take(at), shape)
        for version, segment in _segments(groups.names[code], schema):
            key = Key(version, segment, start, AT_PREDICTION)
            found[key] = found.get(key, Profile()) + profile
    return found


def _profile(rows: Predictions, shape: Shape) -> Profile:
    columns: dict[str, Any] = {f"features.{name}": values for name, values in rows.features.items()}
    columns |= {"score": _given(rows.score), "prediction": _given(rows.prediction)}
    parts = {
        name: _summary(space, columns[name])
        for name, space in shape.spaces.items()
        if columns.get(name) is not None
    }
    latency, failed = _given(rows.latency), _given(rows.failed)
    if latency is not None or failed is not None:
        parts["latency"] = LatencyGrid().summarize(latency, None if failed is None else failed > 0)
    return Profile(len(rows), parts)


def _given(values: Any) -> Any:
    """What of a column was logged; None for nothing, whether it was not logged in some rows or in all."""
    if values is None:
        return None
    present = values.codes >= 0 if isinstance(values, Coded) else ~np.isnan(values)
    if isinstance(values, Coded):
        return values.take(present) if present.any() else None
    return values[present] if present.any() else None


def _summary(space: Any, values: Values) -> Any:
    if isinstance(space, Vocabulary):
        if not isinstance(values, Coded):  # a binary prediction
            values = Coded(np.where(np.isnan(values), -1, values).astype(np.int64), ("0", "1"))
        return space.summarize(values.codes, values.names)
    if isinstance(space, Grid | ScoreGrid | Projection) and not isinstance(values, Coded):
        return space.summarize(values)
    raise TypeError(f"{type(values).__name__} cannot be counted on {space!r}")


def class_codes(values: Values, shape: Shape) -> Floats:
    """Predictions or labels as numbers: of a multi-class task the codes of its classes, NaN for missing."""
    if not isinstance(values, Coded):
        return values
    space = shape.spaces["performance"]
    if not isinstance(space, ClassOutcomes):
        raise TypeError("only a multi-class task has named classes")
    codes = np.array([space.classes.code(name) for name in values.names] + [-1], np.float64)[values.codes]
    return np.where(codes < 0, np.nan, codes)


def summarize_outcomes(joined: Joined, schema: Schema, shape: Shape) -> dict[Key, Profile]:
    """Profiles of joined labels, by the window of the prediction and the window in which they were known."""
    found: dict[Key, Profile] = {}
    if not joined.starts.size:
        return found
    space = shape.spaces["performance"]
    for (start, known, code), at in _runs(joined.starts, joined.known, joined.groups.codes):
        scores, predictions, labels = joined.scores[at], joined.predictions[at], joined.labels[at]
        if isinstance(space, Outcomes):
            part: Any = space.summarize(scores, predictions, labels)
        elif isinstance(space, ClassOutcomes):
            part = space.summarize(predictions.astype(np.int64), labels.astype(np.int64))
        elif isinstance(space, ResidualGrid):
            part = space.summarize(predictions, labels)
        else:
            raise TypeError(f"{space!r} holds no outcomes")
        profile = Profile(int(labels.size), {"performance": part})
        for version, segment in _segments(joined.groups.names[code], schema):
            key = Key(version, segment, start, known)
            found[key] = found.get(key, Profile()) + profile
    return found
