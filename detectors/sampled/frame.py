"""Samples as evidently wants them: data frames, and which columns are what."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from profiles.sample import Sample

FEATURES = "features."
OUTPUTS = ("score", "prediction")


@dataclass(frozen=True)
class Frames:
    """A reference and a window as data frames of the columns that both have values of.

    Attributes:
        reference: the known good.
        current: the window.
        numeric: the columns of numbers.
        categorical: the columns of words.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    numeric: Sequence[str]
    categorical: Sequence[str]

    @classmethod
    def of(cls, reference: Sample, current: Sample, *, outputs: bool = True) -> Frames:
        """The features of two samples, and what the model says; vectors are left out."""
        columns: dict[str, tuple[Any, Any]] = {}
        for name, column in current.columns.items():
            other = reference.columns.get(name)
            wanted = name.startswith(FEATURES) or (outputs and name in OUTPUTS)
            if (
                wanted
                and other is not None
                and column.ndim == other.ndim == 1
                and column.dtype == other.dtype
            ):
                given = name.removeprefix(FEATURES)
                # a feature may be called as an output is
                columns[name if given in columns else given] = (other, column)
        return cls(
            pd.DataFrame({name: pair[0] for name, pair in columns.items()}),
            pd.DataFrame({name: pair[1] for name, pair in columns.items()}),
            [name for name, pair in columns.items() if pair[0].dtype != object],
            [name for name, pair in columns.items() if pair[0].dtype == object],
        )

    @property
    def columns(self) -> list[str]:
        """The columns."""
        return [*self.numeric, *self.categorical]


@contextmanager
def quiet() -> Iterator[None]:
    """Without usage data and warnings: evidently sends the one, and its dependencies give the others."""
    os.environ["DO_NOT_TRACK"] = "1"  # it looks when it is imported
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def drifts(frames: Frames, methods: Mapping[str, str | None], threshold: float | None) -> dict[str, bool]:
    """Which columns have drifted by evidently's tests: those that its reports run, without their pictures.

    A column that the test cannot judge is left out.

    Args:
        frames: the two samples.
        methods: the test of numbers (`num`) and of categories (`cat`); None for evidently's choice.
        threshold: of the test; None for its own.
    """
    found = {}
    with quiet():
        from evidently.legacy.calculations.stattests import get_stattest  # noqa: PLC0415 - takes seconds
        from evidently.legacy.core import ColumnType  # noqa: PLC0415 - the same

        for kind, names in (("num", frames.numeric), ("cat", frames.categorical)):
            for name in names:
                reference, current = frames.reference[name].dropna(), frames.current[name].dropna()
                try:
                    test = get_stattest(reference, current, ColumnType(kind), methods[kind])
                    found[name] = bool(test(reference, current, ColumnType(kind), threshold).drifted)
                except (ArithmeticError, ValueError, TypeError, IndexError):
                    continue  # some tests cannot do with so few values
    return found


def report(frames: Frames, metrics: Sequence[Any]) -> Any:
    """Run evidently's report of some metrics or presets; within `quiet`."""
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 - takes seconds to import

    definition = DataDefinition(
        numerical_columns=list(frames.numeric), categorical_columns=list(frames.categorical)
    )
    current, reference = (
        Dataset.from_pandas(frame, data_definition=definition) for frame in (frames.current, frames.reference)
    )
    return Report(list(metrics)).run(current, reference)
