"""A function of the values: the sign flipped or lost, a logarithm taken, a probability turned round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.finding import Finding, Kind, figure
from profiles.counts import Floats

EXACT, FUNCTION = 0.99, 0.92
FUNCTIONS: tuple[tuple[str, float, Callable[[Floats], Floats]], ...] = (  # name, smallest value, function
    ("log(x)", 1e-300, np.log),
    ("log(1 + x)", 0.0, np.log1p),
    ("log10(x)", 1e-300, np.log10),
    ("exp(x)", -np.inf, np.exp),
    ("exp(x) - 1", -np.inf, np.expm1),
    ("the square root of x", 0.0, np.sqrt),
    ("x squared", 0.0, np.square),
    ("1 / x", 1e-300, lambda x: 1 / x),
)


def sign_flipped(change: Change) -> Finding | None:
    """Every value has the other sign."""
    strength = change.explained_by(change.before.affine(0.0, -1.0), EXACT)
    if not strength:
        return None
    before, after = change.before.quantiles([0.5])[0], change.after.quantiles([0.5])[0]
    text = f"values look like before times -1 (median {figure(before)} -> {figure(after)})"
    return Finding(Kind.SIGN, text, strength)


def sign_lost(change: Change) -> Finding | None:
    """Every value is the absolute value of what it was."""
    if change.before.low >= 0 or change.after.low < 0:
        return None
    straddling = (change.before.lower < 0) & (change.before.upper > 0)
    whole = change.before.mapped(np.abs)
    whole.lower[np.argsort(change.before.lower)[straddling]] = 0.0
    strength = change.explained_by(whole, EXACT)
    return Finding(Kind.SIGN, "values look like before without their sign", strength) if strength else None


def complement(change: Change) -> Finding | None:
    """A probability is that of the other class."""
    if change.before.low < 0 or change.before.high > 1:
        return None
    strength = change.explained_by(change.before.affine(1.0, -1.0), EXACT)
    if not strength:
        return None
    return Finding(Kind.TRANSFORM, "values look like 1 - x, as of the other class", strength)


def function(change: Change) -> Finding | None:
    """A well-known function of the values: a step of the preparation left out, or done twice."""
    found = None
    for name, least, mapping in FUNCTIONS:
        if change.before.low < least:
            continue
        strength = change.explained_by(change.before.mapped(mapping), FUNCTION)
        if strength and (found is None or strength > found.strength):
            found = Finding(Kind.TRANSFORM, f"values look like {name} of before", strength)
    return found
