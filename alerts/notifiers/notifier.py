"""What every notifier is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from alerts.egress import Egress


class Message(BaseModel):
    """What a person is told. `id` is the same on every attempt: receivers can drop repeats."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: Literal["opened", "updated", "resolved", "escalated"]
    model: str
    incident: int
    severity: str
    title: str
    text: str
    at: str
    url: str
    evidence: list[dict[str, Any]]


class Notifier(BaseModel, ABC):
    """Sends messages somewhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def send(self, message: Message, egress: Egress) -> None:
        """Deliver one message.

        Raises:
            EgressError: it was not delivered; it will be tried again.
        """
