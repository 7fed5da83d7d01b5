"""Any HTTP endpoint that takes JSON."""

from __future__ import annotations

from typing import Literal

from alerts.egress import Address, Egress
from alerts.notifiers.notifier import Message, Notifier
from alerts.secret import bearer


class Webhook(Notifier):
    """Posts messages as JSON. Delivery is at least once; the header `Idempotency-Key` tells repeats."""

    kind: Literal["webhook"] = "webhook"
    url: Address
    token_env: str | None = None

    def send(self, message: Message, egress: Egress) -> None:
        """Post the message."""
        headers = {"Idempotency-Key": message.id, **bearer(self.token_env)}
        egress.post(self.url, message.model_dump(), headers)
