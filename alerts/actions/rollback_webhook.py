"""Rollback through a hook of the serving app."""

from __future__ import annotations

from typing import Literal

from alerts.actions.action import Action, Order
from alerts.egress import Address, Egress
from alerts.secret import bearer


class RollbackWebhook(Action):
    """Asks the serving app to go back to the version before the suspected deployment.

    The app must take a repeated request with the same `Idempotency-Key` as one.
    """

    kind: Literal["rollback_webhook"] = "rollback_webhook"
    url: Address
    token_env: str | None = None

    def execute(self, order: Order, egress: Egress) -> str:
        """Post the order."""
        headers = {"Idempotency-Key": order.id, **bearer(self.token_env)}
        return egress.post(self.url, {"action": "rollback", **order.model_dump()}, headers)
