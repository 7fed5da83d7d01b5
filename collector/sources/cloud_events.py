"""CloudEvents over HTTP, binary, structured or in batches: attributes, and a body that is not read yet."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from collector.validation.columns import named
from collector.validation.decode import BadBodyError, event_of_line

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
PREFIX = "ce-"
DATA = ("data", "data_base64")


@dataclass(frozen=True)
class CloudEvent:
    """An event: its attributes and extensions in lower case, and its data."""

    attributes: Mapping[str, str]
    data: bytes


def events_of(headers: Mapping[str, str], body: bytes) -> list[CloudEvent]:
    """The events of a request.

    Args:
        headers: of the request, in lower case.
        body: of the request.

    >>> events_of({"ce-id": "7", "accept": "*/*"}, b"{}")
    [CloudEvent(attributes={'id': '7'}, data=b'{}')]

    Raises:
        BadBodyError: the body should hold events in structured mode, and does not.
    """
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in (STRUCTURED, BATCH):
        given = {name.removeprefix(PREFIX): text for name, text in headers.items() if name.startswith(PREFIX)}
        return [CloudEvent(given, body)]
    document = event_of_line(body)
    if isinstance(document, BadBodyError):
        raise document
    rows = document if kind == BATCH else [document]
    if not isinstance(rows, list):
        raise BadBodyError(f"expected an array of events, got {named(rows)}", f"send it as {STRUCTURED}")
    return [_structured(row) for row in rows]


def _structured(row: Any) -> CloudEvent:
    if not isinstance(row, dict):
        raise BadBodyError(f"expected an event, got {named(row)}", "send a CloudEvent as a JSON object")
    given = {name.lower(): value for name, value in row.items() if name not in DATA}
    attributes = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in given.items()
        if value is not None
    }
    return CloudEvent(attributes, _data(row))


def _data(row: dict[str, Any]) -> bytes:
    encoded = row.get("data_base64")
    if encoded is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise BadBodyError("data_base64 is not base64", "encode the data, or send it as data") from None
    data = row.get("data")
    # some senders put the JSON into a text
    return data.encode(errors="replace") if isinstance(data, str) else msgspec.json.encode(data)
