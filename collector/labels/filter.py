"""A Bloom filter of fixed size over every id that is held: most ids are new, and need no look at the disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from collector.batch import Hashes

BITS = 29  # 64 MiB, for all models together: 20 million ids pass wrongly once in 2,000
WORD_BITS = 6
LEAST_BITS = WORD_BITS + 1  # of a filter: two words
MASK_BITS = 12
PIECE = 1 << 14  # rows at a time, so that what is in between stays in the cache


def _masks() -> Hashes:
    """A word with three random bits for every value of 12 bits of a hash."""
    places = np.random.default_rng(5).integers(0, 64, (1 << MASK_BITS, 3)).astype(np.uint64)
    words: Hashes = np.bitwise_or.reduce(np.uint64(1) << places, axis=1)
    return words


MASKS = _masks()


class Filter:
    """Says of ids that they may be held, or for certain that they are not.

    Register-blocked (Putze, Sanders and Singler, "Cache-, hash- and space-efficient Bloom filters", 2007):
    the top bits of a hash choose a word, low bits the six bits in it; sorted ids walk the memory in order.

    Args:
        bits: its size is two to this power, in bits; `LEAST_BITS` at least.
    """

    def __init__(self, bits: int = BITS) -> None:
        self._shift = np.uint64(64 - (bits - WORD_BITS))
        self._words = np.zeros(1 << (bits - WORD_BITS), np.uint64)

    def _pieces(self, ids: Hashes, salt: int) -> Iterator[tuple[slice, Any, Hashes]]:
        for start in range(0, ids.size, PIECE):
            rows = slice(start, start + PIECE)
            salted = ids[rows] ^ np.uint64(salt)
            low = (salted & np.uint64((1 << MASK_BITS) - 1)).astype(np.int64)
            high = (salted >> np.uint64(MASK_BITS) & np.uint64((1 << MASK_BITS) - 1)).astype(np.int64)
            yield rows, (salted >> self._shift).astype(np.int64), MASKS[low] | MASKS[high]

    def add(self, ids: Hashes, salt: int) -> None:
        """Hold ids, sorted, shape (n,); `salt` keeps apart what has nothing to do with each other."""
        for _, place, mask in self._pieces(ids, salt):
            first = np.flatnonzero(np.diff(place, prepend=-1))
            self._words[place[first]] |= np.bitwise_or.reduceat(mask, first)

    def maybe(self, ids: Hashes, salt: int) -> Any:
        """Whether each id may be held, shape (n,)."""
        found = np.empty(ids.size, bool)
        for rows, place, mask in self._pieces(ids, salt):
            found[rows] = (self._words[place] & mask) == mask
        return found
