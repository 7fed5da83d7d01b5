"""Simulated features of several shapes: the shares of a grid's bins, and rows, at any level."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from benchmarks.detection_changes import NONE, Change
from benchmarks.worlds import Level
from profiles import Grid
from profiles.counts import Floats, Ints

ROOT3, ROOT12 = np.sqrt(3.0), np.sqrt(12.0)
SIGMA = 0.75  # of logarithms
RATE, MOST = 10.0, 100  # Poisson counts: their mean, and no count is larger
RAREST = 1e-9  # values beyond these quantiles are in the outermost bins
MISSING = 0.01
TILT = 0.5  # how far the day moves the share of missing values


def _identity(x: Floats) -> Floats:
    return x


def _log(x: Floats) -> Floats:
    found: Floats = np.log(np.maximum(x, 1e-300)) / SIGMA
    return found


def _exp(y: Floats) -> Floats:
    return np.exp(SIGMA * y)


def _t3(z: Floats) -> Floats:
    """The distribution function of Student's t with 3 degrees of freedom, scaled to variance 1."""
    return 0.5 + (z / (1 + z * z) + np.arctan(z)) / np.pi


def _flat(z: Floats) -> Floats:
    return np.asarray(np.clip(z / ROOT12 + 0.5, 0.0, 1.0), np.float64)


def _heavy(rng: np.random.Generator, normal: Floats) -> Floats:
    return normal / np.sqrt(rng.chisquare(3, normal.size))


def _boxed(_: np.random.Generator, normal: Floats) -> Floats:
    return np.asarray((special.ndtr(normal) - 0.5) * ROOT12, np.float64)


def _plain(_: np.random.Generator, normal: Floats) -> Floats:
    return normal


@dataclass(frozen=True)
class Feature(ABC):
    """One feature; `missing` is its share of missing values."""

    name: str
    missing: float

    def nulls(self, level: Level, change: Change = NONE) -> Floats:
        """The share of missing values at each level."""
        return self.missing * change.missing * (1 + TILT * level.wave)

    @abstractmethod
    def rows(self, rng: np.random.Generator, normal: Floats, level: Level, change: Change = NONE) -> Floats:
        """A value for each draw of a normal variable, at the level of each row; categories are numbers."""


@dataclass(frozen=True)
class Numeric(Feature):
    """A function of a standardised variable times its scale plus its level; a share of it may be zero."""

    below: Callable[[Floats], Floats]
    draw: Callable[[np.random.Generator, Floats], Floats]
    forward: Callable[[Floats], Floats] = _identity
    backward: Callable[[Floats], Floats] = _identity
    zeros: float = 0.0

    def bins(self, grid: Grid, level: Level, change: Change = NONE) -> tuple[Ints, Floats]:
        """The grid's bins, and their shares at each level, shape (levels, bins)."""
        mean, scale = level.mean + change.mean, level.scale * np.sqrt(change.variance)
        reach = np.sort([self._quantile(rare) for rare in (RAREST, 1 - RAREST)])
        ends = self.forward(np.array([(mean + scale * reach[0]).min(), (mean + scale * reach[1]).max()]))
        low, high = grid.index(np.append(0.0, ends[1:]) if self.zeros else ends).tolist()
        keys = np.arange(low, high + 1)
        edges = self.backward(grid.lower(keys[1:]))
        inner = change.heavier(self.below((edges - mean[:, None]) / scale[:, None]))
        shares = np.maximum(np.diff(inner, axis=1, prepend=0.0, append=1.0), 0.0)
        if self.zeros:
            shares *= 1 - self.zeros
            shares[:, 0] += self.zeros
        return keys, shares

    def _quantile(self, level: float) -> float:
        if self.below is _t3:
            return float(special.stdtrit(3, level) / ROOT3)
        return float(special.ndtri(level))

    def rows(self, rng: np.random.Generator, normal: Floats, level: Level, change: Change = NONE) -> Floats:
        """Draws of the feature."""
        if change.tail != 1.0:
            normal = special.ndtri(change.back(special.ndtr(normal)))
        found = self.draw(rng, normal) * level.scale * np.sqrt(change.variance) + level.mean + change.mean
        found = self.forward(found)
        return np.where(rng.random(found.size) < self.zeros, 0.0, found) if self.zeros else found


