"""Every detector of drift of a number: how often it errs on healthy windows, and what it makes of changes."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from detectors import Judgement
from detectors.anderson_darling import AndersonDarling
from detectors.cramer_von_mises import CramerVonMises
from detectors.distance import DistanceDetector
from detectors.hellinger import Hellinger
from detectors.jensen_shannon import JensenShannon
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.population_stability import PopulationStability
from detectors.wasserstein import Wasserstein
from profiles import Grid
from profiles.counts import Floats

Rng = np.random.Generator
DETECTORS: tuple[DistanceDetector, ...] = (
    AndersonDarling(),
    KolmogorovSmirnov(),
    CramerVonMises(),
    Wasserstein(),
    PopulationStability(),
    JensenShannon(),
    Hellinger(),
)
ZEROS, MODE, HALF = 0.8, 0.01, 0.5
SHAPES: dict[str, Callable[[Rng, int], Floats]] = {
    "normal": lambda rng, rows: rng.normal(size=rows),
    "lognormal": lambda rng, rows: rng.lognormal(size=rows),
    "zero-inflated": lambda rng, rows: np.where(rng.random(rows) < ZEROS, 0.0, rng.lognormal(size=rows)),
    "Poisson(3)": lambda rng, rows: rng.poisson(3.0, rows).astype(np.float64),
    "Student t3": lambda rng, rows: rng.standard_t(3, rows),
}
REFERENCE, ALPHA, LEVEL = 30, 1e-6, 1e-3
MILLION = 1_000_000


@dataclass(frozen=True)
class Population:
    """What values of a shape can do.

    Whole numbers are counts: they are rounded at random to the next one up or down, and none falls below 0.
    Where most values are 0, these stay 0.

    Attributes:
        whole: values of it.
        rng: for what is random in a change.
    """

    whole: Floats
    rng: Rng

    @cached_property
    def counts(self) -> bool:
        """Whether they are whole numbers."""
        return bool(np.all(self.whole == np.round(self.whole)))

    @cached_property
    def zeros(self) -> float:
        """The share of zeros that stay what they are."""
        share = float(np.mean(self.whole == 0.0))
        return share if share > HALF else 0.0

    @cached_property
    def deviation(self) -> float:
        """The standard deviation."""
        return float(self.whole.std())

    def moved(self, values: Floats, changed: Floats) -> Floats:
        """As near to the changed values as they can be."""
        found = np.where(values == 0.0, 0.0, changed) if self.zeros else changed
        if self.counts:
            low = np.floor(found)
            found = np.maximum(low + (self.rng.random(found.size) < found - low), 0.0)
        return found

    def shift(self, values: Floats, size: float) -> Floats:
        """The mean is greater by so many standard deviations."""
        return self.moved(values, values + size * self.deviation / (1 - self.zeros))

    def changes(self) -> dict[str, Callable[[Floats], Floats]]:
        """What may happen to a window's values."""
        mean, top = self.whole.mean(), np.quantile(self.whole, 0.99)
        mode = np.round(mean + 3 * self.deviation)
        return {
            "mean +0.05 sd": lambda values: self.shift(values, 0.05),
            "mean +0.1 sd": lambda values: self.shift(values, 0.1),
            "variance x1.1": lambda values: self.moved(values, mean + np.sqrt(1.1) * (values - mean)),
            "top 1 % x1.5": lambda values: self.moved(values, np.where(values >= top, 1.5 * values, values)),
            "new mode 1 %": lambda values: np.where(self.rng.random(values.size) < MODE, mode, values),
        }


def p_of(judged: Judgement) -> float:
    """The p-value; there is one, as there are rows enough."""
    return 1.0 if judged.p_value is None else judged.p_value


def study(
    shape: str, rows: int, references: int, windows: int, seed: int, wander: float
) -> dict[str, dict[str, float]]:
    """By detector: the share of healthy windows with p < 0.001, and the median -log10 p of every change."""
    rng = np.random.default_rng(seed)
    population = Population(SHAPES[shape](np.random.default_rng(0), MILLION), rng)
    grid, changed = Grid.fit(population.whole), population.changes()

    def draw() -> Floats:
        values = SHAPES[shape](rng, rows)
        return population.shift(values, rng.normal(0.0, wander)) if wander else values

    found: dict[str, dict[str, list[float]]] = {name_of(one): {} for one in DETECTORS}
    for _ in range(references):
        reference = [grid.summarize(draw()) for _ in range(REFERENCE)]
        baselines = [detector.learn(reference) for detector in DETECTORS]
        for _ in range(windows):
            values = {"healthy": draw()}
            values |= {name: change(draw()) for name, change in changed.items()}
            for name, column in values.items():
                window = grid.summarize(column)
                for detector, baseline in zip(DETECTORS, baselines, strict=True):
                    p_value = p_of(detector.judge(baseline, window, ALPHA))
                    found[name_of(detector)].setdefault(name, []).append(p_value)
    return {
        detector: {
            name: float(np.mean(np.array(tried) < LEVEL))
            if name == "healthy"
            else float(np.median(-np.log10(np.maximum(tried, 1e-300))))
            for name, tried in by_change.items()
        }
        for detector, by_change in found.items()
    }


def name_of(detector: DistanceDetector) -> str:
    """The kind."""
    return str(detector.model_dump()["kind"])


def cost(rows: int) -> dict[str, float]:
    """CPU milliseconds of one judgement of a lognormal feature."""
    rng = np.random.default_rng(1)
    grid = Grid.fit(rng.lognormal(size=MILLION))
    windows = [grid.summarize(rng.lognormal(size=rows)) for _ in range(REFERENCE)]
    taken = {}
    for detector in DETECTORS:
        baseline = detector.learn(windows)
        rounds = []
        for _ in range(5):
            began = time.process_time()
            for window in windows:
                detector.judge(baseline, window, ALPHA)
            rounds.append(1000 * (time.process_time() - began) / len(windows))
        taken[name_of(detector)] = min(rounds)
    return taken


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--references", type=int, default=20)
    parser.add_argument("--windows", type=int, default=40, help="of each kind, for each reference")
    parser.add_argument("--wander", type=float, default=0.0, help="of healthy windows' means, in sd")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    total = given.references * given.windows
    print(f"{given.rows:,} rows, {REFERENCE} reference windows, {total} windows of each kind;")
    print(f"healthy windows' means wander by {given.wander:g} sd.")
    print(f"Healthy: share with p < {LEVEL:g}. Changes: median -log10 p.")
    figures: dict[str, Any] = {"rows": given.rows, "windows": total, "shapes": {}}
    for shape in SHAPES:
        table = study(shape, given.rows, given.references, given.windows, given.seed, given.wander)
        figures["shapes"][shape] = table
        columns = list(next(iter(table.values())))
        print(f"\n{shape:20}" + "".join(f"{column:>15}" for column in columns))
        for detector, values in table.items():
            shown = [
                f"{values[name]:15.4f}" if name == "healthy" else f"{values[name]:15.1f}" for name in columns
            ]
            print(f"  {detector:18}" + "".join(shown))
    figures["judge_ms"] = cost(given.rows)
    print("\nCPU of one judgement, ms: " + ", ".join(f"{k} {v:.3f}" for k, v in figures["judge_ms"].items()))
    if given.json:
        print(json.dumps(figures | {"machine": platform.processor() or platform.machine()}))


if __name__ == "__main__":
    main()
