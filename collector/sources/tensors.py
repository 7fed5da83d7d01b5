"""Tensors of the Open Inference Protocol, version 2, as columns: data row by row, nested or flat."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from collector.sources.frame import Frame, UnreadableError, framed
from collector.validation.columns import named

WHOLE = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
FLOATING = {"FP16", "FP32", "FP64", "BF16"}
DATATYPES = {*WHOLE, *FLOATING, "BOOL", "BYTES"}
DEEPEST = 32
RAW = "binary_data_size"


def is_tensors(value: Any) -> bool:
    """Whether a value is a list of tensors, and not of plain instances."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(one, dict) and "name" in one and ("data" in one or "shape" in one) for one in value
        )
    )


def frame_of(field: str, tensors: Sequence[Any], version: str | None = None) -> Frame:
    """Tensors as columns: the first dimension is the row.

    Args:
        field: `inputs` or `outputs`, for messages.
        tensors: as JSON has them.
        version: the model's version.

    >>> frame_of("inputs", [{"name": "x", "shape": [2, 2], "data": [1, 2, 3, 4]}]).columns
    {'x': [[1, 2], [3, 4]]}

    Raises:
        UnreadableError: one cannot be read; the message names it.
    """
    columns: dict[str, list[Any]] = {}
    for tensor in tensors:
        name = str(tensor["name"])
        if name in columns:
            raise UnreadableError(f"{field}.{name}", name, "the name comes twice", "name each tensor once")
        rows = _rows(f"{field}.{name}", tensor)
        names = _names(tensor)
        if names and all(isinstance(row, list) and len(row) == len(names) for row in rows):
            columns.update((names[at], [row[at] for row in rows]) for at in range(len(names)))
        else:
            columns[name] = rows
    return framed(field, columns, version)


def _names(tensor: dict[str, Any]) -> list[str]:
    """The names of a matrix's columns, where the tensor says them."""
    parameters = tensor.get("parameters")
    names = parameters.get("columns") if isinstance(parameters, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []


def _rows(field: str, tensor: dict[str, Any]) -> list[Any]:
    """A tensor's rows: scalars, or flat lists."""
    parameters = tensor.get("parameters")
    if "data" not in tensor and isinstance(parameters, dict) and RAW in parameters:
        raise UnreadableError(
            f"{field}.data", parameters[RAW], "its data is binary, which a log does not hold",
            "have the client send JSON data (binary_data=False)",
        )  # fmt: skip
    flat, nested = _flat(f"{field}.data", tensor.get("data"))
    shape = _shape(f"{field}.shape", tensor.get("shape"), nested, len(flat))
    values = _typed(field, tensor.get("datatype"), flat)
    if len(shape) <= 1:
        return values
    rows, width = shape[0], math.prod(shape[1:])
    return [values[at * width : (at + 1) * width] for at in range(rows)]


def _flat(field: str, data: Any) -> tuple[list[Any], list[int]]:
    """The values in row-major order, and the lengths of the lists that they were nested in."""
    if not isinstance(data, list):
        raise UnreadableError(
            field, data, f"expected an array, got {named(data)}", "send the tensor's values"
        )
    values, lengths = data, [len(data)]
    while any(isinstance(one, list) for one in values):
        sizes = {len(one) if isinstance(one, list) else -1 for one in values}
        if len(sizes) > 1:
            raise UnreadableError(field, None, "its rows have different lengths", "send a full tensor")
        if len(lengths) == DEEPEST:
            raise UnreadableError(field, None, "it is nested too deeply", f"use at most {DEEPEST} dimensions")
        lengths.append(sizes.pop())
        values = list(chain.from_iterable(values))
    if any(isinstance(one, dict) for one in values):
        raise UnreadableError(field, None, "it holds objects", "send numbers, booleans or texts")
    return values, lengths


def _shape(field: str, given: Any, nested: list[int], size: int) -> list[int]:
    """The tensor's shape: as it says, with -1 for what follows from the data, or as its data is nested."""
    if given is None:
        return nested
    fix = "send the size of each dimension; their product is the number of values"
    whole = isinstance(given, list) and all(type(one) is int and one >= -1 for one in given)
    if not whole or given.count(-1) > 1 or len(given) > DEEPEST:
        raise UnreadableError(field, given, "it is no shape", fix)
    shape = list(given)
    if -1 in shape:
        rest = -math.prod(shape)
        shape[shape.index(-1)] = size // rest if rest else 0
    flat = len(nested) == 1
    trimmed = [one for one in shape if one != 1]
    if math.prod(shape) != size or (not flat and trimmed != [one for one in nested if one != 1]):
        found = f"{size} values" if flat else f"data nested as {nested}"
        raise UnreadableError(field, given, f"it does not fit its {found}", fix)
    return shape if size else [0]


def _typed(field: str, datatype: Any, values: list[Any]) -> list[Any]:
    """The values as their datatype says; null is a missing value."""
    if datatype is None:
        return values
    kind = datatype.upper() if isinstance(datatype, str) else ""
    if kind not in DATATYPES:
        known = ", ".join(sorted(DATATYPES))
        raise UnreadableError(f"{field}.datatype", datatype, "not a datatype", f"use one of {known}")
    types = set(map(type, values)) - {type(None)}
    read: Callable[[Any], Any]
    if kind in FLOATING:
        fine, read = types <= {float}, float
    elif kind in WHOLE:
        fine, read = types <= {int}, _whole
    elif kind == "BOOL":
        fine, read = types <= {bool}, _boolean
    else:
        fine, read = types <= {str}, _text
    if fine:
        return values
    clean = []
    for value in values:
        try:
            clean.append(None if value is None else read(value))
        except (ValueError, OverflowError):
            raise UnreadableError(
                f"{field}.data", value, f"not {kind}", "send values of the tensor's datatype"
            ) from None
    return clean


def _whole(value: Any) -> int:
    number = int(value)
    if isinstance(value, float) and number != value:
        raise ValueError(value)
    return number


def _boolean(value: Any) -> bool:
    if value in (0, 1):
        return bool(value)
    word = str(value).lower()
    if word not in ("true", "false"):
        raise ValueError(value)
    return word == "true"


def _text(value: Any) -> Any:
    """Texts stay; numbers and booleans are told as they are, and read as their text later."""
    return value
