"""Probabilities by class, from objects, structs or maps, to one column for each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from collector.batch import Coded
from collector.validation import columns
from collector.validation.columns import BadValueError, Fault
from profiles.counts import Floats, Ints

Column = Any  # a Python list or an Arrow array (pyarrow ships no types)
MOST_CLASSES = 1000  # of a row
CELLS = 1 << 24  # of a batch: beyond it only the classes that most rows have are read
FIX = 'send an object of class and probability, such as {"cat": 0.7, "dog": 0.3}'


def by_class(values: Column) -> tuple[dict[str, Column], list[Fault]]:
    """One column for each class, by name, and the rows that hold no probabilities by class.

    Args:
        values: objects, as a list of dictionaries; or an Arrow array of structs or of maps. None for missing.
    """
    if isinstance(values, pa.StructArray):
        kept = _classes({values.type.field(at).name for at in range(values.type.num_fields)}, len(values))
        flat = {values.type.field(at).name: column for at, column in enumerate(values.flatten())}
        return {name: flat[name] for name in kept}, []
    if isinstance(values, pa.MapArray):
        return _of_map(values)
    clean, faults = _objects(values)
    layouts = Counter(tuple(one) for one in clean if one)
    seen: Counter[str] = Counter()
    for names, rows in layouts.items():
        seen.update(dict.fromkeys(names, rows))
    kept = _classes(seen, len(clean))
    return {name: [None if one is None else one.get(name) for one in clean] for name in kept}, faults


def _objects(values: Column) -> tuple[Sequence[dict[str, Any] | None], list[Fault]]:
    quick = isinstance(values, list) and set(map(type, values)) <= {dict, type(None)}
    if quick and all(len(one) <= MOST_CLASSES for one in values if one):
        keys = {key for one in values if one for key in one}
        if all(type(key) is str and len(key) <= columns.LONGEST_TEXT for key in keys):
            return values, []
    return columns.one_by_one(values, _object, None)


def _object(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadValueError(f"expected an object, got {columns.named(value)}", FIX)
    if len(value) > MOST_CLASSES:
        raise BadValueError(f"it has {len(value)} classes", f"send at most {MOST_CLASSES}, the likeliest")
    return {_name(name): probability for name, probability in value.items()}


def _name(key: Any) -> str:
    name = columns.text(key)
    if name is None:
        raise BadValueError("a class has no name", FIX)
    return name


def _classes(seen: Iterable[str], rows: int) -> list[str]:
    """The classes that are read, in order of their names: all, unless rows disagree wildly."""
    weights = seen if isinstance(seen, Counter) else Counter(seen)
    most = max(1, min(MOST_CLASSES, CELLS // max(rows, 1)))
    return sorted(sorted(weights, key=lambda name: (-weights[name], name))[:most])


def _of_map(values: Any) -> tuple[dict[str, Column], list[Fault]]:
    if not pa.types.is_string(values.keys.type):
        return _of_objects(values)
    offsets = values.offsets.to_numpy().astype(np.int64)
    sizes = np.where(values.is_valid().to_numpy(zero_copy_only=False), np.diff(offsets), 0)
    if sizes.max(initial=0) > MOST_CLASSES:
        return _of_objects(values)
    rows = np.repeat(np.arange(len(values)), sizes)
    items = np.arange(rows.size) + np.repeat(offsets[:-1] - np.cumsum(sizes) + sizes, sizes)
    names = values.keys.take(pa.array(items)).dictionary_encode()
    codes, words = names.indices.to_numpy(), names.dictionary.to_pylist()
    if any(len(word) > columns.LONGEST_TEXT for word in words):
        return _of_objects(values)
    often = np.bincount(codes, minlength=len(words)).tolist()
    kept = _classes(Counter(dict(zip(words, often, strict=True))), len(values))
    found = {}
    for name in kept:
        place = np.full(len(values), -1, np.int64)
        own = np.flatnonzero(codes == words.index(name))
        place[rows[own]] = items[own]  # of equal names the last counts, as in JSON
        found[name] = values.items.take(pa.array(place, mask=place < 0))
    return found, []


def _of_objects(values: Any) -> tuple[dict[str, Column], list[Fault]]:
    return by_class([None if one is None else dict(one) for one in values.to_pylist()])


def likeliest(scores: Mapping[str, Floats]) -> Coded:
    """The most likely class of each row, of equally likely ones the first by name, as scikit-learn has it.

    >>> found = likeliest({"dog": np.array([0.3, np.nan]), "cat": np.array([0.7, np.nan])})
    >>> found.names, found.codes.tolist()
    (('cat', 'dog'), [0, -1])
    """
    names, matrix = _matrix(scores)
    best: Ints = matrix.argmax(axis=1)
    return Coded(np.where(matrix.max(axis=1) < 0, -1, best), names)


def by_scores(prediction: Coded | None, scores: Mapping[str, Floats]) -> Coded:
    """The prediction, where one was logged; else the most likely class."""
    if prediction is not None and (prediction.codes >= 0).all():
        return prediction
    best = likeliest(scores)
    if prediction is None:
        return best
    places = {name: at for at, name in enumerate(prediction.names)}
    table = np.array([*(places.setdefault(name, len(places)) for name in best.names), -1], np.int64)
    return Coded(np.where(prediction.codes < 0, table[best.codes], prediction.codes), tuple(places))


def ranked(scores: Mapping[str, Floats], most: int) -> list[Coded]:
    """The most likely classes of each row: a column for each place, -1 where a row has no more.

    Of equally likely classes the last by name comes first, as in scikit-learn's `top_k_accuracy_score`.

    >>> [column.codes.tolist() for column in ranked({"a": np.array([0.5]), "b": np.array([0.5])}, 10)]
    [[1], [0]]
    """
    names, matrix = _matrix(scores)
    order = np.argsort(matrix, axis=1, kind="stable")[:, ::-1][:, :most]
    codes = np.where(np.take_along_axis(matrix, order, axis=1) < 0, -1, order)
    return [Coded(codes[:, place], names) for place in range(codes.shape[1])]


def _matrix(scores: Mapping[str, Floats]) -> tuple[tuple[str, ...], Floats]:
    """The classes by name, and their probabilities, shape (n, classes), -1 for missing."""
    names = tuple(sorted(scores))
    return names, np.nan_to_num(np.column_stack([scores[name] for name in names]), nan=-1.0)
