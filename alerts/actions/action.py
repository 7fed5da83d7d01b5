"""What every action is, and the guard-rails that all of them have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from alerts.egress import Egress
from detectors import Duration


class Verify(BaseModel):
    """When an action counts as successful: the signals that led to it are ok again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    windows: int = Field(default=2, ge=1, description="So many windows in a row must be ok.")
    within: Duration = Field(default=timedelta(days=7), description="Event time; after it, escalate.")


class Order(BaseModel):
    """What an action is to do. `id` is the same on every attempt."""

    model_config = ConfigDict(frozen=True)

    id: str
    model: str
    from_version: str
    to_version: str
    incident: int
    reason: str


class Action(BaseModel, ABC):
    """Acts on the outside world, within its guard-rails."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cooldown: Duration = Field(
        default=timedelta(days=1), description="At most one per model in this event time."
    )
    dry_run: bool = Field(default=False, description="Decide and record, but do not act.")
    approval: bool = Field(default=False, description="Wait until a person approves.")
    verify: Verify = Verify()

    @abstractmethod
    def execute(self, order: Order, egress: Egress) -> str:
        """Do it, and return what the other side said. May be called again with the same order after a crash.

        Raises:
            EgressError: it failed; it will be tried again a few times.
        """
