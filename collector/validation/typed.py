"""Reads columns as a schema declares them: a source brings values, this gives them type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from collector.batch import Coded, Predictions, Values
from collector.schema import CategoricalFeature, EmbeddingFeature, Schema
from collector.validation import columns
from collector.validation.columns import BadValueError, Fault
from collector.validation.probabilities import by_scores
from collector.validation.rankings import relevances, shown
from collector.validation.status import class_of_word, classes_of_codes
from profiles import Status, Violation
from profiles.counts import Floats

Column = Any  # a Python list or an Arrow array (pyarrow ships no types)
TRUE, FALSE = frozenset({"1", "true", "yes"}), frozenset({"0", "false", "no"})


class Reader:
    """Reads columns by the schema, and reports what is wrong to `fault(field, faults)`."""

    def __init__(
        self, schema: Schema, *, nan_is_missing: bool, fault: Callable[[str, Sequence[Fault]], None]
    ) -> None:
        self._schema, self._lenient, self._fault = schema, nan_is_missing, fault

    def _told(self, name: str, read: tuple[Any, list[Fault]]) -> Any:
        self._fault(name, read[1])
        return read[0]

    def feature(self, name: str, values: Column) -> Values:
        """The column of a feature."""
        spec = self._schema.features[name]
        field = f"features.{name}"
        if isinstance(spec, EmbeddingFeature):
            column: Values = self._told(field, _vectors(values, spec))
        elif isinstance(spec, CategoricalFeature):
            column = self._told(field, columns.categorical(values, nan_is_missing=self._lenient))
        else:
            column = self._told(field, columns.numeric(values, nan_is_missing=self._lenient))
        if spec.required:
            absent = (
                column.codes < 0
                if isinstance(column, Coded)
                else np.isnan(column.reshape(len(column), -1)[:, 0])
            )
            fix = "send a value, or take `required` off the feature"
            rows = np.flatnonzero(absent).tolist()
            self._fault(field, [Fault(row, None, "missing", fix, Violation.MISSING) for row in rows])
        return column

    def category(self, name: str, values: Column) -> Coded:
        """A column of names: a version or a segment."""
        column: Coded = self._told(name, columns.categorical(values, nan_is_missing=self._lenient))
        return column

    def version(self, values: Column) -> Coded:
        """A column of versions."""
        read = columns.categorical(values, nan_is_missing=self._lenient, longest=columns.LONGEST_NAME)
        column: Coded = self._told("version", read)
        return column

    def outcome(self, name: str, values: Column | None) -> Values | None:
        """A prediction or a label, as the task has it: 0/1, a class, or a number; NaN or -1 for missing.

        Of a ranked list the prediction is how many items it has, the label what `profiles.ranking` packs.
        """
        if values is None:
            return None
        if self._schema.task == "multiclass":
            return self.category(name, values)
        if self._schema.task == "regression":
            number: Floats = self._told(name, columns.numeric(values, nan_is_missing=self._lenient))
            return number
        if self._schema.task == "ranking":
            lists: Floats = self._told(name, (shown if name == "prediction" else relevances)(values))
            return lists
        return self._binary(name, values)

    def _binary(self, name: str, values: Column) -> Floats:
        if isinstance(values, pa.Array):
            if pa.types.is_boolean(values.type):
                values = values.cast(pa.int8())
            if self._schema.positive is None and (
                pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
            ):
                quick: Floats = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
                if np.isin(quick[~np.isnan(quick)], (0.0, 1.0)).all():
                    return quick
        clean, faults = columns.one_by_one(values, self._class, np.nan)
        self._fault(name, faults)
        return np.array(clean, np.float64)

    def _class(self, value: Any) -> float:
        word = columns.text(None if self._lenient and isinstance(value, float) and np.isnan(value) else value)
        if word is None:
            return float("nan")
        if self._schema.positive is not None:
            return float(word == self._schema.positive)
        if word.lower() in TRUE:
            return 1.0
        if word.lower() in FALSE:
            return 0.0
        raise BadValueError("not a class of a binary task", "send 0 or 1, or name the class in `positive:`")

    def score(self, values: Column | None) -> Floats | None:
        """A probability of the positive class, NaN for missing; of numbers and ranked lists any number."""
        if values is None:
            return None
        column: Floats = self._told("score", columns.numeric(values, nan_is_missing=self._lenient))
        if self._schema.task not in {"regression", "ranking"}:
            self._bounded("score", column, 0.0, 1.0, "send a probability from 0 to 1")
        return column

    def scores(self, values: Mapping[str, Column]) -> Mapping[str, Floats] | None:
        """Probabilities by class, of a multi-class task, NaN for missing; None where there are none."""
        found = {}
        for name, column in values.items():
            field = f"scores.{name}"
            found[name] = self._told(field, columns.numeric(column, nan_is_missing=self._lenient))
            self._bounded(field, found[name], 0.0, 1.0, "send a probability from 0 to 1")
        return found or None

    def latency(self, values: Column | None) -> Floats | None:
        """Milliseconds, NaN for missing."""
        if values is None:
            return None
        column: Floats = self._told("latency_ms", columns.numeric(values, nan_is_missing=self._lenient))
        self._bounded("latency_ms", column, 0.0, float("inf"), "send milliseconds, 0 or more")
        return column

    def _bounded(self, name: str, column: Floats, low: float, high: float, fix: str) -> None:
        for row in np.flatnonzero((column < low) | (column > high)):
            value = float(column[row])
            self._fault(name, [Fault(int(row), value, f"{value:g} is outside {low:g} to {high:g}", fix)])

    def status(self, values: Column | None) -> Floats | None:
        """How each request ended, a `Status`; NaN where that is not told."""
        if values is None:
            return None
        if isinstance(values, pa.Array) and pa.types.is_integer(values.type):
            codes = values.cast(pa.int64(), safe=False)
            ended = classes_of_codes(codes.fill_null(0).to_numpy())
            return np.where(codes.is_null(), np.nan, ended) if codes.null_count else ended
        if not isinstance(values, pa.Array) and set(map(type, values)) <= {int, type(None)}:
            try:
                return self.status(pa.array(values, pa.int64()))
            except OverflowError:
                pass  # a status that large is told by its text
        coded = self.category("status", values)
        table: Floats = np.array([*map(class_of_word, coded.names), np.nan], np.float64)
        return table[coded.codes]  # -1, a missing status, is the last


def _vectors(values: Column, spec: EmbeddingFeature) -> tuple[Floats, list[Fault]]:
    """A column of vectors, or of what becomes one by the feature's encoder."""
    if spec.encoder is None:
        return columns.vectors(values, len(spec.columns))
    from collector.encoders.encode import encoded  # noqa: PLC0415 - onnxruntime only where needed

    return encoded(values, spec.encoder)


