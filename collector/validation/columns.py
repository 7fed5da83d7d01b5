"""From raw values, JSON's or Arrow's, to clean columns, with every bad value told apart.

Each reader takes a Python list or an Arrow array and returns the column and its faults. The fast path
converts the whole column at once; only when that fails are values looked at one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.batch import Coded
from profiles import Violation
from profiles.counts import Floats, Ints

LONGEST_TEXT = 1000
LONGEST_NAME = 200  # of a version: names are keys, which PostgreSQL bounds
Column = Any  # a Python list or an Arrow array (pyarrow ships no types)
T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """A bad value: its row, the value, what is wrong and what to do."""

    row: int
    value: Any
    reason: str
    fix: str
    violation: Violation = Violation.WRONG_TYPE


class BadValueError(ValueError):
    """Raised by a one-value reader: the reason and the fix."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


def listed(values: Column) -> list[Any]:
    """The values as Python objects."""
    return values.to_pylist() if isinstance(values, pa.Array) else list(values)


def one_by_one(values: Column, read: Callable[[Any], T], stand_in: T) -> tuple[list[T], list[Fault]]:
    """Read each value; a bad one becomes `stand_in` and a fault."""
    clean: list[T] = []
    faults = []
    for row, value in enumerate(listed(values)):
        try:
            clean.append(read(value))
        except BadValueError as bad:
            faults.append(Fault(row, value, bad.reason, bad.fix))
            clean.append(stand_in)
    return clean, faults


def numeric(values: Column, *, nan_is_missing: bool) -> tuple[Floats, list[Fault]]:
    """A numeric column, shape (n,), NaN for missing."""
    try:
        if isinstance(values, pa.Array):
            if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
                raise pa.ArrowInvalid(f"{values.type} is not numeric")  # noqa: TRY301 - the slow path reads it
            array = values.cast(pa.float64(), safe=False)
        else:
            if bool in set(map(type, values)):
                raise pa.ArrowInvalid("Arrow would take a boolean for a number")  # noqa: TRY301 - as above
            array = pa.array(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return _checked(*_slow_numeric(values), values, nan_is_missing=nan_is_missing)
    clean = array.to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(clean.sum()):  # cheaper than to look at every value
            return clean, []
    bad = np.flatnonzero(~np.isfinite(clean) & array.is_valid().to_numpy(zero_copy_only=False))
    return _unfit(clean, bad, nan_is_missing=nan_is_missing)


def _slow_numeric(values: Column) -> tuple[Floats, list[Fault]]:
    def read(value: Any) -> float:
        if value is None:
            return math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadValueError(f"expected a number, got {named(value)}", "send a JSON number, or null")
        try:
            return float(value)
        except OverflowError:
            raise BadValueError("the number is too large", "send a number below 1e308, or null") from None

    clean, faults = one_by_one(values, read, math.nan)
    return np.array(clean, np.float64), faults


def _checked(
    clean: Floats, faults: list[Fault], values: Column, *, nan_is_missing: bool
) -> tuple[Floats, list[Fault]]:
    given = np.array([isinstance(value, float) for value in listed(values)], bool)
    clean, more = _unfit(clean, np.flatnonzero(given & ~np.isfinite(clean)), nan_is_missing=nan_is_missing)
    return clean, faults + more


def _unfit(clean: Floats, bad: Ints, *, nan_is_missing: bool) -> tuple[Floats, list[Fault]]:
    if not bad.size:
        return clean, []
    if nan_is_missing:
        return np.where(np.isfinite(clean), clean, np.nan), []
    return clean, [
        Fault(
            int(row),
            float(clean[row]),
            f"{clean[row]} is not a finite number",
            "send null for a missing value",
        )
        for row in bad
    ]


def text(value: Any, longest: int = LONGEST_TEXT) -> str | None:
    """One category or name as text; whole floats lose their `.0`, as pandas adds it beside missing values."""
    if value is None or isinstance(value, str):
        return _bounded(value, longest)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise BadValueError(f"{value} is not a category", "send null for a missing value")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float | date):
        return str(value)
    raise BadValueError(f"expected a string, got {named(value)}", "send a JSON string, or null")


def identity(value: Any) -> str | None:
    """An id as text, the same whether a number came as 7 or 7.0; a null may come as NaN."""
    return None if isinstance(value, float) and math.isnan(value) else text(value)


