"""What is expected of a window without labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from detectors.estimated.cells import Strata
from profiles.counts import Floats


@dataclass(frozen=True)
class Expected:
    """An expected metric, and three reasons why what is realised differs.

    Attributes:
        value: NaN where the rows do not define it.
        noise: the variance of the realised metric given the rows: chance decides their labels.
        drawn: the variance of the expected metric over other rows of the same traffic.
        doubt: the variance of the expected metric over other references of the same size.
    """

    value: float
    noise: float
    drawn: float
    doubt: float


UNKNOWN = Expected(float("nan"), 0.0, 0.0, 0.0)


class Model(Protocol):
    """What was learned from joined labels."""

    @property
    def column(self) -> str:
        """The segment column whose values it tells apart; "" for none."""

    @property
    def losses(self) -> Floats:
        """How badly each fold's labels are predicted when it is left out, shape (folds,)."""

    def expected(
        self, metrics: Sequence[str], window: Strata, fold: int | None = None
    ) -> dict[str, Expected]:
        """Metrics that are expected of a window.

        Args:
            metrics: their names.
            window: summaries by stratum.
            fold: of the reference, to leave out; None for none. Where one is left out `doubt` is not known.
        """
