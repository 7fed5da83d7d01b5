"""The terminal that the service runs in."""

from __future__ import annotations

from typing import Literal

from rich.console import Console as Terminal
from rich.markup import escape

from alerts.egress import Egress
from alerts.notifiers.notifier import Message, Notifier

STYLES = {"opened": "bold red", "updated": "yellow", "escalated": "bold magenta", "resolved": "bold green"}


class Console(Notifier):
    """Prints messages on standard error."""

    kind: Literal["console"] = "console"

    def send(self, message: Message, egress: Egress) -> None:  # noqa: ARG002 - nothing leaves the machine
        """Print the message."""
        style = STYLES[message.kind]
        head = f"[{style}]{message.kind.upper()}[/] [{message.severity}] {escape(message.title)}"
        Terminal(stderr=True).print(
            f"{head} ({message.at})\n  {escape(message.text)}\n  {message.url}", highlight=False
        )
