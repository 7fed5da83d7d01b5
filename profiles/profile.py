"""The profile of a window of traffic: named summaries that add, and their compact form."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

from profiles.counts import Counts
from profiles.shape import Shape
from profiles.sums import Sums

FORMAT = 1


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
    def from_bytes(cls, blob: bytes, shape: Shape) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: the blob is not a profile of this shape.
        """
        if blob[:1] != bytes([FORMAT]):
            raise ValueError(f"not a stored profile of format {FORMAT}: it begins with {blob[:1]!r}")
        try:
            body = zlib.decompress(blob[1:])
            (length,) = struct.unpack_from("<I", body)
            rows, header = json.loads(body[4 : 4 + length])
            reader = _Reader(body, 4 + length)
            parts: dict[str, Sums] = {}
            for name, stored in header.items():
                space = shape.spaces[name]
                values = {key: reader.unpack(value) for key, value in stored.items()}
                parts[name] = type(space.zero())(space=space, **values)
        except (IndexError, KeyError, TypeError, ValueError, zlib.error, struct.error) as error:
            raise ValueError(f"not a stored profile of shape {shape.digest}: {error}") from error
        return cls(rows, parts)


def total(profiles: Iterable[Profile]) -> Profile:
    """The sum of some profiles; `Profile()` for none."""
    whole = Profile()
    for one in profiles:
        whole = whole + one
    return whole


def _pack(value: Any, arrays: list[bytes]) -> Any:
    if isinstance(value, Counts):
        return {"counts": [_pack(value.keys, arrays), _pack(value.values, arrays)]}
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "i" and value.size:
            value = value.astype(
                np.result_type(np.min_scalar_type(value.min()), np.min_scalar_type(value.max()))
            )
        arrays.append(value.tobytes())
        return {"array": [value.dtype.str, value.size]}
    if isinstance(value, tuple):
        return {"tuple": list(value)}
    return value


class _Reader:
    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at = body, at

    def unpack(self, stored: Any) -> Any:
        if not isinstance(stored, dict):
            return stored
        if "counts" in stored:
            keys, values = (self.unpack(item) for item in stored["counts"])
            return Counts(keys, values)
        if "array" in stored:
            name, size = stored["array"]
            array = np.frombuffer(self._body, np.dtype(name), size, self._at)
            self._at += array.nbytes
            return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
        return tuple(stored["tuple"])
