"""The contract that a monitor file declares for a feature: which rows break it, as counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from collector.batch import Coded, Mask, Values
from collector.schema import CategoricalFeature, NumericFeature, Schema
from profiles import CONTRACT, ContractSummary, Groups, Violation, contract_part


def declared(features: Mapping[str, Values], schema: Schema, groups: Groups) -> dict[str, list[Any]]:
    """Count the rows that break the declared contract of each feature.

    Args:
        features: the columns, by name.
        schema: declares `min`, `max` and `values`.
        groups: of the rows.

    Returns:
        For each part for every sum of groups its summary, or None where no row broke it.
    """
    found: dict[str, list[Any]] = {}
    for name, values in features.items():
        spec = schema.features.get(name)
        bad: Mask | None = None
        if isinstance(spec, NumericFeature) and not isinstance(values, Coded):
            low = -np.inf if spec.min is None else spec.min
            high = np.inf if spec.max is None else spec.max
            bad = (values < low) | (values > high) if spec.has_contract else None
        elif isinstance(spec, CategoricalFeature) and isinstance(values, Coded) and spec.values is not None:
            known = set(spec.values)
            bad = np.array([*(word not in known for word in values.names), False], bool)[values.codes]
        if bad is not None and bad.any():
            found[contract_part(name)] = _counted(values, bad, groups)
    return found


def _counted(values: Values, bad: Mask, groups: Groups) -> list[Any]:
    held: Any = values.codes[bad] if isinstance(values, Coded) else values[bad]
    by_group = [_summary(values, part) for part in groups.take(bad).parts(held)]
    sums = [sum((by_group[group] for group in wanted), CONTRACT.zero()) for wanted in groups.wanted]
    return [one if one.counts.total else None for one in sums]


def _summary(values: Values, broken: Any) -> ContractSummary:
    distinct = np.unique(broken).tolist()
    if isinstance(values, Coded):
        names = [repr(values.names[code]) for code in distinct]
        return CONTRACT.summarize(Violation.NOT_ALLOWED, broken.size, names)
    return CONTRACT.summarize(Violation.OUT_OF_BOUNDS, broken.size, [f"{number:g}" for number in distinct])
