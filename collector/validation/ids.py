"""64-bit hashes of ids, by columns: the same in every process, whatever the source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Hashes = npt.NDArray[np.uint64]
FIRST, SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
THIRD = np.uint64(0x94D049BB133111EB)
WORD = 8


def hashes(values: Any) -> Hashes:
    """Hash texts, an Arrow string array without nulls or a list of them, shape (n,).

    Words of 8 bytes are folded in with an xor and a multiplication, then mixed as splitmix64 does (Steele,
    Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).

    >>> len(set(hashes(["a", "b", "ab", "ba", ""]).tolist()))
    5
    >>> bool((hashes(["x", "y"]) == hashes(pa.array(["z", "x", "y"])[1:])).all())
    True
    """
    array = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    rows = len(array)
    if not rows:
        return np.zeros(0, np.uint64)
    _, bounds, text = array.buffers()
    offsets = np.frombuffer(bounds, np.int32, rows + 1, array.offset * 4)
    data = np.frombuffer(text, np.uint8) if text is not None else np.zeros(0, np.uint8)
    lengths = np.diff(offsets)
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest == longest:
        return _mixed(data[offsets[0] : offsets[-1]].reshape(rows, longest))
    hashed = np.empty(rows, np.uint64)
    for length in np.flatnonzero(np.bincount(lengths)):
        at = np.flatnonzero(lengths == length)
        hashed[at] = _mixed(data[offsets[at][:, None] + np.arange(length)])
    return hashed


def _mixed(texts: npt.NDArray[np.uint8]) -> Hashes:
    """The hashes of texts of one length, shape (n, length)."""
    rows, length = texts.shape
    mixed = np.full(rows, (length + 1) * int(FIRST) % (1 << 64), np.uint64)
    for start in range(0, length, WORD):
        piece = (
            np.zeros((rows, WORD), np.uint8) if length - start < WORD else np.empty((rows, WORD), np.uint8)
        )
        piece[:, : length - start] = texts[:, start : start + WORD]
        mixed ^= piece.view("<u8")[:, 0]
        mixed *= FIRST
        mixed ^= mixed >> np.uint64(32)
    mixed ^= mixed >> np.uint64(30)
    mixed *= SECOND
    mixed ^= mixed >> np.uint64(27)
    mixed *= THIRD
    mixed ^= mixed >> np.uint64(31)
    return mixed
