"""The normal mixture boundary: how far a mean may be off at any time of its life."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from scipy import special

from profiles.counts import Floats

ALPHA = 0.05  # over the whole life of a comparison
TIGHTEST_AT = 500.0  # effective rows: a thousand of each of two versions
Numbers = TypeVar("Numbers", float, Floats)


def prior_rows(alpha: float, tightest_at: float = TIGHTEST_AT) -> float:
    """The mixture's parameter rho, for which the boundary is tightest after so many rows.

    Howard, Ramdas, McAuliffe, Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
    Annals of Statistics 49 (2021), proposition 3.

    >>> round(prior_rows(0.05), 1)
    60.9
    """
    branch = float(special.lambertw(-np.square(alpha) / np.e, -1).real)
    return tightest_at / (-branch - 1)


def half_width(rows: Numbers, alpha: float) -> Numbers:
    """The half width of the confidence sequence of a mean after `rows` rows of unit variance.

    With probability 1 - alpha the mean is never outside, at any number of rows: Robbins' normal mixture
    (Annals of Mathematical Statistics 41, 1970). With an estimated variance this is so asymptotically:
    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
    sequences", Annals of Statistics 52 (2024), theorem 2.2.

    >>> round(float(half_width(500.0, 0.05)) * 500**0.5, 2)  # in standard errors
    3.04
    """
    rho = prior_rows(alpha)
    wide: Numbers = np.sqrt((rows + rho) * np.log((rows + rho) / (rho * alpha**2))) / rows
    return wide
