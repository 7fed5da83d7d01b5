"""Outgoing requests: only to hosts on the allow-list, never redirected, never for long."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import httpx
from pydantic import AfterValidator

TIMEOUT = 10.0
MOST_READ = 64 * 1024
TOLD = 500
PORTS = {"http": 80, "https": 443}
LAST_PORT = 65535


class EgressError(Exception):
    """The request was refused here, or it failed; the message says which and what to do."""


def destination(url: str) -> tuple[str, str, int]:
    """The scheme, host and port of a URL, as the client that sends the request reads it.

    Raises:
        EgressError: it is no plain http or https address.

    >>> destination("https://Hooks.Example.com/a/b")
    ('https', 'hooks.example.com', 443)
    """
    try:
        parts = httpx.URL(url)
        host = parts.raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, ValueError) as error:
        raise EgressError(f"{url!r} is not an address: {error}") from None
    if parts.userinfo:
        raise EgressError("an address with a user name or password is refused; send a token by token_env")
    if parts.scheme not in PORTS or not host:
        raise EgressError(f"{url!r} is not an http or https address")
    port = parts.port or PORTS[parts.scheme]
    if port > LAST_PORT:
        raise EgressError(f"{url!r} names no port: the last is {LAST_PORT}")
    return parts.scheme, host, port


def _address(url: str) -> str:
    try:
        destination(url)
    except EgressError as error:
        raise ValueError(str(error)) from None
    return url


Address = Annotated[str, AfterValidator(_address)]


class Egress:
    """Sends JSON to allowed hosts.

    Args:
        allowed: host names, or `host:port` to allow one port only; an IPv6 address is `[::1]:port`.

    >>> Egress(["hooks.example.com"]).check("http://10.0.0.1/")
    Traceback (most recent call last):
    ...
    alerts.egress.EgressError: 10.0.0.1 is not on the allow-list; start with --allow-host 10.0.0.1
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = {host.lower() for host in allowed}
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)

    def check(self, url: str) -> str:
        """Refuse a URL that is not plain http(s) to an allowed host; returns where it goes.

        Raises:
            EgressError: it is refused.
        """
        scheme, host, port = destination(url)
        shown = f"[{host}]" if ":" in host else host
        if not {host, shown, f"{shown}:{port}"} & self._allowed:
            raise EgressError(f"{host} is not on the allow-list; start with --allow-host {host}")
        return f"{scheme}://{shown}:{port}"

    def post(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> str:
        """Send `body` as JSON; returns the start of the answer.

        Neither that nor an error repeats what may be secret: the path of the URL, or the token.

        Raises:
            EgressError: it was refused, failed, or was answered with anything but 2xx.
        """
        where = self.check(url)
        plain = {"Accept-Encoding": "identity", **headers}
        try:
            with self._client.stream("POST", url, json=dict(body), headers=plain) as answer:
                text = _start(answer)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            problem = f"{where}: {type(error).__name__}: {error}"
            raise EgressError(_hidden(problem, url, headers)) from None
        told = _hidden(text, url, headers)[:TOLD]
        if not answer.is_success:
            raise EgressError(f"{where}: answered {answer.status_code}: {told[:200]}")
        return told

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()


def _start(answer: httpx.Response) -> str:
    """The first bytes of an answer, if they come in time: it may be endless, or slow."""
    held, until = b"", time.monotonic() + TIMEOUT
    for chunk in answer.iter_raw():
        held += chunk
        if len(held) >= MOST_READ:
            break
        if time.monotonic() > until:
            raise httpx.ReadTimeout(f"the answer took longer than {TIMEOUT:g} s")
    return held[:MOST_READ].decode(errors="replace")


def _hidden(text: str, url: str, headers: Mapping[str, str]) -> str:
    """The text without the token of the request, and without the path of its URL."""
    path = httpx.URL(url).raw_path.decode("ascii", "replace")
    secrets = [headers.get("Authorization", "").removeprefix("Bearer "), path if len(path) > 1 else ""]
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
