"""Pictures of joined labels: how well scores are calibrated, how residuals lie, how fast labels come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dashboards.charts.bins import histogram
from dashboards.charts.figure import Chart, Key
from dashboards.queries.coverage import Coverage
from dashboards.words import duration
from detectors.performance.scores import BINS, by_score
from detectors.proportion import wilson
from profiles import BinaryOutcomes, RegressionOutcomes

SECOND = 1_000_000
HEIGHT = 260
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True)
class ScoreBin:
    """The labelled rows whose score is in one of ten bins of equal width.

    Attributes:
        low: the smallest score of the bin.
        high: the largest.
        rows: how many rows.
        score: their mean score.
        share: the share of them that are positive, with its 95 % interval from `lower` to `upper`.
    """

    low: float
    high: float
    rows: int
    score: float
    share: float
    lower: float
    upper: float


def reliability(outcomes: BinaryOutcomes) -> list[ScoreBin]:
    """How often a score comes true, by bins of the score; those without rows are left out.

    DeGroot and Fienberg, "The comparison and evaluation of forecasters", The Statistician 32, 1983.
    """
    scores, positives, negatives = by_score(outcomes)
    rows = positives + negatives
    places = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    totals, hits, sums = (
        np.bincount(places, weights, minlength=BINS) for weights in (rows, positives, rows * scores)
    )
    return [
        ScoreBin(
            place / BINS,
            (place + 1) / BINS,
            int(totals[place]),
            float(sums[place] / totals[place]),
            float(hits[place] / totals[place]),
            *wilson(int(hits[place]), int(totals[place])),
        )
        for place in np.flatnonzero(totals).tolist()
    ]


def reliability_chart(bins: Sequence[ScoreBin]) -> Chart:
    """The share of positives against the score, beside the diagonal where both are equal."""
    diagonal: dict[str, Any] = {
        "type": "scatter",
        "name": "perfect",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
    }
    diagonal |= {"line": {"color": "$muted", "width": 1, "dash": "dot"}, "hoverinfo": "skip"}
    shown: dict[str, Any] = {
        "type": "scatter",
        "name": "positives",
        "mode": "lines+markers",
        "x": [one.score for one in bins],
        "y": [one.share for one in bins],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [one.upper - one.share for one in bins],
            "arrayminus": [one.share - one.lower for one in bins],
            "color": "$accent",
            "thickness": 1,
        },
        "customdata": [f"{one.rows:,} rows" for one in bins],
        "line": {"color": "$accent", "width": 1.5},
        "marker": {"color": "$accent", "size": 6},
        "hovertemplate": "score %{x:.3f}<br>%{y:.1%} positive<br>%{customdata}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "score"}, "range": [-0.02, 1.02]},
        "yaxis": {"title": {"text": "share of positives"}, "range": [-0.02, 1.02], "tickformat": ".0%"},
        "uirevision": "kept",
    }
    told = "Calibration: " + ", ".join(
        f"of scores about {one.score:.2f} {one.share:.0%} were positive ({one.rows:,} rows)" for one in bins
    )
    keys = (Key("positives, 95 % interval", "accent"), Key("perfectly calibrated", "muted", "dashes"))
    return Chart("reliability", "Calibration", told, [diagonal, shown], layout, keys, HEIGHT)


def residuals_chart(outcomes: RegressionOutcomes) -> Chart | None:
    """The distribution of prediction less label; None without labels."""
    found = histogram(outcomes.space.grid, [outcomes.residuals])
    if found is None:
        return None
    low, high = found.edges[:-1], found.edges[1:]
    bars = {
        "type": "bar",
        "name": "residuals",
        "x": ((low + high) / 2).tolist(),
        "width": (high - low).tolist(),
        "y": found.densities[0].tolist(),
        "customdata": np.stack([low, high, found.shares[0]], axis=1).tolist(),
        "marker": {"color": "$accent", "line": {"width": 0}},
        "hovertemplate": "%{customdata[0]:.5~g} to %{customdata[1]:.5~g}"
        "<br>%{customdata[2]:.2%}<extra></extra>",
    }
    layout = {
        "bargap": 0,
        "xaxis": {"title": {"text": "prediction less label"}},
        "yaxis": {"title": {"text": "density"}, "rangemode": "tozero", "exponentformat": "power"},
        "uirevision": "kept",
    }
    told = f"Residuals over {len(low)} bins from {found.edges[0]:.4g} to {found.edges[-1]:.4g}"
    told += f"; {found.outside[0]:.1%} outside of it"
    return Chart("residuals", "Residuals", told, [bars], layout, (), HEIGHT)


def coverage_chart(coverage: Coverage) -> Chart | None:
    """How many predictions have their label, so long after they were made; None where nothing is known."""
    if not coverage.ages.size:
        return None
    unit, name = next(((size, unit) for size, unit in UNITS if coverage.ages[-1] >= 2 * size), UNITS[-1])
    line = {
        "type": "scatter",
        "name": "label coverage",
        "mode": "lines",
        "x": (coverage.ages / unit).tolist(),
        "y": coverage.shares.tolist(),
        "line": {"color": "$accent", "width": 1.5, "shape": "hv"},
        "hovertemplate": f"%{{x:.4~g}} {name}<br>%{{y:.1%}}<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": f"age of the prediction ({name})"}, "rangemode": "tozero"},
        "yaxis": {"tickformat": ".0%", "range": [0, 1.02]},
        "uirevision": "kept",
    }
    return Chart("coverage", "Label coverage by age", coverage_told(coverage), [line], layout, (), 200)


def coverage_told(coverage: Coverage) -> str:
    """The same in words: when half and nine tenths of the labels that come have come."""
    last = float(coverage.shares[-1])
    told = f"{last:.1%} of predictions have a label after {duration(int(coverage.ages[-1] * SECOND))}"
    if not last:
        return told
    for part, name in ((0.5, "half"), (0.9, "nine tenths")):
        age = coverage.ages[int(np.argmax(coverage.shares >= part * last))]
        within = duration(int(age * SECOND)) if age else "the window itself"
        told += f"; {name} of these within {within}"
    return told
