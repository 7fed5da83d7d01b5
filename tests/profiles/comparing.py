"""Equality of summaries: to the bit in every count, within rounding in sums of floating-point numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

ROUNDING = 1e-12
OF_A_COSINE = 1e-10


def is_sum(value: Any, rule: str) -> bool:
    floating = isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind == "f")
    return floating and rule == "add"


def magnitudes(singles: Sequence[Any]) -> dict[str, Any]:
    """What sums of floating-point numbers add up to without their signs: the unit of their rounding."""
    sizes: dict[str, Any] = {}
    for one in singles:
        for item in fields(one):
            value = getattr(one, item.name)
            if is_sum(value, item.metadata.get("merge", "add")):
                sizes[item.name] = sizes.get(item.name, 0.0) + np.abs(value)
    return sizes


def assert_same(one: Any, other: Any, sizes: dict[str, Any], *, extremes: bool = True) -> None:
    """Fails where a count differs at all, or a sum by more than rounding; `extremes` are compared exactly."""
    assert type(one) is type(other)
    for item in fields(one):
        mine, theirs = getattr(one, item.name), getattr(other, item.name)
        rule = item.metadata.get("merge", "add")
        if is_sum(mine, rule):
            slack = OF_A_COSINE if isinstance(mine, np.ndarray) else 0.0
            assert np.all(np.abs(mine - theirs) <= ROUNDING * sizes.get(item.name, 0.0) + slack), item.name
        elif extremes or rule == "add":
            assert np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else mine == theirs, item.name
