"""From validated predictions to the rows of a sample, and the hashes that choose them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from collector.batch import Coded, Hashes, Predictions
from collector.delivery import Delivery
from collector.validation.ids import hashes
from profiles.counts import Ints
from profiles.sample import Column

WINDOWS = 30  # of a reference that are read: many enough to say what is usual
WIDEST = 64  # numbers of an embedding: wider ones are left out
STEP, FIRST, SECOND = (
    np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
SEPARATOR = "\x1f"


def numbered(seeds: Hashes | np.uint64, places: Ints) -> Hashes:
    """Hashes of rows without an id: by the place of each in its delivery, or in its file.

    The same delivery gives the same hashes, also when it comes again after a crash. Values are no part of
    them: rows that are equal are several rows.

    Args:
        seeds: one for all, or one for each row, shape (n,).
        places: shape (n,).
    """
    mixed = seeds + (places.astype(np.uint64) + np.uint64(1)) * STEP  # splitmix64, Steele and others, 2014
    mixed = (mixed ^ (mixed >> np.uint64(30))) * FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * SECOND
    return mixed ^ (mixed >> np.uint64(31))


def representative(starts: Iterable[int], most: int = WINDOWS) -> list[int]:
    """At most `most` of some windows, ascending: by their hashes, so that no season is left out.

    >>> representative(range(0, 10_000, 24), 5)
    [1728, 2568, 4488, 7968, 8688]
    """
    every = np.array(sorted(starts), np.int64)
    chosen = np.argsort(numbered(np.uint64(0), every), kind="stable")[:most]
    return sorted(every[chosen].tolist())


def row_hashes(rows: Predictions, deliveries: Sequence[Delivery], places: Ints) -> Hashes:
    """The hash of every row: that of its id, or of its place in its delivery.

    Args:
        rows: predictions.
        deliveries: what they may have come with.
        places: which of the deliveries each row came with, ascending, shape (n,).
    """
    if rows.ids is not None:
        return rows.ids
    firsts = np.searchsorted(places, places)
    seeds = np.zeros(len(deliveries), np.uint64)
    for place in np.unique(places).tolist():
        seeds[place] = _seed(deliveries[place], rows.times[places == place])
    return numbered(seeds[places], np.arange(len(rows)) - firsts)


def _seed(delivery: Delivery, times: Ints) -> np.uint64:
    name: tuple[Any, ...] = (delivery.source, delivery.key, delivery.batch.digest, *delivery.advances)
    if not delivery.key and not delivery.advances:  # nothing tells it apart but what it holds
        name += (times.size, int(times.sum()))
    return np.uint64(hashes([SEPARATOR.join(map(str, name))])[0])


def sample_columns(rows: Predictions) -> dict[str, Column | Coded]:
    """The columns of a sample: `features.<name>`, `segments.<name>`, and the fields of the log.

    Times are microseconds since 1970 as floats, exact for three centuries.
    """
    values: dict[str, Any] = {f"features.{name}": value for name, value in rows.features.items()}
    values |= {f"segments.{name}": value for name, value in rows.segments.items()}
    values |= {"time": rows.times, "version": rows.versions, "score": rows.score}
    values |= {"prediction": rows.prediction, "label": rows.label}
    return {name: _plain(value) for name, value in values.items() if value is not None and _fits(value)}


def _fits(value: Any) -> bool:
    return isinstance(value, Coded) or value.ndim == 1 or value.shape[1] <= WIDEST


def _plain(value: Any) -> Column | Coded:
    if isinstance(value, Coded):
        return value
    return np.asarray(value, np.float64 if value.ndim == 1 else np.float32)


def decoded(column: Column | Coded) -> Column:
    """The same with words as objects, None for missing."""
    if not isinstance(column, Coded):
        return column
    words = [None if name is None else str(name) for name in column.names]
    return np.array([*words, None], object)[column.codes]
