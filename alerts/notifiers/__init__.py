"""Who is told: each notifier is a frozen configuration with one method, `send`."""

from typing import Annotated

from pydantic import Field

from alerts.notifiers.console import Console
from alerts.notifiers.notifier import Message, Notifier
from alerts.notifiers.webhook import Webhook

AnyNotifier = Annotated[Console | Webhook, Field(discriminator="kind")]

__all__ = ["AnyNotifier", "Console", "Message", "Notifier", "Webhook"]
