"""Feature preparation: from what is known about a flight to the row of numbers that a model is fed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from examples.flights.data import CATEGORICAL, FEATURES, NUMERIC

Matrix = npt.NDArray[np.float32]
Flight = Mapping[str, Any]  # feature names to a text, a number or None

SMOOTHING = 50  # a category with few flights stays near the overall rate
MILE_KM = 1.609344
INCH_MM = 25.4


@dataclass(frozen=True)
class Encoding:
    """Categories as numbers: each one's share of late flights in the training data.

    Args:
        rates: by feature and category.
        default: the overall share, for categories that training did not see.
    """

    rates: dict[str, dict[str, float]]
    default: float

    @classmethod
    def fit(cls, table: pd.DataFrame) -> Encoding:
        """Learns the shares from labelled flights."""
        default = float(table["label"].mean())
        rates = {}
        for name in CATEGORICAL:
            late = table.groupby(name)["label"].agg(["sum", "count"])
            smooth = (late["sum"] + default * SMOOTHING) / (late["count"] + SMOOTHING)
            rates[name] = {str(category): float(rate) for category, rate in smooth.items()}
        return cls(rates, default)

    def matrix(self, table: pd.DataFrame) -> Matrix:
        """Many flights, shape (n, features)."""
        encoded = [table[name].map(self.rates[name]).fillna(self.default) for name in CATEGORICAL]
        return np.column_stack([*encoded, table[list(NUMERIC)]]).astype(np.float32)

    def row(self, flight: Flight) -> Matrix:
        """One flight, shape (1, features).

        >>> encoding = Encoding({name: {} for name in CATEGORICAL}, default=0.25)
        >>> encoding.row(dict.fromkeys(FEATURES)).shape
        (1, 15)
        """
        values = [self.rates[name].get(flight[name], self.default) for name in CATEGORICAL]
        values += [flight[name] for name in NUMERIC]
        return np.array([values], dtype=np.float32)  # None becomes NaN, which the model imputes


def as_recorded(flight: Flight) -> Flight:
    """The weather as the models were trained on it: Fahrenheit, miles, miles per hour, inches."""
    return flight


def metric(flight: Flight) -> Flight:
    """The weather in Celsius, kilometres, kilometres per hour and millimetres.

    This is the fault of release v2: it moved the weather feed to metric units, and its model was not
    trained on them. Nothing crashes, every value is plausible, and the scores are wrong.
    """
    changed = {name: None if flight[name] is None else change(flight[name]) for name, change in UNITS.items()}
    return {**flight, **changed}


def _celsius(fahrenheit: float) -> float:
    return (fahrenheit - 32) / 1.8


UNITS: dict[str, Callable[[float], float]] = {
    "temp": _celsius,
    "dewp": _celsius,
    "wind_speed": lambda miles: miles * MILE_KM,
    "visib": lambda miles: miles * MILE_KM,
    "precip": lambda inches: inches * INCH_MM,
}
PREPARE: dict[str, Callable[[Flight], Flight]] = {"v1": as_recorded, "v2": metric}
"""What each release does with a flight before it is encoded, scored and logged."""

__all__ = ["FEATURES", "PREPARE", "Encoding", "Flight", "Matrix", "as_recorded", "metric"]
