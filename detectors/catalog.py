"""Every detector, what is switched on unless the monitor says otherwise, and what each is applied to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, get_args

from pydantic import Field

from detectors.anderson_darling import AndersonDarling
from detectors.chi_square import ChiSquare
from detectors.constant import Constant
from detectors.contract_fault import ContractFault
from detectors.covariance import Covariance
from detectors.cramer_von_mises import CramerVonMises
from detectors.detector import Detector
from detectors.duplicates import Duplicates
from detectors.error_rate import ErrorRate
from detectors.frechet import Frechet
from detectors.g_test import GTest
from detectors.hellinger import Hellinger
from detectors.jensen_shannon import JensenShannon
from detectors.kolmogorov_smirnov import KolmogorovSmirnov
from detectors.largest_change import LargestChange
from detectors.latency_quantile import LatencyQuantile
from detectors.mahalanobis import Mahalanobis
from detectors.mean_embedding import MeanEmbedding
from detectors.missing import Missing
from detectors.out_of_range import OutOfRange
from detectors.performance.confusion import Costs
from detectors.performance.metrics import BUSINESS_VALUE, DEFAULTS
from detectors.performance_drop import PerformanceDrop
from detectors.population_stability import PopulationStability
from detectors.sampled.domain_classifier import DomainClassifier
from detectors.sampled.evidently_drift import EvidentlyDrift
from detectors.sampled.worst_slice import WorstSlice
from detectors.smooth import SmoothTest
from detectors.type_fault import TypeFault
from detectors.unseen import Unseen
from detectors.vanished import Vanished
from detectors.wasserstein import Wasserstein
from profiles import ARRIVALS, CONTRACT, Shape, contract_part
from profiles.moments import EMBEDDING, ROW, moments_subject

AnyDetector = Annotated[
    SmoothTest
    | AndersonDarling
    | KolmogorovSmirnov
    | Wasserstein
    | CramerVonMises
    | PopulationStability
    | JensenShannon
    | Hellinger
    | ChiSquare
    | GTest
    | LargestChange
    | MeanEmbedding
    | Mahalanobis
    | Covariance
    | Frechet
    | Missing
    | Unseen
    | OutOfRange
    | Constant
    | Vanished
    | TypeFault
    | ContractFault
    | Duplicates
    | PerformanceDrop
    | LatencyQuantile
    | ErrorRate
    | DomainClassifier
    | EvidentlyDrift
    | WorstSlice,
    Field(discriminator="kind"),
]
FEATURE = "features."
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

    @property
    def of_labels(self) -> bool:
        """Whether it is judged when labels have come."""
        return self.part in ("performance", "label")

    @property
    def of_all_rows(self) -> bool:
        """Whether it is judged of all rows alone: what was rejected is in no segment, and moments are not."""
        return self.part in (ARRIVALS.kind, ROW) or self.part.startswith((f"{CONTRACT.kind}.", EMBEDDING))


def default_detectors(task: str, costs: Costs | None = None) -> tuple[Detector, ...]:
    """What is switched on for a task when the monitor does not say; business value where there are costs.

    >>> [d.metric for d in default_detectors("regression") if isinstance(d, PerformanceDrop)]
    ['mae', 'rmse', 'bias']
    """
    return (
        SmoothTest(),
        ChiSquare(),
        MeanEmbedding(),
        Mahalanobis(),
        Covariance(),
        Missing(),
        Unseen(),
        OutOfRange(),
        Constant(),
        Vanished(),
        TypeFault(),
        ContractFault(),
        Duplicates(),
        *(PerformanceDrop(metric=metric) for metric in DEFAULTS[task]),
        *([PerformanceDrop(metric=BUSINESS_VALUE, costs=costs)] if costs else []),
        LatencyQuantile(percentile=50),
        LatencyQuantile(percentile=99),
        ErrorRate(),
    )


def checks(detectors: Sequence[Detector], shape: Shape, declared: Collection[str] = ()) -> list[Check]:
    """Every detector on every part that it reads, in a fixed order.

    A binary prediction is its score cut in two, so where there is a score the prediction is not judged again.
    Of several detectors of one signal the first has its name, such as `drift.univariate`, and the others have
    their kind as well: `drift.univariate.wasserstein`.

    Args:
        detectors: what is switched on; what learns from the past has no part in it.
        shape: of the profiles.
        declared: the features with a declared contract.
    """
    detectors = [detector for detector in detectors if not detector.from_past]
    found = [*_contract_checks(detectors, shape, declared), *_feature_checks(detectors, shape)]
    return list(_told_apart(found))


def _told_apart(found: Sequence[Check]) -> Iterator[Check]:
    """The first check of a signal keeps its name; that of each further one has its detector's kind added."""
    taken = set()
    for check in found:
        if (check.signal, check.subject) in taken:
            kind = check.detector.kind  # type: ignore[attr-defined]
            yield replace(check, signal=f"{check.signal}.{kind}")
        else:
            taken.add((check.signal, check.subject))
            yield check


def _contract_checks(
    detectors: Sequence[Detector], shape: Shape, declared: Collection[str]
) -> Iterator[Check]:
    """What is judged of the rows that broke the contract."""
    features = [part.removeprefix(FEATURE) for part in sorted(shape.spaces) if part.startswith(FEATURE)]
    for detector in detectors:
        if ARRIVALS.kind in detector.spaces:
            yield Check(detector.signal(ARRIVALS.kind), None, ARRIVALS.kind, detector)
        if CONTRACT.kind in detector.spaces:
            for name in features:
                if not isinstance(detector, ContractFault) or name in declared:
                    part = contract_part(name)
                    yield Check(detector.signal(part), name, part, detector)


def _feature_checks(detectors: Sequence[Detector], shape: Shape) -> list[Check]:
    found = []
    for part, space in sorted(shape.spaces.items()):
        if part.startswith("segments.") or (part == "prediction" and "score" in shape.spaces):
            continue
        for detector in detectors:
            if space.kind not in detector.spaces:
                continue
            if isinstance(detector, PerformanceDrop) and not detector.applies_to(space.kind):
                continue
            subject = part.removeprefix(FEATURE) if part.startswith(FEATURE) else moments_subject(part)
            if subject is None and detector.signal(part).startswith("quality."):
                continue
            found.append(Check(detector.signal(part), subject, part, detector))
    return found
