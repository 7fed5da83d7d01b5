"""Serialises events on the background threads, and drops what cannot be."""

from __future__ import annotations

from collections.abc import Iterable

from modelwatch_sdk import wire
from modelwatch_sdk.ledger import Ledger


def encode_all(events: Iterable[wire.Event], ledger: Ledger) -> list[bytes]:
    """Writes events as lines; one without a JSON form is dropped, counted and reported.

    >>> from modelwatch_sdk.report import Complaints
    >>> ledger = Ledger(Complaints())
    >>> encode_all([wire.Label("flights", "1", object(), 0.0)], ledger), ledger.dropped
    ([], 1)
    """
    lines = (_encode(event, ledger) for event in events)
    return [line for line in lines if line is not None]


def _encode(event: wire.Event, ledger: Ledger) -> bytes | None:
    try:
        return wire.encode(event)
    except Exception as error:  # noqa: BLE001 - the app's own objects may raise anything
        ledger.drop(1)
        ledger.complaints.report("event", f"an event cannot be logged: {error}")
        return None
