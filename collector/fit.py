"""Fixes the shape of a model's profiles from reference data: grids, vocabularies, projections."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from collector.batch import Coded, Predictions, Values
from collector.moments import SAMPLE as FEW
from collector.moments import is_moments, moment_spaces, row_matrix
from collector.schema import CategoricalFeature, EmbeddingFeature, Schema
from collector.validation import columns
from profiles import (
    ClassOutcomes,
    ClassScores,
    Grid,
    LatencyGrid,
    Losses,
    Outcomes,
    Projection,
    RankedLists,
    ResidualGrid,
    Scored,
    ScoreGrid,
    Shape,
    Space,
    Vocabulary,
)
from profiles.categorical import MAX_CATEGORIES
from profiles.class_scores import MOST_COUNTED
from profiles.counts import Floats

MOST_SEGMENTS = 100  # of a column; rows with other values share one segment
SAMPLE = 1_000_000  # a median of this many rows is as good as one of all


class ShapeFitter:
    """Collects batches of reference data, in bounded memory, and fits the spaces.

    Args:
        schema: the model's schema.
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._numbers: dict[str, _Sample] = defaultdict(_Sample)
        self._words: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._scored = self._predicted = False
        self._classes: set[str] = set()
        self._rows, self._count = _Sample(FEW), 0
        self._times: list[int] = []

    def add(self, rows: Predictions) -> None:
        """Take in a batch."""
        self._rows.add(row_matrix(rows, self._schema))
        self._count += len(rows)
        if len(rows):
            self._times = [
                min([*self._times, int(rows.times.min())]),
                max([*self._times, int(rows.times.max())]),
            ]
        for name, values in rows.features.items():
            self._take(f"features.{name}", values)
        for name, coded in rows.segments.items():
            self._take(f"segments.{name}", coded)
        for name, column in (rows.scores or {}).items():
            if np.isfinite(column).any():
                self._classes.add(name)
                self._words["prediction"][name] += 0  # a class that is never predicted is one, too
        self._scored |= rows.score is not None and bool(np.isfinite(rows.score).any())
        if rows.prediction is not None:
            self._predicted = True
            self._take("prediction", rows.prediction)
            if isinstance(rows.label, Coded):
                self._take("prediction", rows.label)
            elif self._schema.task == "ranking":
                pass  # labels are codes, not numbers
            elif rows.label is not None and not isinstance(rows.prediction, Coded):
                self._take("residual", rows.prediction - rows.label)
                self._take("label", rows.label)

    def _take(self, name: str, values: Values) -> None:
        if isinstance(values, Coded):
            used = np.bincount(values.codes[values.codes >= 0], minlength=len(values.names))
            for word, count in zip(values.names, used.tolist(), strict=True):
                if count:
                    self._words[name][word] += count
        else:
            self._numbers[name].add(values)

    def shape(self) -> Shape:
        """The shape fitted so far."""
        spaces: dict[str, Space] = {"latency": LatencyGrid()}
        for name, spec in self._schema.features.items():
            part = f"features.{name}"
            if isinstance(spec, CategoricalFeature):
                spaces[part] = self._vocabulary(part)
            elif isinstance(spec, EmbeddingFeature):
                held = self._numbers[part].rows()
                spaces[part] = Projection.fit(held if held.size else np.zeros((0, spec.dimensions)))
            else:
                spaces[part] = Grid.fit(self._numbers[part].rows())
        for name in self._schema.segments:
            part = f"segments.{name}"
            spaces[part] = self._vocabulary(part, MOST_SEGMENTS, columns.LONGEST_NAME)
        return Shape(spaces | self._outcome_spaces() | self._moments())

    def _moments(self) -> dict[str, Space]:
        length = self._schema.window.length
        windows = 1 + (self._times[1] // length - self._times[0] // length if self._times else 0)
        vectors = {
            name: self._numbers[f"features.{name}"].rows().reshape(-1, spec.dimensions)
            for name, spec in self._schema.features.items()
            if isinstance(spec, EmbeddingFeature)
        }
        return moment_spaces(self._schema, self._rows.rows(), vectors, self._count / windows)

    def _vocabulary(
        self, part: str, most: int = MAX_CATEGORIES, longest: int = columns.LONGEST_TEXT
    ) -> Vocabulary:
        words = {word: count for word, count in self._words[part].items() if len(word) <= longest}
        return Vocabulary.fit(list(words), list(words.values()), most)

    def _outcome_spaces(self) -> dict[str, Space]:
        if self._schema.task == "binary":
            # without a single score there is nothing to compare later scores with
            has_scores = self._scored or not self._predicted
            scored: dict[str, Space] = {"score": ScoreGrid(), "scored": Scored()} if has_scores else {}
            either = Vocabulary(("0", "1"))
            return scored | {"prediction": either, "label": either, "performance": Outcomes()}
        if self._schema.task == "multiclass":
            classes = self._vocabulary("prediction")
            held: dict[str, Space] = {"prediction": classes, "label": classes}
            return held | {"performance": ClassOutcomes(classes)} | self._class_scores(classes)
        predicted = Grid.fit(self._numbers["prediction"].rows())
        if self._schema.task == "ranking":
            return {"prediction": predicted, "performance": RankedLists()}
        residuals = self._numbers["residual"].rows()
        grid = Grid.fit(residuals) if np.isfinite(residuals).any() else Grid(0.0, predicted.scale / 4)
        known = self._numbers["label"].rows()
        labels = Grid.fit(known) if np.isfinite(known).any() else predicted
        losses = Losses.fit(predicted, self._numbers["prediction"].rows())
        outcomes: dict[str, Space] = {"performance": ResidualGrid(grid, labels.center), "losses": losses}
        return {"prediction": predicted, "label": labels} | outcomes

    def _class_scores(self, classes: Vocabulary) -> dict[str, Space]:
        """The space of the frequent classes' probabilities, where there are any."""
        often = self._words["prediction"]
        scored = sorted(self._classes.intersection(classes.values), key=lambda name: (-often[name], name))
        if not scored:
            return {}
        return {"class_scores": ClassScores(classes, tuple(sorted(map(classes.code, scored[:MOST_COUNTED]))))}


class _Sample:
    """Every 2**k-th row of a column, k growing so that at most `most` rows are held."""

    def __init__(self, most: int = SAMPLE) -> None:
        self._held: list[Floats] = []
        self._most = most
        self._stride, self._seen = 1, 0

    def add(self, values: Floats) -> None:
        first = -self._seen % self._stride
        self._held.append(values[first :: self._stride])
        self._seen += len(values)
        if sum(map(len, self._held)) > self._most:
            self._held = [np.concatenate(self._held)[::2]]
            self._stride *= 2

    def rows(self) -> Floats:
        return np.concatenate(self._held) if self._held else np.zeros(0)


def fits(shape: Shape, schema: Schema) -> bool:
    """Whether profiles of a shape hold what a schema describes; not when the monitor has changed since."""
    wanted, held = (
        {
            name: (space.kind, len(getattr(space, "centers", ())))
            for name, space in one.spaces.items()
            # scores may be absent, and older shapes lack moments, labels, and what estimates are made from
            if name not in ("score", "scored", "class_scores", "label", "losses") and not is_moments(name)
        }
        for one in (ShapeFitter(schema).shape(), shape)
    )
    return wanted == held


def fit_shape(schema: Schema, rows: Predictions) -> Shape:
    """The shape of a model that has no reference yet, from its first batch."""
    fitter = ShapeFitter(schema)
    fitter.add(rows)
    return fitter.shape()
