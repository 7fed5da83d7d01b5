"""Samples the windows of a file in memory: a reference's, which is read in one go."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from collector.batch import Coded, Predictions
from collector.samples.rows import decoded, numbered, sample_columns
from profiles.sample import BottomK, Sample


class Sampler:
    """Keeps the samples of some windows. Rows are told apart by their place in the file.

    Args:
        starts: of the windows that are sampled.
        rows: of a sample; 0 for none.
    """

    def __init__(self, starts: Collection[int], rows: int) -> None:
        self._space, self._place = BottomK(rows), 0
        self.samples: dict[int, Sample] = {start: self._space.zero() for start in starts if rows}

    def add(self, rows: Predictions, starts: Coded) -> None:
        """Add the next rows of the file, with the start of each row's window."""
        hashes = numbered(np.uint64(1), np.arange(self._place, self._place + len(rows)))
        self._place += len(rows)
        for code, start in enumerate(starts.names):
            held = self.samples.get(start)
            if held is None:
                continue
            inside = starts.codes == code
            if held.count == self._space.rows:
                inside &= hashes < held.hashes[-1]
            places = np.flatnonzero(inside)
            if places.size:
                columns = sample_columns(rows.take(places))
                new = {name: decoded(column) for name, column in columns.items()}
                self.samples[start] = held + self._space.summarize(hashes[places], new)
