"""Rows that are not in any feature's counts, as profiles: those rejected, and those that had come before."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from collector.batch import Predictions, Rejection
from collector.schema import Schema
from collector.summarize import AT_PREDICTION, EVERYTHING, Key
from profiles import ARRIVALS, CONTRACT, Profile, Violation, contract_part
from profiles.counts import Ints
from profiles.sums import Sums

UNKNOWN = "unknown"  # the version of rows that have none
PREFIX = "features."


def timed_predictions(rejections: Iterable[Rejection], schema: Schema) -> list[Rejection]:
    """The predictions of a model that were rejected, and whose time could be read."""
    return [
        one
        for one in rejections
        if one.model == schema.model and one.kind == "prediction" and one.time is not None
    ]


def rejected(rejections: Iterable[Rejection], schema: Schema) -> dict[Key, Profile]:
    """Profiles of rejected rows: how many, and of which feature by what was wrong."""
    groups: dict[tuple[Key, str, Violation], list[str]] = defaultdict(list)
    for one in timed_predictions(rejections, schema):
        key = _key(one.version, one.time or 0, schema)
        groups[key, one.field, one.violation].append(f"{one.value!r}: {one.reason}; {one.fix}")
    found: dict[Key, Profile] = defaultdict(Profile)
    for (key, field, violation), told in groups.items():
        examples = [f"{field} {text}" for text in set(told)]
        parts: dict[str, Sums] = {ARRIVALS.kind: ARRIVALS.summarize(rejected=len(told), examples=examples)}
        feature = _feature(field, schema)
        if feature is not None:
            parts[contract_part(feature)] = CONTRACT.summarize(violation, len(told), told)
        found[key] += Profile(0, parts)
    return dict(found)


def duplicates(rows: Predictions, fresh: Ints, schema: Schema) -> dict[Key, Profile]:
    """Profiles of rows whose id had come before.

    Args:
        rows: the predictions.
        fresh: the places of those that are new.
        schema: of their model.
    """
    again = np.ones(len(rows), bool)
    again[fresh] = False
    starts = schema.window.starts(rows.times[again]).tolist()
    codes, names = rows.versions.codes[again].tolist(), rows.versions.names
    keys = Counter(
        Key(names[code] or UNKNOWN, EVERYTHING, start, AT_PREDICTION)
        for code, start in zip(codes, starts, strict=True)
    )
    return {
        key: Profile(0, {ARRIVALS.kind: ARRIVALS.summarize(duplicates=count)}) for key, count in keys.items()
    }


def _key(version: str, time: int, schema: Schema) -> Key:
    return Key(version or UNKNOWN, EVERYTHING, schema.window.start(time), AT_PREDICTION)


def _feature(field: str, schema: Schema) -> str | None:
    """The feature that a field belongs to: itself, or one column of an embedding."""
    name = field.removeprefix(PREFIX) if field.startswith(PREFIX) else ""
    if name in schema.features:
        return name
    owners = [feature for feature in schema.features if name.startswith(f"{feature}.")]
    return max(owners, key=len, default=None)
