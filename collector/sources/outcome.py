"""Which of a model's outputs are the score and the prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from collector.schema import Part, Schema
from collector.sources.frame import Frame, UnreadableError

FIX = "say which output is what: outputs: [{name: ..., gives: score, index: 1}]"
Told = dict[str, list[Any]]


class Output(Part):
    """What one output is.

    Attributes:
        name: the tensor, or the key in objects; the first output when left out.
        gives: `score` or `prediction`; by the task and the values when left out.
        index: which value of a row it is, where a row has several.
        threshold: the score from which on the prediction of a binary task is 1.
        classes: the names of the classes: the prediction is that of the row's largest value.
    """

    name: str | None = None
    gives: Literal["score", "prediction"] | None = None
    index: int | None = None
    threshold: float | None = None
    classes: tuple[str, ...] = ()

    def read(self, frame: Frame, schema: Schema) -> Told:
        """The score, the prediction, or both, of each row; of several classes the probabilities, too.

        Raises:
            UnreadableError: the output is not there, or not what it is said to be.
        """
        name = next(iter(frame.columns)) if self.name is None else self.name
        if name not in frame.columns:
            reason = f"there is no output {name!r}"
            raise UnreadableError("response", sorted(frame.columns), reason, FIX)
        values = frame.columns[name]
        field = f"response.{name}" if name else "response"
        if any(isinstance(value, dict) for value in values):
            raise UnreadableError(field, None, "its rows are objects", FIX)
        if schema.task == "ranking" and self.gives != "score" and self.index is None:
            return {"prediction": values}
        if any(isinstance(value, list) for value in values):
            return self._of_rows(field, [one if isinstance(one, list) else [one] for one in values], schema)
        if self.index or self.classes:
            raise UnreadableError(
                field, values[0], "its rows are single values", "leave out index and classes"
            )
        return self._of_values(field, values, schema)

    def _of_rows(self, field: str, rows: list[list[Any]], schema: Schema) -> Told:
        widths = {len(row) for row in rows}
        index = self.index
        if self.classes or (index is None and schema.task == "multiclass" and widths != {1}):
            return self._largest(field, rows)
        if index is None:
            index = 1 if schema.task == "binary" and widths == {2} else 0
            if index == 0 and widths != {1}:
                raise UnreadableError(field, rows[0], f"its rows have {sorted(widths)} values", FIX)
        if not -min(widths) <= index < min(widths):
            raise UnreadableError(field, rows[0], f"a row has no value at index {index}", FIX)
        return self._of_values(field, [row[index] for row in rows], schema)

    def _of_values(self, field: str, values: list[Any], schema: Schema) -> Told:
        gives = self.gives
        if gives is None:
            probable = schema.task == "binary" and all(type(one) in (float, type(None)) for one in values)
            gives = "score" if probable else "prediction"
        if self.threshold is None:
            return {gives: values}
        numbers = _numbers(field, values)
        decided = [None if one is None else int(one >= self.threshold) for one in numbers]
        return {"prediction": decided} | ({"score": values} if gives == "score" else {})

    def _largest(self, field: str, rows: list[list[Any]]) -> Told:
        """The class of each row's largest value; these, and the largest, if they are probabilities."""
        predictions: list[Any] = []
        largest: list[float | None] = []
        by_class: list[dict[str, Any] | None] = []
        for row in rows:
            numbers = _numbers(field, row)
            if None in numbers or not numbers:
                raise UnreadableError(field, row, "a value is missing", "log a number for each class")
            if self.classes and len(row) != len(self.classes):
                reason = f"a row of {len(row)} values for {len(self.classes)} classes"
                raise UnreadableError(field, row, reason, "name every class under classes:")
            names = self.classes or tuple(map(str, range(len(row))))
            best = max(range(len(row)), key=lambda at: row[at])
            predictions.append(names[best])
            probable = all(0 <= one <= 1 for one in row)
            largest.append(float(row[best]) if probable else None)
            by_class.append(dict(zip(names, row, strict=True)) if probable else None)
        return {"prediction": predictions, "score": largest, "scores": by_class}


def outcomes(frame: Frame, outputs: Sequence[Output], schema: Schema) -> Mapping[str, list[Any]]:
    """What a response tells: `score`, `prediction` or both, and `scores`, a value for each row.

    Raises:
        UnreadableError: an output is not there, or not what it is said to be.
    """
    if not outputs:
        alike = [name for name in ("score", "prediction") if name in frame.columns]
        outputs = [Output(name=name, gives=name) for name in alike] or [Output()]
    told: Told = {}
    for output in outputs:
        told.update(output.read(frame, schema))
    return told


def _numbers(field: str, values: list[Any]) -> list[Any]:
    for value in values:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise UnreadableError(field, value, "not a number", FIX)
    return values
