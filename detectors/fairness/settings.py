"""The section `fairness` of a monitor file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from detectors.duration import parse_share
from detectors.fairness.group_gap import GroupGap
from detectors.fairness.measures import DEFAULTS, measure_of
from detectors.performance.confusion import Costs


def _limit(value: Any) -> Any:
    """A share in per cent as a number; what has another unit than shares is a number."""
    if isinstance(value, str):
        return parse_share(value)
    if isinstance(value, bool):
        raise ValueError(f"{value} is no gap; write a percentage such as 10%, or a number")  # noqa: TRY004
    return value


class Fairness(BaseModel):
    """Which groups are compared, by what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: tuple[str, ...] = Field(min_length=1, description="Columns that are segments.")
    metrics: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="demographic_parity, equal_opportunity, equalized_odds, or a metric of the task.",
    )
    min_group: int = Field(default=100, ge=10, description="Groups of fewer rows, or labels, say nothing.")
    max_gap: Annotated[float | None, BeforeValidator(_limit), Field(gt=0, allow_inf_nan=False)] = None

    def gaps(self, task: str, costs: Costs | None = None) -> tuple[GroupGap, ...]:
        """The gaps that are judged between the groups of every column.

        Args:
            task: of the model.
            costs: what `business_value` is computed with.

        Raises:
            ValueError: the task has no such measure, or one is named twice.

        >>> [gap.measure.signal for gap in Fairness(groups=("region",)).gaps("regression")]
        ['fairness.demographic_parity', 'fairness.mae']
        """
        names = DEFAULTS[task] if self.metrics is None else self.metrics
        if len(set(names)) < len(names):
            raise ValueError(f"fairness: metrics {list(names)} names one twice")
        try:
            measures = [measure_of(task, name, costs) for name in names]
        except ValueError as error:
            raise ValueError(f"fairness: metrics: {error}") from None
        return tuple(GroupGap(measure, self.min_group, self.max_gap) for measure in measures)
