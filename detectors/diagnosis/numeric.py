"""All explanations of a change of a numeric column."""

from __future__ import annotations

from detectors.diagnosis import cycle, edges, rounding, shape, spike, transforms, unit
from detectors.diagnosis.change import Change, Recogniser
from detectors.diagnosis.finding import Finding, Kind, ranked
from detectors.diagnosis.missing import missing
from profiles import NumericSummary

RECOGNISERS: tuple[Recogniser, ...] = (
    spike.constant,
    transforms.sign_flipped,
    transforms.sign_lost,
    transforms.complement,
    transforms.function,
    unit.temperature,
    unit.factor,
    edges.clipped,
    unit.moved,
    unit.wider,
    unit.rescaled,
)


def numeric(reference: NumericSummary, current: NumericSummary, healthy: float = 0.0) -> list[Finding]:
    """What a change of a numeric column looks like, the best explanation first; empty if it is noise.

    A transformation of the reference is compared with the window by the Kolmogorov-Smirnov distance: it
    counts if it leaves little of the distance that there was.

    Args:
        reference: summary of the reference.
        current: summary of what is to be explained, on the same grid.
        healthy: the Kolmogorov-Smirnov distance that healthy windows show, if it is known.

    >>> import numpy as np
    >>> from profiles import Grid
    >>> values = np.random.default_rng(0).lognormal(0, 1, 2000)
    >>> grid = Grid.fit(values)
    >>> str(numeric(grid.summarize(values), grid.summarize(values[:1000] * 1000))[0])
    'unit change: values look like before times 1000, as from thousandths to thousands'
    """
    nulls = missing(
        (reference.nulls, reference.nulls + reference.count), (current.nulls, current.nulls + current.count)
    )
    change = Change.of(reference, current, healthy)
    if change is None:
        return ranked([nulls])
    found = [nulls, rounding.rounded(change), shape.tail(change), *_with_evidence_of_its_own(change, nulls)]
    if not change.real:
        return ranked(found)
    found += [recognise(change) for recognise in RECOGNISERS]
    told = [one for one in found if one is not None and one is not nulls]
    if not any(one.strength > spike.VAGUE or one.kind is Kind.TAIL for one in told):
        found.append(unit.factor_of_some(change))
    return ranked([*found, shape.plain(change)])


def _with_evidence_of_its_own(change: Change, nulls: Finding | None) -> list[Finding | None]:
    """What shows by itself, however little it moves the distribution."""
    cut_off = edges.truncated(change) if nulls or change.real else None
    return [spike.default(change), cycle.time_zone(change), cut_off]
