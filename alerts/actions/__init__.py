"""What is done about it: each action is a frozen configuration with one method, `execute`."""

from typing import Annotated

from pydantic import Field

from alerts.actions.action import Action, Order
from alerts.actions.rollback_webhook import RollbackWebhook

AnyAction = Annotated[RollbackWebhook, Field()]

__all__ = ["Action", "AnyAction", "Order", "RollbackWebhook"]
