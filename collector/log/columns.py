"""What the prediction log's columns are called, and which rows it keeps."""

from __future__ import annotations

import numpy as np

from collector.batch import Mask, Predictions
from collector.schema import Schema
from collector.validation.record import SCORES

PARTITIONS = ("model", "date", "hour")  # the folders; readers make columns of them
HASHES = 1 << 64


class Names:
    """Gives every column a name of its own: a file's, with `_` where another column or a folder has it.

    >>> names = Names()
    >>> names.free("hour"), names.free("x"), names.free("X")
    ('hour_', 'x', 'X_')
    """

    def __init__(self) -> None:
        self._taken = set(PARTITIONS)

    def free(self, name: str) -> str:
        """The name, or the next that is free; engines tell names apart without their case."""
        while name.lower() in self._taken:
            name += "_"
        self._taken.add(name.lower())
        return name


def column_names(schema: Schema) -> dict[str, str]:
    """What the log calls each column: `field`, `features.name`, `segments.name`.

    Fields are called as in the monitor's files, so that what reads those reads the log too.
    """
    names, columns = Names(), schema.columns
    fields = {
        "id": columns.id,
        "timestamp": columns.timestamp,
        "version": columns.version,
        "prediction": columns.prediction,
        "score": columns.score,
        "latency": columns.latency,
        "failed": "failed",
    }
    if schema.task == "multiclass":
        fields["scores"] = SCORES
    found = {name: names.free(given) for name, given in fields.items()}
    found |= {f"features.{name}": names.free(name) for name in schema.features}
    # a feature that is a segment as well is written once, and so is the version
    apart = [name for name in schema.segments if name not in schema.features and not schema.is_version(name)]
    return found | {f"segments.{name}": names.free(name) for name in apart}


def sampled(rows: Predictions, share: float) -> Mask | None:
    """Which rows the log keeps: the same in every worker and every replay; None for all.

    By the hash of the id; rows without ids by their place.
    """
    if share >= 1:
        return None
    kept: Mask
    if rows.ids is None:
        kept = np.diff(np.floor(np.arange(len(rows) + 1) * share)) > 0
    else:
        kept = rows.ids < np.uint64(int(share * HASHES))
    return kept
