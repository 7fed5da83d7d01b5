"""What may be said of a row of a sample: a number is above a value, a word is this one, it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from detectors.sampled.table import HUGE, PREFIX
from profiles.counts import Floats
from profiles.sample import Column, Sample

TENTHS = np.arange(1, 10) / 10
FREQUENT = 0.01  # of all rows: a word that more have is called by its name
MOST_NAMED = 30  # words of a feature

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Condition:
    """A condition on one feature, such as `temp > 88.5`, `carrier = UA`, `wind is missing`."""

    name: str
    relation: str
    value: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.name} {self.relation} {self.value}"


def in_words(conditions: Sequence[Condition]) -> str:
    """Conditions that hold together.

    >>> in_words([Condition("temp", "<=", "88.5"), Condition("carrier", "=", "UA")])
    'temp <= 88.5 and carrier = UA'
    >>> in_words([Condition("temp", "<=", "88.5"), Condition("temp", ">", "79")])
    '79 < temp <= 88.5'
    """
    value = {one.relation: one.value for one in conditions}
    if len({one.name for one in conditions}) == 1 and value.keys() == {">", "<="}:
        return f"{value['>']} < {conditions[0].name} <= {value['<=']}"
    return " and ".join(str(one) for one in conditions)


def conditions_of(reference: Sample, window: Sample, most: int) -> tuple[list[Condition], Mask]:
    """The conditions on the features of two samples: numbers are cut at their tenths, vectors left out.

    They depend on the values alone, not on which row is whose.

    Args:
        reference: the known good.
        window: what is compared with it.
        most: rows of each, those of the smallest hashes.

    Returns:
        The conditions, and which rows, the reference's first, fulfil them, shape (rows, conditions).
    """
    sizes = min(reference.count, most), min(window.count, most)
    found: list[Condition] = []
    masks = [np.zeros(sum(sizes), bool)]
    for name in sorted(name for name in {*reference.columns, *window.columns} if name.startswith(PREFIX)):
        pair = reference.columns.get(name), window.columns.get(name)
        given = [column for column in pair if column is not None]
        if any(column.ndim > 1 for column in given):
            continue
        numbers = any(column.dtype != object for column in given)  # a sample that has words is missing them
        told = _of_numbers(_numbers(pair, sizes)) if numbers else _of_words(_words(pair, sizes))
        named = partial(Condition, name.removeprefix(PREFIX))
        for relation, value, mask in told:
            if not mask.all() and mask.any():
                found.append(named(relation, value))
                masks.append(mask)
    return found, np.array(masks[1:], bool).reshape(len(found), sum(sizes)).T


def _numbers(pair: tuple[Column | None, Column | None], sizes: tuple[int, int]) -> Floats:
    return np.concatenate(
        [
            np.full(rows, np.nan)
            if column is None or column.dtype == object
            else np.clip(column[:rows].astype(np.float64), -HUGE, HUGE)
            for column, rows in zip(pair, sizes, strict=True)
        ]
    )


def _words(pair: tuple[Column | None, Column | None], sizes: tuple[int, int]) -> Column:
    return np.concatenate(
        [
            np.full(rows, None, object) if column is None else column[:rows]
            for column, rows in zip(pair, sizes, strict=True)
        ]
    )


def _of_numbers(values: Floats) -> Iterator[tuple[str, str, Mask]]:
    gaps = np.isnan(values)
    yield from _of_gaps(gaps)
    levels = np.unique(values[~gaps])
    if levels.size > 1:
        cuts = np.quantile(values[~gaps], TENTHS, method="lower")
        for place in np.unique(np.minimum(np.searchsorted(levels, cuts), levels.size - 2)):
            value = _between(levels[place], levels[place + 1])
            yield ">", value, values > levels[place]
            yield "<=", value, values <= levels[place]


def _of_words(words: Column) -> Iterator[tuple[str, str, Mask]]:
    gaps = np.array([word is None for word in words], bool)
    yield from _of_gaps(gaps)
    found, codes, counts = np.unique(words[~gaps].astype(str), return_inverse=True, return_counts=True)
    places = np.full(words.size, -1)
    places[~gaps] = codes
    order = np.argsort(-counts, kind="stable")[:MOST_NAMED]
    frequent = order[counts[order] > FREQUENT * words.size]
    rare = ~gaps & ~np.isin(places, frequent)
    told = [("=", str(found[place]), places == place) for place in frequent]
    told.append(("is", "a rare value", rare))
    yield from told
    if len(told) - (not rare.any()) > 2:  # noqa: PLR2004 - of two the one is what the other is not
        for relation, value, mask in told:
            yield "is not" if relation == "is" else "!=", value, ~gaps & ~mask


def _of_gaps(gaps: Mask) -> Iterator[tuple[str, str, Mask]]:
    yield "is", "missing", gaps
    yield "is not", "missing", ~gaps


def _between(low: float, high: float) -> str:
    """A short number x with low <= x < high.

    >>> _between(88.0, 89.0), _between(20240501.0, 20240502.0), _between(0.1, 0.10000000000000002)
    ('88', '20240501.5', '0.1')
    """
    middle = low + (high - low) / 2
    texts = (f"{middle:.{digits}g}" for digits in range(2, 10))
    return next((text for text in texts if low <= float(text) < high), repr(float(low)))
