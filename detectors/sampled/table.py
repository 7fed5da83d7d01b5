"""Two samples as one table of numbers, for a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from profiles.counts import Floats
from profiles.sample import Column, Sample

PREFIX = "features."
HUGE = 1e150  # the classifier adds two values up
MOST_WORDS = 200  # categories of a column that are told apart; the others are one


@dataclass(frozen=True)
class Table:
    """The features of the rows of a reference, then of a window.

    Attributes:
        values: shape (n, columns), NaN for missing; categories as codes.
        owners: the feature that each column belongs to, shape (columns,).
        categorical: which columns hold codes, shape (columns,).
        names: of the features.
        window: which rows are the window's, shape (n,).
    """

    values: Floats
    owners: npt.NDArray[np.int64]
    categorical: npt.NDArray[np.bool_]
    names: tuple[str, ...]
    window: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, reference: Sample, window: Sample, most: int) -> Table:
        """The features that either has; at most `most` rows of each, those of the smallest hashes."""
        sizes = min(reference.count, most), min(window.count, most)
        names = sorted(name for name in {*reference.columns, *window.columns} if name.startswith(PREFIX))
        blocks, owners, categorical = [np.zeros((sum(sizes), 0))], [], []
        for owner, name in enumerate(names):
            block, words = _block(reference.columns.get(name), window.columns.get(name), sizes)
            blocks.append(block)
            owners += [owner] * block.shape[1]
            categorical += [words] * block.shape[1]
        return cls(
            np.concatenate(blocks, axis=1),
            np.array(owners, np.int64),
            np.array(categorical, bool),
            tuple(name.removeprefix(PREFIX) for name in names),
            np.arange(sum(sizes)) >= sizes[0],
        )


def _block(reference: Column | None, window: Column | None, sizes: tuple[int, int]) -> tuple[Floats, bool]:
    """The columns of one feature, and whether they are codes. Where a sample has none, it is missing."""
    given = [column for column in (reference, window) if column is not None]
    words = all(column.dtype == object for column in given)
    width = max(column.shape[1] if column.ndim > 1 else 1 for column in given)
    block = np.full((sum(sizes), width), np.nan)
    if words:
        block[:, 0] = _codes(
            [None if c is None else c[:n] for c, n in zip((reference, window), sizes, strict=True)], sizes
        )
        return block, True
    for column, low, rows in ((reference, 0, sizes[0]), (window, sizes[0], sizes[1])):
        if column is not None and column.dtype != object:
            part = column[:rows].reshape(rows, -1)
            block[low : low + rows, : part.shape[1]] = np.clip(part.astype(np.float64), -HUGE, HUGE)
    return block, False


def _codes(parts: list[Column | None], sizes: tuple[int, int]) -> Floats:
    """Codes of words, the most frequent first, NaN for missing; rare ones share the last code."""
    found = [
        word
        for part, size in zip(parts, sizes, strict=True)
        for word in ([None] * size if part is None else part.tolist())
    ]
    known, counts = np.unique([word for word in found if word is not None], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    codes = {str(known[place]): min(code, MOST_WORDS) for code, place in enumerate(order.tolist())}
    return np.array([np.nan if word is None else codes[word] for word in found])
