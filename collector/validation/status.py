"""How a request ended, from what a log calls its status: an HTTP code, a gRPC code's name, or another word.

Whether it failed is told by the code alone: from 400 on, or below 100. Of words only `ok` and `success` are
good. The class follows HTTP (RFC 9110); gRPC's codes have the HTTP status that google.rpc.Code gives them.
"""

from __future__ import annotations

from http import HTTPStatus

import numpy as np

from profiles import Status
from profiles.counts import Floats, Ints

HTTP_GOOD, HTTP_END = range(100, 400), 600
HTTP_CLASSES = {
    range(400, 500): Status.CLIENT,
    range(500, 600): Status.SERVER,
    range(408, 409): Status.TIMEOUT,
    range(504, 505): Status.TIMEOUT,
    range(524, 525): Status.TIMEOUT,
    range(429, 430): Status.THROTTLED,
}
GRPC_AS_HTTP = {
    "cancelled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "data_loss": 500,
}
OTHER_WORDS = {
    "timeout": 504,
    "timed_out": 504,
    "throttled": 429,
    "rate_limited": 429,
    "canceled": 499,
    "client_error": 400,
    "4xx": 400,
    "server_error": 500,
    "5xx": 500,
}


def _bare(word: str) -> str:
    """A word without case and separators: `TooManyRequests` is `too_many_requests`."""
    return "".join(filter(str.isalnum, word.lower()))


def _http_classes() -> Floats:
    """By code; the last place stands for all codes beyond it."""
    table = np.full(HTTP_END + 1, Status.OTHER, np.float64)
    table[HTTP_GOOD.start : HTTP_GOOD.stop] = Status.OK
    for codes, status in HTTP_CLASSES.items():
        table[codes.start : codes.stop] = status
    return table


BY_CODE = _http_classes()
BY_WORD = {
    _bare(word): code
    for words in ({one.name: one for one in HTTPStatus if one not in HTTP_GOOD}, GRPC_AS_HTTP, OTHER_WORDS)
    for word, code in words.items()
}


def classes_of_codes(codes: Ints) -> Floats:
    """The `Status` of HTTP codes, shape (n,).

    >>> classes_of_codes(np.array([200, 404, 429, 503, 504, 99, 999])).tolist()
    [0.0, 2.0, 3.0, 4.0, 5.0, 1.0, 1.0]
    """
    return BY_CODE.take(codes, mode="clip")


def class_of_word(word: str) -> Status:
    """The `Status` of a word; separators and case do not count.

    >>> [class_of_word(word).name for word in ("OK", "503", "DeadlineExceeded", "Too Many Requests", "oops")]
    ['OK', 'SERVER', 'TIMEOUT', 'THROTTLED', 'OTHER']
    """
    if word.lower() in {"ok", "success"}:
        return Status.OK
    code = int(word) if word.isascii() and word.isdigit() else BY_WORD.get(_bare(word))
    return Status.OTHER if code is None else Status(int(BY_CODE[min(code, HTTP_END)]))
