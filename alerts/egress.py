"""Outgoing requests: only to hosts on the allow-list, never redirected, never for long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

TIMEOUT = 10.0


class EgressError(Exception):
    """The request was refused here, or it failed; the message says which and what to do."""


class Egress:
    """Sends JSON to allowed hosts.

    Args:
        allowed: host names, or `host:port` to allow one port only.

    >>> Egress(["hooks.example.com"]).check("http://10.0.0.1/")
    Traceback (most recent call last):
    ...
    alerts.egress.EgressError: 10.0.0.1 is not on the allow-list; start with --allow-host 10.0.0.1
    """

    def __init__(self, allowed: list[str]) -> None:
        self._allowed = {host.lower() for host in allowed}
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False)

    def check(self, url: str) -> None:
        """Refuse a URL that is not plain http(s) to an allowed host.

        Raises:
            EgressError: it is refused.
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        if parts.scheme not in ("http", "https") or not host:
            raise EgressError(f"{url!r} is not an http or https address")
        if host not in self._allowed and f"{host}:{parts.port}" not in self._allowed:
            raise EgressError(f"{host} is not on the allow-list; start with --allow-host {host}")

    def post(self, url: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> str:
        """Send `body` as JSON; returns the start of the answer.

        Raises:
            EgressError: it was refused, failed, or was answered with anything but 2xx.
        """
        self.check(url)
        try:
            answer = self._client.post(url, json=dict(body), headers=dict(headers))
        except httpx.HTTPError as error:
            raise EgressError(f"{url}: {type(error).__name__}: {error}") from error
        if not answer.is_success:
            raise EgressError(f"{url}: answered {answer.status_code}: {answer.text[:200]}")
        return answer.text[:500]

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()
