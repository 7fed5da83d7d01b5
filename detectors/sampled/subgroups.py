"""The search for the slice of rows whose share differs most between a window and its reference.

A slice is a condition on the features, or two together. All are tried on four fifths of the rows, and the
one whose share differs most is counted in the other fifth, so its shares are not the best of many: Cox, "A
note on data-splitting for the evaluation of significance levels", Biometrika 62, 1975. Each fifth has its
turn, and the effects are averaged, with a standard error made larger because the folds share the rows that
they choose on, by Nadeau and Bengio (Machine Learning 52, 2003).

A decision tree finds less: where two conditions make a slice, hardly a change is seen of either alone, which
is what a tree asks first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from detectors.sampled.conditions import Mask, conditions_of, in_words
from detectors.sampled.slices import FOLDS, Slice, WorstSlice, angles, standard_error
from profiles.counts import Floats, Ints
from profiles.sample import Sample

ROWS = 1000  # of each side
FEWEST = 20  # rows of each side in a fold: of fewer, shares are no angles with a normal distribution
MOST_PAIRED = 300  # conditions, those whose own share differs most
SMALLEST = 0.05  # of a slice and of the rows outside of it, the mean of both shares
EXPECTED = 10  # rows of either side in it: of fewer the angle is not normal
WIDER = (1 + FOLDS / (FOLDS - 1)) ** 0.5  # Nadeau and Bengio's correction of a standard error

Found = tuple[tuple[int, ...], bool]
"""The places of the conditions of a slice, and whether the window has less of it than the reference."""


def worst_slice(reference: Sample, window: Sample, rows: int = ROWS) -> WorstSlice | None:
    """Find the slice of rows whose share differs most, by their features.

    Args:
        reference: the known good.
        window: what is in question.
        rows: of each side, at most.

    Returns:
        None where there are too few rows, or features hardly vary.
    """
    sizes = min(window.count, rows), min(reference.count, rows)
    conditions, fulfilled = conditions_of(reference, window, rows)
    if not conditions or min(sizes) < FOLDS * FEWEST:
        return None
    sides = fulfilled[sizes[1] :], fulfilled[: sizes[1]]
    with threadpool_limits(1, "blas"):  # so little work is slower on threads, by far where cores are busy
        counts = _found(sides)
    slices = [
        Slice(in_words([conditions[at] for at in places]), fewer, (k, j), (n, m), folds)
        for (places, fewer), (k, j, n, m, folds) in ((found, told.tolist()) for found, told in counts.items())
    ]
    ordered = sorted(slices, key=lambda one: -one.folds * one.effect)
    return WorstSlice(tuple(ordered), WIDER * standard_error(*sizes))


def _found(sides: Sequence[Mask]) -> dict[Found, Ints]:
    """The distinct slices of all folds, with the counts of the rows that they were not found on.

    Args:
        sides: of the window and of the reference, which rows fulfil which conditions, shape
            (rows, conditions).
    """
    counts: dict[Found, Ints] = {}
    for fold in range(FOLDS):
        # of each side every fifth row, which is random, for they are in the order of hashes
        held = [np.arange(len(side)) % FOLDS == fold for side in sides]
        found = _most_changed(*(side[~out] for side, out in zip(sides, held, strict=True)))
        told = _count([side[out] for side, out in zip(sides, held, strict=True)], found[0])
        counts[found] = counts.get(found, 0) + told
    return counts


def _most_changed(window: Mask, reference: Mask) -> Found:
    """The slice that differs most; a second condition has to be worth it, by Schwarz's criterion.

    Args:
        window: which rows fulfil which conditions, shape (rows, conditions).
        reference: the same of the reference.
    """
    sides, rows = [window, reference], [len(window), len(reference)]
    chosen = np.arange(window.shape[1])
    if chosen.size > MOST_PAIRED:
        alone = np.abs(_effects([side.sum(axis=0) for side in sides], rows))
        chosen = np.sort(np.argsort(-alone, kind="stable")[:MOST_PAIRED])
    numbers = [side[:, chosen].astype(np.float32) for side in sides]
    inside = [(side.T @ side).astype(np.int64) for side in numbers]  # each alone is paired with itself
    effects, shares = _effects(inside, rows), (inside[0] / rows[0] + inside[1] / rows[1]) / 2
    gain = np.square(effects / standard_error(*rows)) - np.log(sum(rows)) * (2 - np.eye(chosen.size))
    gain -= 1e-6 * shares  # a slice and the rest of the rows change alike: the smaller is easier to look at
    gain[np.minimum(shares, 1 - shares) < max(SMALLEST, EXPECTED / min(rows))] = -np.inf
    pair = np.unravel_index(int(np.argmax(gain)), gain.shape)
    return tuple(sorted({int(chosen[place]) for place in pair})), bool(effects[pair] < 0)


def _count(sides: Sequence[Mask], places: tuple[int, ...]) -> Ints:
    """Rows in a slice, of the window and of the reference; all rows of each; and 1 fold."""
    inside = [int(side[:, places].all(axis=1).sum()) for side in sides]
    return np.array([*inside, *(len(side) for side in sides), 1])


def _effects(inside: Sequence[Ints], rows: Sequence[int]) -> Floats:
    """How much shares have grown, from the rows inside and all rows of window and reference."""
    effects: Floats = angles(rows[0])[inside[0]] - angles(rows[1])[inside[1]]
    return effects
