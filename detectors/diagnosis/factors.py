"""Well-known factors between units, and the temperature scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors.diagnosis.finding import figure

FACTORS: tuple[tuple[float, str, str], ...] = (
    (1000.0, "thousandths", "thousands"),
    (100.0, "shares", "per cent, or units to hundredths"),
    (10.0, "centimetres", "millimetres"),
    (1e6, "millionths", "millions"),
    (60.0, "hours or minutes", "minutes or seconds"),
    (24.0, "days", "hours"),
    (3600.0, "hours", "seconds"),
    (1440.0, "days", "minutes"),
    (86400.0, "days", "seconds"),
    (7.0, "weeks", "days"),
    (12.0, "years or feet", "months or inches"),
    (1 / 0.3048, "metres", "feet"),
    (1.609344, "miles", "kilometres"),
    (2.204623, "kilograms", "pounds"),
    (25.4, "inches", "millimetres"),
    (2.54, "inches", "centimetres"),
    (3.6, "metres per second", "kilometres per hour"),
    (1.852, "nautical miles", "kilometres"),
    (1 / 0.9144, "metres", "yards"),
    (3.785412, "US gallons", "litres"),
    (28.349523, "ounces", "grams"),
    (2.236936, "metres per second", "miles per hour"),
    (1.943844, "metres per second", "knots"),
    (4.184, "calories", "joules"),
    (180 / np.pi, "radians", "degrees"),
    (33.863886, "inches of mercury", "hectopascals"),
    (10.763910, "square metres", "square feet"),
    (1024.0, "binary units", "units of the next size"),
    (1048576.0, "mebibytes", "bytes"),
    (1e9, "billionths", "billions"),
)
TEMPERATURES: tuple[tuple[float, float, str], ...] = (
    (32.0, 1.8, "Celsius to Fahrenheit"),
    (-32 / 1.8, 1 / 1.8, "Fahrenheit to Celsius"),
    (273.15, 1.0, "Celsius to Kelvin"),
    (-273.15, 1.0, "Kelvin to Celsius"),
    (459.67 / 1.8, 1 / 1.8, "Fahrenheit to Kelvin"),
    (-459.67, 1.8, "Kelvin to Fahrenheit"),
)


def known_factors() -> Iterator[tuple[float, str]]:
    """Every well-known factor and its inverse, with a name for people, the commonest first."""
    for factor, from_unit, to_unit in FACTORS:
        yield factor, f"times {figure(factor)}, as from {from_unit} to {to_unit}"
        inverse = f"divided by {figure(factor)}" if factor == round(factor) else f"times {figure(1 / factor)}"
        yield 1 / factor, f"{inverse}, as from {to_unit} to {from_unit}"


def nearest_factor(scale: float, tolerance: float) -> tuple[float, str] | None:
    """The commonest well-known factor within a relative tolerance of a measured one; None if there is none.

    >>> nearest_factor(998.0, 0.01)[1]
    'times 1000, as from thousandths to thousands'
    >>> nearest_factor(0.3051, 0.01)[1]
    'times 0.3048, as from feet to metres'
    """
    if not scale > 0:
        return None
    near = [one for one in known_factors() if abs(np.log(scale / one[0])) <= tolerance]
    return near[0] if near else None