def decided(
    task: str,
    prediction: Values | None,
    score: Floats | None,
    scores: Mapping[str, Floats] | None = None,
) -> Values | None:
    """The prediction, where scores alone are logged: the likeliest class, or one half reached."""
    if scores is not None and (prediction is None or isinstance(prediction, Coded)):
        return by_scores(prediction, scores)
    if task != "binary" or score is None or isinstance(prediction, Coded):
        return prediction
    by_score = np.where(np.isnan(score), np.nan, score >= 0.5)  # noqa: PLR2004 - the usual threshold
    return by_score if prediction is None else np.where(np.isnan(prediction), by_score, prediction)


def undecided(rows: Predictions, task: str) -> list[Fault]:
    """A fault for every row that has neither an outcome nor the status of a request that failed."""
    made = rows.prediction
    if made is None:
        absent = np.ones(len(rows), bool)
    else:
        absent = made.codes < 0 if isinstance(made, Coded) else np.isnan(made)
    if rows.status is not None:
        absent = absent & ~(rows.status > Status.OK)
    fix = "send the prediction" + {"binary": ", or a score", "multiclass": ", or scores"}.get(task, "")
    fix += "; or the status of a request that failed"
    return [Fault(int(row), None, "missing", fix) for row in np.flatnonzero(absent)]
