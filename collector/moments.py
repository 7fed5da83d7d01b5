"""Moments of whole rows and embeddings: of all rows, not by segment; where traffic is high, of a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from collector.batch import Coded, Predictions, Values
from collector.schema import NumericFeature, Schema
from profiles import Groups, Moments, Shape, Space
from profiles.counts import Floats, Ints
from profiles.moments import EMBEDDING, ROW, Singles

FEATURE = "features."
SAMPLE = 20_000  # rows that a space is fitted to


def is_moments(part: str) -> bool:
    """Whether a part holds moments; shapes that were stored before they existed lack them."""
    return part == ROW or part.startswith(EMBEDDING)


def row_columns(schema: Schema) -> tuple[str, ...]:
    """What a whole row is: the parts of the numeric features, and of the model's own number."""
    features = [name for name, spec in schema.features.items() if isinstance(spec, NumericFeature)]
    outcome = "prediction" if schema.task == "regression" else "score"
    return (*(f"{FEATURE}{name}" for name in features), outcome)


def row_matrix(rows: Predictions, schema: Schema) -> Floats:
    """Whole rows, shape (n, columns), NaN for missing."""
    missing = np.full(len(rows), np.nan)
    held: dict[str, Any] = {f"{FEATURE}{name}": values for name, values in rows.features.items()}
    held |= {"score": rows.score, "prediction": rows.prediction}
    found = [held.get(part) for part in row_columns(schema)]
    return np.column_stack([missing if column is None else column for column in found])


def moment_spaces(
    schema: Schema, matrix: Floats, embeddings: Mapping[str, Floats], rows: float
) -> dict[str, Space]:
    """The spaces of a reference, by part.

    Args:
        schema: the model's.
        matrix: some of its rows, as `row_matrix` makes them; columns without a value are left out.
        embeddings: vectors by feature, shape (n, d).
        rows: of a typical window.
    """
    found: dict[str, Space] = {}
    parts, columns = row_columns(schema), list(matrix.T)
    held = [place for place, column in enumerate(columns) if np.isfinite(column).any()]
    if len(held) > 1:
        names = tuple(parts[place] for place in held)
        found[ROW] = Moments.fit([columns[place] for place in held], names, rows)
    for name, vectors in embeddings.items():
        few = vectors[:: max(len(vectors) // SAMPLE, 1)]
        found[f"{EMBEDDING}{name}"] = Moments.fit(list(few.T), rows=rows)
    return found


class MomentSums:
    """Counts the moments of a batch: each column is taken when it is read anyway, while it is in the cache.

    Args:
        rows: the predictions.
        shape: of the profiles.
        whole: which of the sums of groups are of all rows; each group is in one of them.
        groups: of the rows.
    """

    def __init__(self, rows: Predictions, shape: Shape, whole: Sequence[int], groups: Groups) -> None:
        self._whole, self._groups, self._rows = whole, groups, rows
        self._spaces = {part: space for part, space in shape.spaces.items() if isinstance(space, Moments)}
        row = self._spaces.get(ROW)
        self._places = {name: place for place, name in enumerate(row.names)} if row else {}
        self._chosen = self._sampled(row) if row else None
        self._row: Singles | None = None

    def _sampled(self, space: Moments) -> Ints | None:
        """The places of the rows that are counted; None for all."""
        ids = self._rows.ids
        return None if ids is None or space.every == 1 else np.flatnonzero(space.sampled(ids))

    def take(self, part: str, values: Values) -> None:
        """Take a column of whole rows."""
        place = self._places.get(part)
        if place is None or isinstance(values, Coded):
            return
        kept = values if self._chosen is None else values[self._chosen]
        if self._row is None:
            self._row = self._spaces[ROW].matrix(kept.size)
        self._spaces[ROW].put(self._row, place, kept)

    def summaries(self) -> Iterator[tuple[str, list[Any]]]:
        """By part, a summary for each sum of groups, or None."""
        table = np.zeros(self._groups.count, np.int64)
        for number, place in enumerate(self._whole):
            table[self._groups.wanted[place]] = number
        sums = [np.array([number]) for number in range(len(self._whole))]
        for part, space in self._spaces.items():
            chosen = self._chosen if part == ROW else self._sampled(space)
            matrix = self._row if part == ROW else self._vectors(part, space, chosen)
            if matrix is None:
                continue
            codes = self._groups.codes if chosen is None else self._groups.codes[chosen]
            counted = space.tally(matrix, Groups(table[codes], len(self._whole), sums))
            found: list[Any] = [None] * len(self._groups.wanted)
            for place, one in zip(self._whole, counted, strict=True):
                found[place] = one if one.count + one.nulls else None
            yield part, found

    def _vectors(self, part: str, space: Moments, chosen: Ints | None) -> Singles | None:
        vectors = self._rows.features.get(part.removeprefix(EMBEDDING))
        if vectors is None or isinstance(vectors, Coded):
            return None
        kept = vectors if chosen is None else vectors[chosen]
        matrix = space.matrix(len(kept))
        for place, column in enumerate(kept.T):
            space.put(matrix, place, column)
        return matrix