@dataclass(frozen=True)
class Count(Feature):
    """Poisson counts."""

    def bins(self, grid: Grid, level: Level, change: Change = NONE) -> tuple[Ints, Floats]:
        """The grid's bins, and their shares at each level, shape (levels, bins)."""
        counts = np.arange(MOST + 1.0)
        below = special.pdtr(counts[:-1], self._rates(level, change)[:, None])
        shares = np.diff(below, axis=1, prepend=0.0, append=1.0)
        keys, place = np.unique(grid.index(counts), return_inverse=True)
        merged = np.zeros((len(shares), keys.size))
        np.add.at(merged.T, place, shares.T)
        return keys, merged

    def rows(self, rng: np.random.Generator, normal: Floats, level: Level, change: Change = NONE) -> Floats:
        """Draws of the feature; at one level they follow the normal variable."""
        rates = self._rates(level, change)
        if np.ptp(rates):
            return rng.poisson(rates).astype(np.float64)
        below = special.pdtr(np.arange(MOST), rates.flat[0])
        return np.searchsorted(below, special.ndtr(normal)).astype(np.float64)

    @staticmethod
    def _rates(level: Level, change: Change) -> Floats:
        rates: Floats = np.maximum(RATE + np.sqrt(RATE) * (level.mean + change.mean), 0.5)
        return rates


@dataclass(frozen=True)
class Words(Feature):
    """Categories, the most frequent first (Zipf's law); the level tilts their shares."""

    categories: int

    def shares(self, level: Level, change: Change = NONE) -> Floats:
        """The shares of the categories at each level, shape (levels, categories)."""
        rank = np.arange(1, self.categories + 1)
        tilt = np.cos(2.4 * rank)  # some grow while others shrink
        found = np.exp(-np.log(rank) + level.mean[:, None] * tilt)
        found /= found.sum(axis=1, keepdims=True)
        found[:, 0] -= change.share
        found[:, 1] += change.share
        return np.asarray(found, np.float64)

    def rows(self, rng: np.random.Generator, normal: Floats, level: Level, change: Change = NONE) -> Floats:  # noqa: ARG002 - the normal variable says it all
        """Draws of categories."""
        found = np.zeros(normal.size)
        levels, place = np.unique(level.mean, return_inverse=True)
        waves = np.zeros(levels.size)
        below = np.cumsum(self.shares(Level(levels, waves + 1, waves), change), axis=1)
        uniform = special.ndtr(normal)
        for one, row in enumerate(below[:, :-1]):
            here = place == one
            found[here] = np.searchsorted(row, uniform[here])
        return found


def _missing(place: int) -> float:
    return MISSING if place % 2 == 0 else 0.0


def _named(
    kind: str, many: int, below: Callable[[Floats], Floats], draw: Callable[..., Floats], **more: object
) -> list[Numeric]:
    return [Numeric(f"{kind} {i}", _missing(i), below, draw, **more) for i in range(many)]  # type: ignore[arg-type]


FEATURES: tuple[Numeric | Count | Words, ...] = (
    *_named("normal", 5, special.ndtr, _plain),
    *_named("lognormal", 3, special.ndtr, _plain, forward=_exp, backward=_log),
    *_named("t3", 3, _t3, _heavy),
    *_named("uniform", 3, _flat, _boxed),
    *_named("zero-inflated", 2, special.ndtr, _plain, forward=_exp, backward=_log, zeros=0.4),
    *_named("bounded", 2, special.ndtr, _plain, forward=special.expit, backward=special.logit),
    *(Count(f"Poisson {i}", _missing(i)) for i in range(2)),
    *(Words(f"words {i}", _missing(i), many) for i, many in enumerate((2, 5, 12, 40, 200))),
)
