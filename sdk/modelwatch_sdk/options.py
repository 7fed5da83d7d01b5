"""What a `Monitor` can be told, checked without ever raising."""

from __future__ import annotations

import os
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from modelwatch_sdk.report import Complaints

ENDPOINT = "http://127.0.0.1:8700"
MAX_QUEUE = 100_000
BATCH_SIZE = 1000
FLUSH_INTERVAL = 0.5
TIMEOUT = 10.0
SPOOL_LIMIT = 1 << 30


@dataclass(frozen=True)
class Options:
    """Checked options; `Monitor` explains them."""

    model: str
    endpoint: str = field(default=ENDPOINT, repr=False)  # it may hold a password
    token: str | None = field(default=None, repr=False)
    max_queue: int = MAX_QUEUE
    batch_size: int = BATCH_SIZE
    flush_interval: float = FLUSH_INTERVAL
    timeout: float = TIMEOUT
    spool: Path | None = None
    spool_limit: int = SPOOL_LIMIT


class Address(NamedTuple):
    """Where an endpoint is."""

    secure: bool
    host: str
    port: int | None
    prefix: str


def parse_endpoint(endpoint: str) -> Address:
    """Splits a base URL.

    Raises:
        ValueError: It is not an http or https URL.

    >>> parse_endpoint("https://watch.example/team/")
    Address(secure=True, host='watch.example', port=None, prefix='/team')
    """
    wrong = "endpoint must look like http://host:8700 or https://host"
    try:
        url = urllib.parse.urlsplit(str(endpoint))
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"{wrong}: {error}") from error
    prefix = url.path.rstrip("/")
    if (
        url.scheme not in ("http", "https")
        or not host
        or not f"{host}{prefix}".isprintable()
        or " " in host + prefix
    ):
        raise ValueError(wrong)  # without the value: it may hold a password
    return Address(url.scheme == "https", host, port, prefix)


def checked(complaints: Complaints, model: Any, given: dict[str, Any]) -> Options:
    """Reads a `Monitor`'s arguments; a bad one is reported and replaced by its default.

    >>> checked(Complaints(), "flights", {"max_queue": 10, "endpoint": "http://host"}).max_queue
    10
    """
    if not isinstance(model, str) or not model:
        complaints.report("option", f"Monitor(model=...) must be a name, not {type(model).__name__}")
        model = "unnamed"
    endpoint = given.get("endpoint", ENDPOINT)
    try:
        parse_endpoint(endpoint)
    except Exception as error:  # noqa: BLE001 - whatever was passed: nothing may be raised into the app
        complaints.report("option", f"{error}; nothing can be sent")
        endpoint = ""
    return Options(
        model=model,
        endpoint=endpoint,
        token=_token(complaints, given.get("token")),
        max_queue=int(_number(complaints, given, "max_queue", MAX_QUEUE, 1)),
        batch_size=int(_number(complaints, given, "batch_size", BATCH_SIZE, 1)),
        flush_interval=_number(complaints, given, "flush_interval", FLUSH_INTERVAL, 0.0),
        timeout=_number(complaints, given, "timeout", TIMEOUT, 0.001),
        spool=_folder(complaints, given.get("spool")),
        spool_limit=int(_number(complaints, given, "spool_limit", SPOOL_LIMIT, 0)),
    )


def _number(complaints: Complaints, given: dict[str, Any], name: str, default: float, least: float) -> float:
    value = given.get(name, default)
    if isinstance(value, (int, float)) and least <= value < float("inf"):
        return value
    complaints.report(
        "option", f"{name} must be a number of at least {least}, not {value!r:.50}; using {default}"
    )
    return default


def _token(complaints: Complaints, token: Any) -> str | None:
    token = os.environ.get("MODELWATCH_TOKEN") if token is None else token
    if token is None:
        return None
    plain = token.strip() if isinstance(token, str) else ""  # files of secrets end with a newline
    if not plain or not plain.isascii() or not plain.isprintable():
        complaints.report("option", "token must be printable ASCII; sending none")
        return None
    return plain


def _folder(complaints: Complaints, spool: Any) -> Path | None:
    if spool is None:
        return None
    try:
        return Path(spool).absolute()
    except (TypeError, ValueError, OSError) as error:
        complaints.report("option", f"spool must be a folder: {error}; spooling is off")
        return None
