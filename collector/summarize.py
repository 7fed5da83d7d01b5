"""From columns to profiles: one for each version, segment and window that a batch touches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from collector.batch import Coded, Predictions, Values
from collector.contract import declared
from collector.moments import MomentSums
from collector.schema import Schema
from profiles import (
    CategoricalSummary,
    ClassOutcomes,
    ClassScores,
    Counts,
    Grid,
    Groups,
    LatencyGrid,
    LatencySummary,
    Losses,
    Outcomes,
    Probabilities,
    Profile,
    Projection,
    RankedLists,
    ResidualGrid,
    Scored,
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
class Cut:
    """What each row belongs to: the start of its window, and its version and segment values."""

    starts: Coded
    groups: Coded

    @classmethod
    def of(cls, rows: Predictions, schema: Schema, shape: Shape) -> Cut:
        """Cut predictions by window, version and segments."""
        return cls(windows(rows.times, schema), grouped(rows, schema, shape))

    def take(self, rows: Any) -> Cut:
        """The same of some rows."""
        return Cut(self.starts.take(rows), self.groups.take(rows))


@dataclass(frozen=True)
class Joined:
    """Predictions whose label has come, by columns, all shape (n,).

    Attributes:
        cut: what each prediction belongs to.
        known: the start of the window in which the label became known.
        predictions: 0/1, class codes, or numbers; of ranked lists how many items they have.
        scores: bins on the score grid, or `NO_SCORE`.
        labels: as predictions; of ranked lists as `profiles.ranking` packs them.
        probabilities: of a multi-class task; None where no row has any.
        withdrawn: whether the labels were corrected: what was counted of them is taken away again.
    """

    cut: Cut
    known: Coded
    predictions: Floats
    scores: Ints
    labels: Floats
    probabilities: Probabilities | None = None
    withdrawn: bool = False


SEPARATOR = "\x1f"
OTHER = "(other)"
FEW = 1 << 20  # combinations that are counted in a table rather than sorted


def distinct(codes: Ints) -> tuple[Ints, Ints]:
    """The distinct values of codes from 0 on, ascending, and the place of each code's among them."""
    most = int(codes.max(initial=0))
    if not most:
        return np.zeros(1, np.int64), codes
    if most < FEW:
        present = np.flatnonzero(np.bincount(codes))
        place = np.zeros(most + 1, np.int64)
        place[present] = np.arange(present.size)
        return present, place[codes]
    values, places = np.unique(codes, return_inverse=True)
    return values, places.astype(np.int64)