def named(value: Any) -> str:
    """The type of a value as JSON calls it.

    >>> named([1]), named(True)
    ('an array', 'a boolean')
    """
    names = {
        dict: "an object", list: "an array", str: "a string", bool: "a boolean",
        int: "a number", float: "a number", type(None): "null",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def _bounded(value: str | None, longest: int) -> str | None:
    if value is not None and len(value) > longest:
        raise BadValueError(f"the text has {len(value)} characters", f"send at most {longest}, or hash it")
    return value


def categorical(
    values: Column, *, nan_is_missing: bool, longest: int = LONGEST_TEXT
) -> tuple[Coded, list[Fault]]:
    """A categorical column, dictionary-encoded; texts have at most `longest` characters."""
    faults: list[Fault] = []
    if isinstance(values, pa.DictionaryArray):
        return _recoded(values, longest)
    if isinstance(values, pa.Array) and pa.types.is_floating(values.type) and nan_is_missing:
        values = pc.if_else(pc.is_finite(values), values, None)
    try:
        if isinstance(values, pa.Array) and not pa.types.is_string(values.type):
            raise pa.ArrowInvalid("not text")  # noqa: TRY301 - the slow path reads it
        array = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
        fits = (pc.max(pc.utf8_length(array)).as_py() or 0) <= longest
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        fits = False
    if not fits:
        clean, faults = one_by_one(values, lambda value: text(value, longest), None)
        array = pa.array(clean, pa.string())
    encoded = array.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return Coded(codes, tuple(encoded.dictionary.to_pylist())), faults


def _recoded(values: Any, longest: int) -> tuple[Coded, list[Fault]]:
    """A column that came dictionary-encoded, of text."""
    names, faults = one_by_one(values.dictionary, lambda value: text(value, longest), None)
    places = values.indices.cast(pa.int64(), safe=False)
    codes = places.fill_null(-1).to_numpy(zero_copy_only=False)
    absent = [place for place, name in enumerate(names) if name is None]
    if absent:
        codes = np.where(np.isin(codes, absent), -1, codes)
    bad = {fault.row: fault for fault in faults}
    rows = np.flatnonzero(np.isin(codes, list(bad)))
    found = [replace(bad[int(values.indices[int(row)].as_py())], row=int(row)) for row in rows]
    return Coded(codes, tuple(name or "" for name in names)), found


def vectors(values: Column, dimensions: int) -> tuple[Floats, list[Fault]]:
    """A column of lists of numbers, shape (n, dimensions); a missing list is NaN throughout."""
    fix = f"send a list of {dimensions} numbers, or null"
    missing = [math.nan] * dimensions

    def read(value: Any) -> list[float]:
        if value is None:
            return missing
        if not isinstance(value, list) or len(value) != dimensions:
            raise BadValueError(f"expected {dimensions} numbers", fix)
        if any(isinstance(x, bool) or not isinstance(x, int | float) or not math.isfinite(x) for x in value):
            raise BadValueError("one of the numbers is not finite", fix)
        return [float(x) for x in value]

    quick = _stacked(values, dimensions)
    if quick is not None:
        return quick, []
    clean, faults = one_by_one(values, read, missing)
    return np.array(clean, np.float64).reshape(len(clean), dimensions), faults


def _stacked(values: Column, dimensions: int) -> Floats | None:
    """Lists as a matrix, where all of them are whole."""
    if isinstance(values, pa.Array):
        if not isinstance(values, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray):
            return None
        flat = values.flatten()
        numbers = pa.types.is_floating(flat.type) or pa.types.is_integer(flat.type)
        sizes = {dimensions} if len(values) == 0 else set(pc.list_value_length(values).unique().to_pylist())
        if not numbers or flat.null_count or sizes != {dimensions}:
            return None
        stacked: Floats = flat.cast(pa.float64()).to_numpy().reshape(len(values), dimensions)
    else:
        if any(type(one) is not list or len(one) != dimensions for one in values):
            return None
        flat = list(chain.from_iterable(values))
        if not set(map(type, flat)) <= {float, int}:
            return None
        try:
            stacked = np.array(flat, np.float64).reshape(len(values), dimensions)
        except OverflowError:
            return None
    return stacked if np.isfinite(stacked).all() else None
