"""Ranked lists: how many items each has, and how good the order was, from the items' relevances."""

from __future__ import annotations

import math
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.validation import columns
from collector.validation.columns import BadValueError, Fault
from profiles.counts import Floats, Ints
from profiles.ranking import CUTOFFS, LONGEST, packed

Column = Any  # a Python list or an Arrow array (pyarrow ships no types)
LISTS = (pa.ListArray, pa.LargeListArray, pa.FixedSizeListArray)
MOST = 1e300  # a relevance
MOST_SHOWN = 1e9
FIX = (
    "send the relevance of each item in the order shown, such as [0, 0, 1], or the place of the one that is "
    "relevant, 0 for none"
)
SHOWN_FIX = "send the list of the items' ids in the order shown, or how many there are"


def shown(values: Column) -> tuple[Floats, list[Fault]]:
    """How many items each list has, shape (n,), NaN for missing; from lists of ids, or from numbers."""
    if isinstance(values, LISTS):
        sizes = pc.list_value_length(values).cast(pa.float64())
        return sizes.to_numpy(zero_copy_only=False), []
    clean, faults = columns.one_by_one(values, _size, math.nan)
    return np.array(clean, np.float64), faults


def _size(value: Any) -> float:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return math.nan
    if isinstance(value, list):
        return float(len(value))
    return float(_whole(value, MOST_SHOWN, SHOWN_FIX, "a list of items"))


def _whole(value: Any, most: float, fix: str, wanted: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadValueError(f"expected {wanted}, got {columns.named(value)}", fix)
    if not 0 <= value <= most or value != int(value):
        raise BadValueError(f"{value} is no whole number from 0 to {most:g}", fix)
    return int(value)


def relevances(values: Column) -> tuple[Floats, list[Fault]]:
    """Labels of ranked lists as `profiles.ranking` packs them, shape (n,), NaN for missing.

    Args:
        values: of each list the relevances, 0 or more, in the order shown; or the place, from 1, of the one
            relevant item, 0 for none.
    """
    places = _places(values)
    if places is not None:
        return _of_places(places), []
    faults: list[Fault] = []
    found = _flat(values)
    if found is None:
        clean, faults = columns.one_by_one(values, _relevances, None)
        found = _flat(clean)
    assert found is not None  # noqa: S101 - what was read one by one is as it should be
    flat, sizes = found
    return np.where(sizes > 0, quality(flat, sizes), np.nan), faults


def _relevances(value: Any) -> list[float] | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if not isinstance(value, list):
        place = _whole(value, LONGEST, FIX, "a list of relevances, or a place")
        return [0.0] * (place - 1) + [float(place > 0)]
    if not 0 < len(value) <= LONGEST:
        raise BadValueError(f"the list has {len(value)} items", f"send lists of 1 to {LONGEST} items")
    for one in value:
        if isinstance(one, bool) or not isinstance(one, int | float):
            raise BadValueError(f"a relevance is {columns.named(one)}, not a number", FIX)
        if not 0 <= one <= MOST:
            raise BadValueError(f"the relevance {one} is outside 0 to {MOST:g}", FIX)
    return [float(one) for one in value]


def _places(values: Column) -> Floats | None:
    """Places of the one relevant item, NaN for missing; None where there is anything else."""
    if isinstance(values, pa.Array):
        if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
            return None
    elif not set(map(type, values)) <= {int, float, type(None)}:
        return None
    places, faults = columns.numeric(values, nan_is_missing=True)
    odd = (places < 0) | (places > LONGEST) | (places != np.rint(places)) & ~np.isnan(places)
    return None if faults or odd.any() else places


def _of_places(places: Floats) -> Floats:
    """Labels of lists with one relevant item; NaN for missing."""
    known = ~np.isnan(places)
    at = np.where(known, places, 0.0)
    shares = 1 / np.log2(np.maximum(at, 1.0) + 1.0)
    ndcg = [np.where((at > 0) & (at <= cutoff), shares, 0.0) for cutoff in CUTOFFS]
    hits = ((at > 0) & (at <= CUTOFFS[-1])).astype(np.int64)
    return np.where(known, packed(ndcg, at.astype(np.int64), hits), np.nan)


def _flat(values: Column) -> tuple[Floats, Ints] | None:
    """All relevances one after the other, and how many each list has, 0 for missing; None if any is odd."""
    if isinstance(values, LISTS):
        items = values.flatten()
        if items.null_count or not (pa.types.is_integer(items.type) or pa.types.is_floating(items.type)):
            return None
        flat = items.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        counted = pc.list_value_length(values)
        sizes = counted.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        empty = (sizes == 0) & values.is_valid().to_numpy(zero_copy_only=False)
    elif isinstance(values, pa.Array):
        return None
    else:
        if not set(map(type, values)) <= {list, type(None)}:
            return None
        items = list(chain.from_iterable(one for one in values if one is not None))
        if not set(map(type, items)) <= {int, float}:
            return None
        try:
            flat = np.array(items, np.float64)
        except OverflowError:
            return None
        sizes = np.array([0 if one is None else len(one) for one in values], np.int64)
        empty = np.array([one is not None and not one for one in values], bool)
    fits = not empty.any() and sizes.max(initial=0) <= LONGEST
    return (flat, sizes) if fits and bool(((flat >= 0) & (flat <= MOST)).all()) else None


def quality(flat: Floats, sizes: Ints) -> Floats:
    """How good the order of each list was, packed, shape (n,).

    NDCG has linear gains and the ideal order of the same list (Järvelin and Kekäläinen, ACM TOIS 20, 2002,
    as scikit-learn's `ndcg_score`), and is 0 where nothing is relevant.

    Args:
        flat: the relevances of all lists, one list after the other, in the order shown.
        sizes: how many each list has, shape (n,).
    """
    rows = np.repeat(np.arange(sizes.size), sizes)
    places = np.arange(flat.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    best = np.zeros(sizes.size)
    np.maximum.at(best, rows, flat)
    gains = np.divide(flat, best[rows], out=np.zeros_like(flat), where=best[rows] > 0)
    ideal = gains[np.lexsort((-gains, rows))]
    ndcg = []
    for cutoff in CUTOFFS:
        discounts = np.where(places < cutoff, 1 / np.log2(places + 2.0), 0.0)
        reached, possible = (np.bincount(rows, part * discounts, sizes.size) for part in (gains, ideal))
        ndcg.append(np.divide(reached, possible, out=np.zeros(sizes.size), where=possible > 0))
    relevant = flat > 0
    first = np.full(sizes.size, LONGEST + 1)
    np.minimum.at(first, rows[relevant], places[relevant] + 1)
    hits = np.bincount(rows[relevant & (places < CUTOFFS[-1])], minlength=sizes.size)
    return packed([np.minimum(one, 1.0) for one in ndcg], np.where(first > LONGEST, 0, first), hits)
