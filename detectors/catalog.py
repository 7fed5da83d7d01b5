"""Every detector, what is switched on unless the monitor says otherwise, and what each is applied to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, get_args

from pydantic import Field

from detectors.anderson_darling import AndersonDarling
from detectors.chi_square import ChiSquare
from detectors.detector import Detector
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.latency_quantile import LatencyQuantile
from detectors.mean_embedding import MeanEmbedding
from detectors.missing import Missing
from detectors.out_of_range import OutOfRange
from detectors.performance.metrics import METRICS
from detectors.performance_drop import PerformanceDrop
from detectors.unseen import Unseen
from profiles import Shape

AnyDetector = Annotated[
    AndersonDarling
    | KolmogorovSmirnov
    | ChiSquare
    | MeanEmbedding
    | Missing
    | Unseen
    | OutOfRange
    | PerformanceDrop
    | LatencyQuantile,
    Field(discriminator="kind"),
]
DETECTORS: tuple[type[Detector], ...] = get_args(get_args(AnyDetector)[0])


@dataclass(frozen=True)
class Check:
    """One detector on one part of the profile.

    Attributes:
        signal: the dotted name of what is measured.
        subject: the feature, or None.
        part: the part of the profile.
        detector: what judges it.
    """

    signal: str
    subject: str | None
    part: str
    detector: Detector


def default_detectors(task: str) -> tuple[Detector, ...]:
    """What is switched on for a task when the monitor does not say.

    >>> [d.metric for d in default_detectors("regression") if isinstance(d, PerformanceDrop)]
    ['mae', 'rmse']
    """
    return (
        KolmogorovSmirnov(),
        ChiSquare(),
        MeanEmbedding(),
        Missing(),
        Unseen(),
        OutOfRange(),
        *(PerformanceDrop(metric=metric) for metric in METRICS[task]),
        LatencyQuantile(percentile=50),
        LatencyQuantile(percentile=99),
    )


def checks(detectors: Sequence[Detector], shape: Shape) -> list[Check]:
    """Every detector on every part that it reads, in a fixed order.

    A binary prediction is its score cut in two, so where there is a score the prediction is not judged again.
    """
    found = []
    for part, space in sorted(shape.spaces.items()):
        if part.startswith("segments.") or (part == "prediction" and "score" in shape.spaces):
            continue
        for detector in detectors:
            if space.kind not in detector.spaces:
                continue
            if isinstance(detector, PerformanceDrop) and not detector.applies_to(space.kind):
                continue
            subject = part.removeprefix("features.") if part.startswith("features.") else None
            if subject is None and detector.signal(part).startswith("quality."):
                continue
            found.append(Check(detector.signal(part), subject, part, detector))
    return found
