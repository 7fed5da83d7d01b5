"""The monoid: what makes two summaries of the same space add."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

UNSEEN_KEPT = 8


@runtime_checkable
class Summary(Protocol):
    """What a space counted in some rows. Adds and subtracts with summaries of the same space."""

    @property
    def space(self) -> Any:
        """The space that this was counted on."""

    def __add__(self, other: Self) -> Self: ...

    def __sub__(self, other: Self) -> Self: ...


def smallest() -> Any:
    """A field that keeps the smaller of two values when summaries add."""
    return field(default=np.inf, metadata={"merge": "min"})


def largest() -> Any:
    """A field that keeps the larger of two values when summaries add."""
    return field(default=-np.inf, metadata={"merge": "max"})


def first_few() -> Any:
    """A field of strings that keeps the `UNSEEN_KEPT` first in sort order: bounded, and still a monoid."""
    return field(default=(), metadata={"merge": "first"})


@dataclass(frozen=True, eq=False)
class Sums:
    """Base of every summary: a dataclass whose fields, but for `space`, add one by one.

    Subtraction takes away what was added before. Extremes and examples cannot be taken away: they stay,
    so after a subtraction they are bounds, not values.
    """

    space: Any

    def _combine(self, other: Self, sign: int) -> Self:
        if type(self) is not type(other) or self.space != other.space:
            msg = f"only summaries of the same space add: {self.space!r} and {other.space!r} differ"
            raise ValueError(msg)
        merged: dict[str, Any] = {}
        for item in fields(self):
            if item.name == "space":
                continue
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            rule = item.metadata.get("merge", "add")
            if rule == "add":
                merged[item.name] = mine + theirs if sign > 0 else mine - theirs
            elif sign < 0:
                merged[item.name] = mine
            elif rule == "first":
                merged[item.name] = tuple(sorted({*mine, *theirs})[:UNSEEN_KEPT])
            else:
                merged[item.name] = min(mine, theirs) if rule == "min" else max(mine, theirs)
        return type(self)(space=self.space, **merged)

    def __add__(self, other: Self) -> Self:
        return self._combine(other, 1)

    def __sub__(self, other: Self) -> Self:
        return self._combine(other, -1)

    def __eq__(self, other: object) -> bool:
        """Equal in every field, sums to the bit; a subclass is a dataclass with `eq=False`."""
        return type(self) is type(other) and all(
            np.array_equal(mine, theirs) if isinstance(mine, np.ndarray) else bool(mine == theirs)
            for mine, theirs in ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        )

    __hash__ = None  # type: ignore[assignment]  # equality by content of arrays

    def same_counts(self, other: Self) -> bool:
        """Whether counts, extremes and examples are equal to the bit; sums may differ by rounding."""
        if self.space != other.space:
            return False
        pairs = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.name != "space"]
        return all(
            bool(np.allclose(a, b, rtol=1e-9, atol=1e-6, equal_nan=True))
            if isinstance(a, float) or (isinstance(a, np.ndarray) and a.dtype.kind == "f")
            else bool(np.all(a == b))
            for a, b in pairs
        )
