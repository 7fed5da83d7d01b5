"""The profile of a window of traffic: named summaries that add, and their compact form."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from profiles.contract import ARRIVALS, CONTRACT
from profiles.counts import Counts
from profiles.shape import Shape
from profiles.sums import Sums

FORMAT = 1
NARROW = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8")
LIMITS = {kind: (int(np.iinfo(kind).min), int(np.iinfo(kind).max)) for kind in NARROW}
DAMAGED = (
    *(
        AttributeError,
        IndexError,
        KeyError,
        OverflowError,
        RecursionError,
        SyntaxError,
        TypeError,
        ValueError,
    ),
    *(struct.error, zlib.error),
)


@dataclass(frozen=True)
class Profile:
    """Everything known of some rows: how many there were, and a summary by part name.

    A part that is absent is zero, so the profile of no rows is `Profile()`.

    >>> from profiles.grid import Grid
    >>> one = Profile(1, {"features.age": Grid(40.0, 10.0).summarize(np.array([41.0]))})
    >>> (one + one + Profile()).parts["features.age"].count
    2
    """

    rows: int = 0
    parts: Mapping[str, Any] = field(default_factory=dict)

    def __add__(self, other: Self) -> Self:
        merged = dict(self.parts)
        for name, part in other.parts.items():
            merged[name] = merged[name] + part if name in merged else part
        return type(self)(self.rows + other.rows, merged)

    def __sub__(self, other: Self) -> Self:
        merged = dict(self.parts)
        for name, part in other.parts.items():
            merged[name] = merged.get(name, part.space.zero()) - part
        return type(self)(self.rows - other.rows, merged)

    @property
    def came(self) -> int:
        """How many rows came: those that were accepted, and those that were rejected."""
        arrivals = self.parts.get(ARRIVALS.kind)
        return self.rows + (arrivals.rejected if arrivals is not None else 0)

    def part(self, name: str) -> Any:
        """A part, None where it is absent; those that count broken rows are there if their feature is.

        They know how many rows came in all, which is not theirs to store.

        >>> Profile(5).part("arrivals").accepted, Profile(5).part("contract.age")
        (5, None)
        """
        held = self.parts.get(name)
        if name == ARRIVALS.kind:
            return replace(ARRIVALS.zero() if held is None else held, accepted=self.rows)
        kind, _, feature = name.partition(".")
        if kind == CONTRACT.kind and (held is not None or f"features.{feature}" in self.parts):
            return replace(CONTRACT.zero() if held is None else held, rows=self.came)
        return held

    def same_counts(self, other: Profile) -> bool:
        """Whether every count of every part is equal to the bit; an absent part equals an empty one."""
        if self.rows != other.rows:
            return False
        for name in {*self.parts, *other.parts}:
            mine, theirs = self.parts.get(name), other.parts.get(name)
            mine = theirs.space.zero() if mine is None and theirs is not None else mine
            theirs = mine.space.zero() if theirs is None and mine is not None else theirs
            if mine is None or theirs is None or not mine.same_counts(theirs):
                return False
        return True

    def to_bytes(self) -> bytes:
        """A compact form: a JSON header, then the arrays in the narrowest type that holds them, deflated."""
        arrays: list[bytes] = []
        header = {
            name: {f.name: _pack(getattr(part, f.name), arrays) for f in fields(part) if f.name != "space"}
            for name, part in self.parts.items()
        }
        text = json.dumps([self.rows, header], separators=(",", ":")).encode()
        return bytes([FORMAT]) + zlib.compress(struct.pack("<I", len(text)) + text + b"".join(arrays), 1)

    @classmethod
    def from_bytes(cls, blob: bytes, shape: Shape, only: Collection[str] | None = None) -> Self:
        """Read what `to_bytes` wrote, now or before a summary had all of its fields.

        Sums of numbers that it does not hold are unknown (NaN), counts 0.

        Args:
            blob: the stored profile.
            shape: that it was made on.
            only: the parts that are wanted; None for all. To pass over a part is quicker than to read it.

        Raises:
            ValueError: the blob is not a profile of this shape.
        """
        if blob[:1] != bytes([FORMAT]):
            raise ValueError(f"not a stored profile of format {FORMAT}: it begins with {blob[:1]!r}")
        try:
            return cls(*_read(blob[1:], shape, only))
        except DAMAGED as error:
            raise ValueError(f"not a stored profile of shape {shape.digest}: {error!r}") from error


def total(profiles: Iterable[Profile]) -> Profile:
    """The sum of some profiles; `Profile()` for none."""
    whole = Profile()
    for one in profiles:
        whole = whole + one
    return whole


def _read(deflated: bytes, shape: Shape, only: Collection[str] | None) -> tuple[int, dict[str, Sums]]:
    inflate = zlib.decompressobj()
    body = inflate.decompress(deflated)
    if not inflate.eof or inflate.unused_data:
        raise ValueError("it is cut off, or something follows it")
    (length,) = struct.unpack_from("<I", body)
    rows, header = json.loads(body[4 : 4 + length])
    reader = _Reader(body, 4 + length)
    parts: dict[str, Sums] = {}
    for name, stored in header.items():
        if only is not None and name not in only:
            reader.skip(stored)
            continue
        zero = shape.space(name).zero()
        values = {key: reader.unpack(value) for key, value in stored.items()}
        for item in fields(zero):
            if item.name == "space":
                continue
            if item.name not in values and _gained(item):
                values[item.name] = _unknown(getattr(zero, item.name))
            if not _alike(values[item.name], getattr(zero, item.name)):
                raise TypeError(f"{name}.{item.name} holds {values[item.name]!r}")
        parts[name] = type(zero)(space=zero.space, **values)
    if not reader.done or type(rows) is not int:
        raise ValueError("its header does not describe it")
    return rows, parts


def _gained(item: Field[Any]) -> bool:
    """Whether a field may be one that its summary has gained since: those have a default."""
    return item.default is not MISSING or item.default_factory is not MISSING


def _unknown(zero: Any) -> Any:
    """What a profile that was stored before there was a field knows of it: of sums nothing, and no counts."""
    if isinstance(zero, float):
        return float("nan")
    return np.full_like(zero, np.nan) if isinstance(zero, np.ndarray) and zero.dtype.kind == "f" else zero


def _alike(value: Any, zero: Any) -> bool:
    """Whether a stored value is of the kind that a summary holds."""
    if isinstance(zero, np.ndarray):
        return isinstance(value, np.ndarray) and value.shape == zero.shape
    return type(value) is type(zero)


def _pack(value: Any, arrays: list[bytes]) -> Any:
    if isinstance(value, Counts):
        return {"counts": [_pack(value.keys, arrays), _pack(value.values, arrays)]}
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "i" and value.size:
            value = value.astype(_narrowest(int(value.min()), int(value.max())))
        arrays.append(value.tobytes())
        return {"array": [value.dtype.str, value.size]}
    if isinstance(value, tuple):
        return {"tuple": list(value)}
    return value


def _narrowest(least: int, most: int) -> str:
    return next(kind for kind, (low, high) in LIMITS.items() if low <= least and most <= high)


class _Reader:
    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at = body, at

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self._at == len(self._body)

    def skip(self, stored: Any) -> None:
        """Pass over the arrays of a stored part."""
        for value in stored.values():
            if isinstance(value, dict) and "tuple" not in value:
                for name, size in (one["array"] for one in value.get("counts", (value,))):
                    self._at += int(name[2:]) * size

    def unpack(self, stored: Any) -> Any:
        if not isinstance(stored, dict):
            return stored
        if "counts" in stored:
            keys, values = (self.unpack(item) for item in stored["counts"])
            if keys.size != values.size or bool((np.diff(keys) <= 0).any()):
                raise ValueError("its counts are not in order")
            return Counts(keys, values)
        if "array" in stored:
            name, size = stored["array"]
            if name not in (*NARROW, "<f8") or type(size) is not int or size < 0:
                raise ValueError(f"an array of {size!r} {name!r}")
            array = np.frombuffer(self._body, np.dtype(name), size, self._at) if size else np.zeros(0, name)
            self._at += array.nbytes
            return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        return tuple(stored["tuple"])