def windows(times: Ints, schema: Schema) -> Coded:
    """The start of each time's window, in microseconds, dictionary-encoded."""
    length = schema.window.length
    first = schema.window.start(int(times.min(initial=0 if not times.size else times[0])))
    numbers, codes = distinct((times - first) // length)
    return Coded(codes, tuple((first + numbers * length).tolist()))


def grouped(rows: Predictions, schema: Schema, shape: Shape) -> Coded:
    """Version and segment values of each row as one dictionary-encoded column; segments are bounded."""
    columns = [rows.versions]
    for name in schema.segments:
        space, column = shape.spaces[f"segments.{name}"], rows.segments[name]
        if schema.is_version(name):  # as many as there are: each has profiles of its own anyway
            columns.append(column)
            continue
        columns.append(_bounded(column, space.values if isinstance(space, Vocabulary) else ()))
    code = np.zeros(len(rows), np.int64)
    for column in columns:
        code = code * (len(column.names) + 1) + column.codes + 1
    found, codes = distinct(code)
    names = []
    for value in found.tolist():
        words, rest = [], value
        for column in reversed(columns):
            rest, place = divmod(rest, len(column.names) + 1)
            words.append(column.names[place - 1].replace(SEPARATOR, " ") if place else "")
        names.append(SEPARATOR.join(reversed(words)))
    return Coded(codes, tuple(names))


def _bounded(column: Coded, known: tuple[str, ...]) -> Coded:
    """The column with every value that is not known made one: codes too, or each would cost a profile."""
    place = {name: code for code, name in enumerate((*known, OTHER))}
    table = np.array([*(place.get(name, len(known)) for name in column.names), -1], np.int64)
    return Coded(table[column.codes], (*known, OTHER))


def _segments(group: str, schema: Schema) -> Iterator[tuple[str, str]]:
    version, *values = group.split(SEPARATOR)
    yield version, EVERYTHING
    for name, value in zip(schema.segments, values, strict=True):
        if value:
            yield version, f"{name}={value}"


def _keyed(cut: Cut, known: Coded | None, schema: Schema) -> tuple[list[Key], Groups]:
    """The profiles that rows are added to, and the rows as groups: each profile is a sum of groups."""
    starts, groups = cut.starts, cut.groups
    code = starts.codes * len(groups.names) + groups.codes
    if known is not None:
        code = code * len(known.names) + known.codes
    found, codes = distinct(code)
    members: dict[Key, list[int]] = {}
    for place, value in enumerate(found.tolist()):
        rest, late = divmod(value, len(known.names)) if known is not None else (value, None)
        start, group = divmod(rest, len(groups.names))
        moment = AT_PREDICTION if known is None or late is None else known.names[late]
        for version, segment in _segments(groups.names[group], schema):
            members.setdefault(Key(version, segment, starts.names[start], moment), []).append(place)
    wanted = [np.array(places) for places in members.values()]
    return list(members), Groups(codes, len(found), wanted)


def summarize(rows: Predictions, schema: Schema, shape: Shape, cut: Cut | None = None) -> dict[Key, Profile]:
    """Profiles of what is known at prediction. One pass counts every version, segment and window."""
    if not len(rows):
        return {}
    keys, groups = _keyed(cut or Cut.of(rows, schema, shape), None, schema)
    columns: dict[str, Any] = {f"features.{name}": values for name, values in rows.features.items()}
    columns |= {"score": rows.score, "prediction": rows.prediction}
    parts: dict[str, list[Any]] = {}
    whole = [place for place, key in enumerate(keys) if key.segment == EVERYTHING]
    moments = MomentSums(rows, shape, whole, groups)
    for name, space in shape.spaces.items():
        if columns.get(name) is not None:
            moments.take(name, columns[name])
            parts[name] = _summaries(space, columns[name], groups, every=name.startswith("features."))
    if "scored" in shape.spaces and "score" in parts and "prediction" in parts:
        parts["scored"] = _scored(rows, parts["score"], groups)
    if rows.scores is not None and isinstance(classes := shape.spaces.get("class_scores"), ClassScores):
        parts["class_scores"] = _class_scores(classes, rows, groups, shape)
    if rows.latency is not None or rows.status is not None:
        parts["latency"] = LatencyGrid().tally(rows.latency, rows.status, groups)
    parts |= declared(rows.features, schema, groups)
    parts |= moments.summaries()
    return {
        key: Profile(count, {name: part[at] for name, part in parts.items() if _is_something(part[at])})
        for at, (key, count) in enumerate(zip(keys, groups.rows(), strict=True))
    }


def _is_something(part: Any) -> bool:
    """Whether a column was logged at all in these rows; features are missing, others are not there."""
    if isinstance(part, LatencySummary):
        return bool(part.requests or part.counts.keys.size)
    return part is not None


def _summaries(space: Any, values: Values, groups: Groups, *, every: bool) -> list[Any]:
    """Counts of a column for each sum of groups; None where nothing was logged, unless it is a feature."""
    if isinstance(space, Vocabulary):
        if not isinstance(values, Coded):  # a binary prediction
            values = Coded(np.where(np.isnan(values), -1, values).astype(np.int64), ("0", "1"))
        if not every:
            present = values.codes >= 0
            values, groups = (
                (values, groups) if present.all() else (values.take(present), groups.take(present))
            )
        found: list[Any] = space.tally(values.codes, values.names, groups)
    elif isinstance(space, Grid | ScoreGrid | Projection) and not isinstance(values, Coded):
        if not every:
            present = ~np.isnan(values)
            if not present.all():
                values, groups = values[present], groups.take(present)
        found = list(space.tally(values, groups))
    else:
        raise TypeError(f"{type(values).__name__} cannot be counted on {space!r}")
    return found if every else [part if part.count else None for part in found]


def _scored(rows: Predictions, scores: list[Any], groups: Groups) -> list[Any]:
    """Scores by what was predicted, for each sum of groups; None where nothing was scored."""
    if rows.score is None or rows.prediction is None or isinstance(rows.prediction, Coded):
        return [None] * len(groups.wanted)
    known = [Counts() if part is None else part.counts for part in scores]
    found = Scored().tally(rows.score, rows.prediction, groups, known)
    return [part if part.count else None for part in found]


def _class_scores(space: ClassScores, rows: Predictions, groups: Groups, shape: Shape) -> list[Any]:
    """The probabilities of classes for each sum of groups; None where there are none."""
    predicted = np.full(len(rows), np.nan) if rows.prediction is None else class_codes(rows.prediction, shape)
    codes = np.where(np.isnan(predicted), -1, predicted).astype(np.int64)
    found = space.tally(space.bins(rows.scores or {}, len(rows)), codes, groups)
    return [part if part.count else None for part in found]


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
    if not joined.labels.size:
        return {}
    keys, groups = _keyed(joined.cut, joined.known, schema)
    space = shape.spaces["performance"]
    scores, predictions, labels = (
        groups.parts(column) for column in (joined.scores, joined.predictions, joined.labels)
    )
    scored = _parts(joined.probabilities, groups)
    by_group: list[Any] = []
    for place in range(groups.count):
        if isinstance(space, Outcomes):
            part: Any = space.count(scores[place], predictions[place], labels[place])
        elif isinstance(space, ClassOutcomes):
            codes = (predictions[place].astype(np.int64), labels[place].astype(np.int64))
            part = space.summarize(*codes, scored[place])
        elif isinstance(space, ResidualGrid):
            part = space.summarize(predictions[place], labels[place])
        elif isinstance(space, RankedLists):
            part = space.summarize(labels[place])
        else:
            raise TypeError(f"{space!r} holds no outcomes")
        by_group.append(part)
    told = _labels(shape.spaces.get("label"), joined.labels, groups)
    if isinstance(losses := shape.spaces.get("losses"), Losses):
        pairs = zip(predictions, labels, strict=True)
        lost = [losses.summarize(predicted, label) for predicted, label in pairs]
        for label, wanted in zip(told, groups.wanted, strict=True):
            label["losses"] = sum((lost[group] for group in wanted), losses.zero())
    found = {
        key: Profile(rows, {"performance": sum((by_group[group] for group in wanted), space.zero()), **label})
        for key, rows, wanted, label in zip(keys, groups.rows(), groups.wanted, told, strict=True)
    }
    return {key: Profile() - one for key, one in found.items()} if joined.withdrawn else found


def _parts(probabilities: Probabilities | None, groups: Groups) -> list[Probabilities | None]:
    """The probabilities of each group's rows."""
    if probabilities is None:
        return [None] * groups.count
    parts = zip(groups.parts(probabilities.bins), groups.parts(probabilities.likeliest), strict=True)
    return [Probabilities(probabilities.codes, bins, likeliest) for bins, likeliest in parts]


def _labels(space: Any, labels: Floats, groups: Groups) -> list[dict[str, Any]]:
    """What the labels were, for each sum of groups; nothing on a shape of an older version."""
    if isinstance(space, Grid):
        return [{"label": summary} for summary in space.tally(labels, groups)]
    if isinstance(space, Vocabulary):
        return [
            {"label": CategoricalSummary(space, counts)} for counts in groups.counts(labels.astype(np.int64))
        ]
    return [{} for _ in groups.wanted]
