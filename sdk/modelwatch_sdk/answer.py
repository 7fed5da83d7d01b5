"""What the collector's answers mean.

It answers 200 with a `Receipt`, as a JSON object; 422 with the same object when it rejected every row.
"""

from __future__ import annotations

import enum
import json
from http import HTTPStatus
from typing import NamedTuple

from modelwatch_sdk.transport import Reply


class Receipt(NamedTuple):
    """The collector's answer: how many rows it accepted, knew already, and rejected for good."""

    accepted: int
    duplicate: int
    rejected: int
    first_error: str | None


def parse_receipt(body: bytes) -> Receipt | None:
    """Reads the collector's answer.

    Returns:
        None when the body is not a collector's answer.

    >>> parse_receipt(b'{"accepted": 1, "duplicate": 0, "rejected": 1, "errors": [{"row": 1}]}')
    Receipt(accepted=1, duplicate=0, rejected=1, first_error='row=1')
    >>> parse_receipt(b"<html>") is None
    True
    """
    try:
        answer = json.loads(body)
        counts = [answer[key] for key in ("accepted", "duplicate", "rejected")]
        errors = answer.get("errors") or []
        first = " ".join(f"{key}={value}" for key, value in errors[0].items()) if errors else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    if not all(type(count) is int and count >= 0 for count in counts):
        return None
    return Receipt(counts[0], counts[1], counts[2], first)


class Meaning(enum.Enum):
    """What to do about an answer."""

    RECEIPT = "settle the batch"
    TOO_LARGE = "split the batch"
    REFUSED = "give the batch up"
    LATER = "send the batch again"


_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_UNAUTHORIZED = (
    "it does not know the token: set MODELWATCH_TOKEN, or Monitor(token=...), to one of its tokens"
)


def interpret(reply: Reply) -> tuple[Meaning, Receipt | None, str]:
    """Says what an answer means.

    Returns:
        What to do, the receipt if there is one, and an explanation for people.

    >>> interpret(Reply(503, b"busy"))
    (<Meaning.LATER: 'send the batch again'>, None, 'it answered 503: busy')
    """
    status = reply.status
    text = reply.body[:200].decode("utf-8", "replace")
    if status in (HTTPStatus.OK, HTTPStatus.UNPROCESSABLE_ENTITY):
        receipt = parse_receipt(reply.body)
        if receipt is not None:
            return Meaning.RECEIPT, receipt, ""
    meaning, why = Meaning.LATER, f"it answered {status}: {text}"
    if status == 0:
        why = f"it did not answer: {text}"
    elif status < HTTPStatus.BAD_REQUEST:
        # Some other server, a login page, a redirect: nothing is known to have been stored.
        why = f"it answered {status}, but not as a collector does: is the endpoint right?"
    elif status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        meaning = Meaning.TOO_LARGE
    elif status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _LATER:
        meaning = Meaning.REFUSED
        why = _UNAUTHORIZED if status == HTTPStatus.UNAUTHORIZED else why
    return meaning, None, why
