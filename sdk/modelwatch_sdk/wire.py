"""The wire event: what goes to the collector, and what it answers.

Everything goes, in the order in which it was logged, to ``POST {endpoint}/v1/events`` as
``application/x-ndjson``: one JSON object a line, without the keys whose value is None.
What comes back is in `modelwatch_sdk.answer`.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Union

from modelwatch_sdk.values import cleaned, epoch, native

PATH = "/v1/events"
CONTENT_TYPE = "application/x-ndjson"
IDEMPOTENCY_KEY = "Idempotency-Key"
"""The header that is the same on every retry of a batch: the collector applies a key once."""
PRODUCER = "Modelwatch-Producer"
"""The header that names the process: host-pid-random."""
DROPPED = "Modelwatch-Dropped"
"""The header with the number of events that this process has dropped so far."""


class Prediction(NamedTuple):
    """One prediction, as it was served; the fields are the wire's keys."""

    model: str
    version: Any
    id: str
    timestamp: Any
    """Epoch seconds or a datetime; epoch seconds on the wire."""
    features: dict[Any, Any]
    prediction: Any
    score: Any
    latency_ms: Any
    """Milliseconds."""
    status: Any
    """An HTTP code, or "ok" or anything else."""
    tags: dict[Any, Any] | None
    scores: dict[Any, Any] | None = None
    """The probability of each class, where there are several."""


class Label(NamedTuple):
    """The truth about a prediction, known later."""

    model: str
    id: str
    label: Any
    timestamp: Any
    """When the label became known; as in `Prediction`."""


class Deployment(NamedTuple):
    """From now on, this version serves."""

    model: str
    version: Any
    by: Any
    reason: Any
    timestamp: Any


Event = Union[Prediction, Label, Deployment]

_KINDS: dict[type, str] = {Prediction: "prediction", Label: "label", Deployment: "deployment"}


class WireError(ValueError):
    """An event has no form on the wire; the message names the field."""


def _default(value: Any) -> Any:
    plain = native(value)
    if plain is None:
        raise ValueError("missing: the careful path knows whether to write null or to leave the key out")
    return plain


_encode = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_default).encode


def encode(event: Event) -> bytes:
    r"""Writes one event as one line.

    Raises:
        WireError: A value has no JSON form.

    >>> encode(Label("flights", "42", True, 1700000000))
    b'{"kind":"label","model":"flights","id":"42","label":true,"timestamp":1700000000.0}\n'
    """
    given = {field: value for field, value in zip(event._fields, event) if value is not None}
    row: dict[str, Any] = {"kind": _KINDS[type(event)], **given}
    try:
        row["timestamp"] = epoch(event.timestamp)
    except Exception as error:
        raise WireError(str(error)) from error
    try:
        line = _encode(row)
    except (TypeError, ValueError, RecursionError):  # a NaN, an odd key, or worse
        line = _encode_carefully(row)
    return line.encode() + b"\n"


def _encode_carefully(row: dict[str, Any]) -> str:
    try:
        plain = {field: cleaned(value) for field, value in row.items()}
        return _encode({field: value for field, value in plain.items() if value is not None})
    except Exception as error:
        raise WireError(_blame(row, str(error))) from error


def _blame(row: dict[str, Any], otherwise: str) -> str:
    """Finds the field that has no form on the wire."""
    parts = {field: value for field, value in row.items() if not isinstance(value, dict)}
    for field, value in row.items():
        if isinstance(value, dict):
            parts.update({f"{field}[{key!r}]": item for key, item in value.items()})
    troubles = (f"{name}: {trouble}" for name, part in parts.items() if (trouble := _trouble(part)))
    return next(troubles, otherwise)


def _trouble(value: Any) -> str | None:
    try:
        _encode(cleaned(value))
    except Exception as error:  # noqa: BLE001 - the app's own objects may raise anything
        return str(error)
    return None
