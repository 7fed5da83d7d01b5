"""From a request's body to events. Nothing here knows a monitor."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

KINDS = {"predictions": "prediction", "labels": "label", "deployments": "deployment"}
DEEPEST = 64


class BadBodyError(ValueError):
    """The body as a whole cannot be read; `fix` says what to send instead."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.fix = fix


def loads(body: bytes) -> Any:
    """Parse JSON, NaN included: the row that holds it is told later, and the other rows go on.

    Raises:
        BadBodyError: it is not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return json.loads(body)
    except UnicodeDecodeError as error:
        raise BadBodyError(
            f"the body is not UTF-8: {error.reason} at byte {error.start}", "send UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadBodyError(f"invalid JSON: {error.msg} at {where}", "send one JSON document") from None
    except RecursionError:
        raise BadBodyError("invalid JSON: nested too deeply", f"nest at most {DEEPEST} levels") from None


def events_of_json(body: bytes, group: str) -> list[Any]:
    """The events of a JSON body: one object, an array, or an envelope with defaults.

    Args:
        body: UTF-8 JSON.
        group: `predictions`, `labels`, `deployments` or `events`: where it was posted, and the key of the
            list in an envelope such as `{"model": "m", "version": "v1", "predictions": [...]}`.

    Raises:
        BadBodyError: it is not JSON, or no event.

    >>> events_of_json(b'{"model": "m", "labels": [{"id": "1"}]}', "labels")
    [{'model': 'm', 'id': '1'}]
    """
    document = loads(body)
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise BadBodyError(
            f"expected an object or an array, got {type(document).__name__}", "send an array of events"
        )
    if group not in document:
        return [document]
    defaults = {key: value for key, value in document.items() if key != group}
    rows = document[group]
    if not isinstance(rows, list):
        raise BadBodyError(
            f"{group}: expected an array, got {type(rows).__name__}", f"send {group} as an array"
        )
    return [defaults | row if isinstance(row, dict) else row for row in rows]


def events_of_ndjson(body: bytes) -> list[Any]:
    """The events of an NDJSON body; a line that is not JSON becomes the `BadBodyError` that it raises."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    decode: Callable[[bytes], Any] = msgspec.json.Decoder().decode
    try:
        return [decode(line) for line in lines]
    except (msgspec.DecodeError, RecursionError):
        return [_line(line) for line in lines]


def _line(line: bytes) -> Any:
    try:
        return loads(line)
    except BadBodyError as error:
        return error
