"""All explanations of a change of a categorical column."""

from __future__ import annotations

from detectors.diagnosis import cycle, rewriting, shares
from detectors.diagnosis.categories import Categories
from detectors.diagnosis.finding import Finding, ranked
from detectors.diagnosis.missing import missing
from profiles import CategoricalSummary


def categorical(reference: CategoricalSummary, current: CategoricalSummary) -> list[Finding]:
    """What a change of a categorical column looks like, the best explanation first; empty if it is noise.

    Args:
        reference: summary of the reference.
        current: summary of what is to be explained, with the same vocabulary.

    >>> import numpy as np
    >>> from profiles import Vocabulary
    >>> colours = Vocabulary.fit(["red", "blue"])
    >>> reference = colours.summarize(np.repeat([0, 1], [700, 300]), ["red", "blue"])
    >>> current = colours.summarize(np.repeat([0, 1], [70, 30]), ["Red", "blue"])
    >>> str(categorical(reference, current)[0])
    "rewritten categories: the same values written differently: 'red' -> 'Red', 70 % of the rows"
    """
    nulls = missing(
        (reference.nulls, reference.nulls + reference.count), (current.nulls, current.nulls + current.count)
    )
    categories = Categories.of(reference, current)
    if categories is None:
        return ranked([nulls])
    return ranked(
        [
            nulls,
            shares.constant(categories),
            cycle.hours_turned(categories),
            rewriting.rewritten(categories),
            rewriting.renamed(categories),
            rewriting.exchanged(categories),
            shares.took_over(categories),
            shares.vanished(categories),
            shares.new(categories, current.unseen),
            shares.changed(categories),
        ]
    )
