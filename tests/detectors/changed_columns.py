"""Columns of several shapes, and what can happen to them; each with the kind that a person would name."""

# ruff: noqa: ARG005 - every event is told the generator, the values and the reference

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from detectors.diagnosis import Finding, Kind, numeric
from profiles import Grid
from profiles.counts import Floats

Rng = np.random.Generator
Shape = Callable[[Rng, int], Floats]
REFERENCE = 20_000
SHAPES: Mapping[str, Shape] = {
    "normal": lambda rng, n: rng.normal(50, 10, n),
    "around zero": lambda rng, n: rng.normal(0, 1, n),
    "narrow": lambda rng, n: rng.normal(1013, 8, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "uniform": lambda rng, n: rng.uniform(0, 1, n),
    "discrete": lambda rng, n: rng.poisson(20, n).astype(np.float64),
    "zero-inflated": lambda rng, n: np.where(rng.random(n) < 0.4, 0.0, rng.gamma(2, 10, n)),
    "two peaks": lambda rng, n: np.where(rng.random(n) < 0.4, rng.normal(10, 2, n), rng.normal(30, 3, n)),
}


@dataclass(frozen=True)
class Event:
    """Something that happens to a column.

    Attributes:
        kind: what it is to be called.
        happen: the window's values, from its healthy ones and the reference's.
        blind: shapes that it does not change, or that it changes into what another kind would.
    """

    kind: Kind | None
    happen: Callable[[Rng, Floats, Floats], Floats]
    blind: tuple[str, ...] = ()


def sigma(values: Floats) -> float:
    return float(np.std(values))


def about_median(values: Floats, reference: Floats, scale: float) -> Floats:
    middle = np.median(reference)
    return np.asarray(middle + scale * (values - middle))


def some(rng: Rng, values: Floats, share: float, other: Floats | float) -> Floats:
    return np.where(rng.random(values.size) < share, other, values)


def low_edge(reference: Floats) -> float:
    """A value with a tenth or more below it, even where many are 0."""
    return float(max(np.quantile(reference, 0.15), np.quantile(reference, 0.55) / 2))


EVENTS: Mapping[str, Event] = {
    "nothing": Event(None, lambda rng, x, ref: x),
    "times 1000": Event(Kind.UNIT, lambda rng, x, ref: x * 1000),
    "divided by 1000": Event(Kind.UNIT, lambda rng, x, ref: x / 1000),
    "feet to metres": Event(Kind.UNIT, lambda rng, x, ref: x * 0.3048),
    "Celsius to Fahrenheit": Event(Kind.UNIT, lambda rng, x, ref: x * 1.8 + 32),
    "scaled": Event(Kind.UNIT, lambda rng, x, ref: (x - ref.mean()) / ref.std(), ("around zero", "uniform")),
    "sign": Event(Kind.SIGN, lambda rng, x, ref: -x, ("around zero",)),
    "logarithm": Event(Kind.TRANSFORM, lambda rng, x, ref: np.log1p(np.abs(x)), ("around zero",)),
    "constant": Event(Kind.CONSTANT, lambda rng, x, ref: np.full_like(x, 3.7)),
    "default 0": Event(Kind.DEFAULT, lambda rng, x, ref: some(rng, x, 0.25, 0.0)),
    "default -1": Event(Kind.DEFAULT, lambda rng, x, ref: some(rng, x, 0.2, -1.0)),
    "default 999": Event(Kind.DEFAULT, lambda rng, x, ref: some(rng, x, 0.15, 999.0)),
    "imputed": Event(Kind.DEFAULT, lambda rng, x, ref: some(rng, x, 0.2, float(ref.mean()))),
    "clipped above": Event(Kind.CLIPPED, lambda rng, x, ref: np.minimum(x, np.quantile(ref, 0.8))),
    "clipped below": Event(
        Kind.CLIPPED, lambda rng, x, ref: np.maximum(x, np.quantile(ref, 0.2)), ("zero-inflated",)
    ),
    "tail gone": Event(Kind.TRUNCATED, lambda rng, x, ref: x[x <= np.quantile(ref, 0.75)], ("uniform",)),
    "tail missing": Event(
        Kind.TRUNCATED, lambda rng, x, ref: np.where(x <= np.quantile(ref, 0.8), x, np.nan)
    ),
    "missing": Event(Kind.MISSING, lambda rng, x, ref: some(rng, x, 0.2, np.nan)),
    "shift": Event(Kind.LOCATION, lambda rng, x, ref: x + 0.7 * sigma(ref), ("zero-inflated",)),
    "wider": Event(Kind.SPREAD, lambda rng, x, ref: about_median(x, ref, 1.7), ("zero-inflated", "uniform")),
    "tail": Event(
        Kind.TAIL,
        lambda rng, x, ref: some(rng, x, 0.04, x + rng.uniform(6, 12, x.size) * sigma(ref)),
        ("zero-inflated",),
    ),
}


def diagnose(shape: str, event: str, seed: int, rows: int) -> Finding | None:
    """The best finding on a window of so many rows to which something happened."""
    rng = np.random.default_rng([seed, rows, *map(ord, shape + event)])
    reference = SHAPES[shape](rng, REFERENCE)
    grid = Grid.fit(reference)
    window = EVENTS[event].happen(rng, SHAPES[shape](rng, rows), reference)
    found = numeric(grid.summarize(reference), grid.summarize(window))
    return found[0] if found else None
