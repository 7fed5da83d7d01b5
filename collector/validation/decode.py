"""From a request's body to events. Nothing here knows a monitor."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from collector.validation.columns import named

KINDS = {"predictions": "prediction", "labels": "label", "deployments": "deployment"}


class BadBodyError(ValueError):
    """A body, or a line of it, cannot be read; `fix` says what to send instead, `raw` is the line."""

    def __init__(self, reason: str, fix: str, raw: str = "") -> None:
        super().__init__(reason)
        self.fix, self.raw = fix, raw


def loads(body: bytes) -> tuple[Any, bool]:
    """Parse JSON, NaN included: the row that holds it is told later, and the other rows go on.

    Returns:
        The value, and whether it is strict JSON; if not, see `_storable`.

    Raises:
        BadBodyError: it is not JSON.
    """
    if not body.strip():
        raise BadBodyError("the body is empty", "send at least one event")
    try:
        return msgspec.json.decode(body), True
    except (ValueError, RecursionError):  # msgspec raises UnicodeDecodeError too
        pass
    try:
        return json.loads(body.decode()), False
    except UnicodeDecodeError as error:
        raise BadBodyError(
            f"the body is not UTF-8: {error.reason} at byte {error.start}", "send UTF-8"
        ) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadBodyError(f"invalid JSON: {error.msg} at {where}", "send one JSON document") from None
    except RecursionError:
        raise BadBodyError("invalid JSON: nested too deeply", "nest lists and objects less deeply") from None
    except ValueError:  # Python's own limit on the digits of an integer
        raise BadBodyError("invalid JSON: a number has thousands of digits", "send a shorter one") from None


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
    document, strict = loads(body)
    rows = _rows(document, group)
    return rows if strict else [_storable(row) for row in rows]


def _rows(document: Any, group: str) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict):
        raise BadBodyError(
            f"expected an object or an array, got {named(document)}", "send an array of events"
        )
    if group not in document:
        return [document]
    defaults = {key: value for key, value in document.items() if key != group}
    rows = document[group]
    if not isinstance(rows, list):
        raise BadBodyError(f"{group}: expected an array, got {named(rows)}", f"send {group} as an array")
    return [defaults | row if isinstance(row, dict) else row for row in rows]


def lines_of_ndjson(body: bytes) -> list[bytes]:
    """The lines of an NDJSON body.

    Raises:
        BadBodyError: there are none.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines:
        raise BadBodyError("the body is empty", "send at least one event")
    return lines


def lines_of_json(body: bytes) -> list[bytes] | None:
    """The events of a JSON array, each as its JSON; None where the body is something else."""
    try:
        return list(map(bytes, RAW(body)))
    except (ValueError, RecursionError):
        return None


RAW: Callable[[bytes], list[Any]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
DECODE: Callable[[bytes], Any] = msgspec.json.Decoder().decode


def event_of_line(line: bytes) -> Any:
    """The event of one line; where it is not JSON, the `BadBodyError` that says why."""
    try:
        return DECODE(line)
    except (ValueError, RecursionError):
        pass
    try:
        return _storable(loads(line)[0])
    except BadBodyError as error:
        return BadBodyError(str(error), error.fix, line.decode(errors="replace"))


def _storable(row: Any) -> Any:
    """The row, unless a text in it is no Unicode: JSON can say half a surrogate pair, UTF-8 cannot."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return BadBodyError("a text holds half a surrogate pair", "send well-formed Unicode", json.dumps(row))
    except RecursionError:
        return BadBodyError("nested too deeply", "nest lists and objects less deeply")
    return row
