"""Unit changes: every value multiplied, converted or rescaled; and values that moved by the same amount."""

from __future__ import annotations

import numpy as np

from detectors.diagnosis.change import Change
from detectors.diagnosis.distribution import Distribution
from detectors.diagnosis.factors import TEMPERATURES, known_factors, nearest_factor
from detectors.diagnosis.finding import Finding, Kind, figure, percent
from profiles.counts import Floats

KNOWN, CONVERSION, ANY_FACTOR, SMALL_FACTOR = 0.98, 0.99, 0.95, 0.925
MOVED, WIDER, RESCALED, PARTLY = 0.94, 0.93, 0.90, 0.85
SNAP = 0.005  # the resolution of the grid
LARGE = 2.1  # a factor that is no well-known one, of values around 0, is a wider spread unless it is larger
RESCALING = 2.5
NEARLY = 0.2  # of mean 0 and the logarithm of standard deviation 1: as a scaler leaves a sample
LEAST_SHARE, MOST_SHARE = 0.05, 0.95
TINY = 1e-6
CERTAIN = 0.05  # of the rows may be on either side of a point that tells a share


def factor(change: Change) -> Finding | None:
    """Every value is k times what it was: well-known factors by name, and any other."""
    scale = change.scale
    if not scale > 0 or not np.isfinite(scale) or _moved_only(change):
        return None  # values in a narrow range that moved: the simpler story
    small = _centred(change) and 1 / LARGE < scale < LARGE
    known = nearest_factor(scale, max(SNAP, 3 * _doubt(change)))
    if known is not None and not small:
        strength = change.explained_by(change.before.affine(0.0, known[0], SNAP), KNOWN)
        if strength:
            return Finding(Kind.UNIT, f"values look like before {known[1]}", strength)
    if small:
        return None
    trust = ANY_FACTOR if scale < 1 / LARGE or scale > LARGE else SMALL_FACTOR
    strength = change.explained_by(change.before.affine(0.0, scale, SNAP), trust)
    text = f"values look like before times {figure(scale)}"
    return Finding(Kind.UNIT, text, strength) if strength else None


def temperature(change: Change) -> Finding | None:
    """Converted between temperature scales."""
    for shift, scale, name in TEMPERATURES:
        strength = change.explained_by(change.before.affine(shift, scale), CONVERSION)
        if strength:
            formula = f"{figure(scale)} x {'+' if shift > 0 else '-'} {figure(abs(shift))}"
            return Finding(Kind.UNIT, f"values look like {formula}, as from {name}", strength)
    return None


def rescaled(change: Change) -> Finding | None:
    """Another affine function, far from a mere shift: a scaler left out, or applied twice."""
    scale, after = change.stretch, change.after
    if not scale > 0 or not np.isfinite(scale):
        return None
    standard = abs(after.mean) < NEARLY and abs(np.log(max(after.std, 1e-9))) < NEARLY
    if 1 / RESCALING < scale < RESCALING and not standard:
        return None
    shift = _intercept(change, scale)
    strength = change.explained_by(change.before.affine(shift, scale, SNAP), RESCALED)
    if not strength:
        return None
    text = f"values look like {figure(shift)} + {figure(scale)} x, as if rescaled"
    return Finding(Kind.UNIT, text + (" to mean 0 and standard deviation 1" if standard else ""), strength)


def moved(change: Change) -> Finding | None:
    """Every value moved by the same amount."""
    shift = change.shift
    strength = change.explained_by(change.before.affine(shift, 1.0), MOVED)
    if not strength:
        return None
    before, after = change.before.quantiles([0.5])[0], change.after.quantiles([0.5])[0]
    text = f"all values moved by {shift:+.4g} (median {figure(before)} -> {figure(after)})"
    return Finding(Kind.LOCATION, text, strength)


def wider(change: Change) -> Finding | None:
    """The values are further from their median, or nearer, by the same factor."""
    scale = change.stretch
    if not scale > 0 or not np.isfinite(scale):
        return None
    median = float(change.before.quantiles([0.5])[0])
    strength = change.explained_by(change.before.affine(median * (1 - scale), scale, SNAP), WIDER)
    if not strength:
        return None
    before, after = (float(np.ptp(side.quantiles([0.25, 0.75]))) for side in (change.before, change.after))
    text = f"{figure(scale)} times as wide about the same middle"
    return Finding(Kind.SPREAD, f"{text} (IQR {figure(before)} -> {figure(after)})", strength)


def factor_of_some(change: Change) -> Finding | None:
    """Some of the rows are in another unit, or have another sign: a part of the traffic, or of the window."""
    best: Finding | None = None
    candidates = [(0.0, scale, Kind.UNIT, f"before {name}") for scale, name in known_factors()]
    candidates += [(shift, scale, Kind.UNIT, f"converted from {name}") for shift, scale, name in TEMPERATURES]
    candidates += [(0.0, -1.0, Kind.SIGN, "before times -1")]
    for shift, scale, kind, name in candidates:
        other = change.before.affine(shift, scale, SNAP)
        share = _share(change, other)
        strength = change.explained_by(change.before.mixed(other, share), PARTLY) if share else 0.0
        if strength and (best is None or strength > best.strength):
            text = f"in {percent(share)} of the rows values look like {name}; the rest as before"
            best = Finding(kind, text, strength)
    return best


def _share(change: Change, other: Distribution) -> float:
    """The share of another distribution that a window holds, by least squares; 0 if that is none, or all."""
    points = change.after.upper + TINY * change.after.std
    certain = other.reached(points) - other.below(points) < CERTAIN
    points = points[certain] if certain.any() else points
    before = _at(change.before, points)
    towards = _at(other, points) - before
    moved = _at(change.after, points) - before
    share = float(towards @ moved) / max(float(towards @ towards), TINY)
    return share if LEAST_SHARE < share < MOST_SHARE else 0.0


def _at(side: Distribution, points: Floats) -> Floats:
    return (side.below(points) + side.reached(points)) / 2


def _moved_only(change: Change) -> bool:
    """Whether a shift explains it as well; of a constant it always does."""
    varied = change.before.low < change.before.high
    return varied and change.left_by(change.before.affine(change.shift, 1.0)) <= 0.0


def _centred(change: Change) -> bool:
    """Whether the values lie around 0, so that multiplied is the same as spread out."""
    low, middle, high = change.before.quantiles([0.25, 0.5, 0.75])
    return bool(abs(middle) < 0.2 * (high - low) and low < 0 < high)


def _doubt(change: Change) -> float:
    """The standard error of the factor that was measured, relative."""
    low, middle, high = map(float, change.before.quantiles([0.25, 0.5, 0.75]))
    relative = min((high - low) / max(abs(middle), 1e-300), 1.0)
    return float(relative / np.sqrt(min(change.before.count, change.after.count)))


def _intercept(change: Change, scale: float) -> float:
    if change.after.coarse or change.before.coarse:
        return change.after.mean - scale * change.before.mean
    before, after = change.levels
    return float(np.median(after - scale * before))
