"""Who may talk to the service."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = ("/healthz",)


def guard(application: FastAPI, token: str | None, url: str) -> None:
    """Let only those in who present the token; without one, only those who call this machine by its name.

    Args:
        application: what is guarded.
        token: what clients must present; None for no authentication (loopback only).
        url: where the pages are.
    """
    if token is not None:
        application.add_middleware(TokenGuard, token=token)
        return
    # a page elsewhere could point its own name at this machine, and read or send through a browser
    hosts = ["localhost", "127.0.0.1", urlsplit(url).hostname or "localhost"]
    application.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's alone.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class TokenGuard:
    """Lets requests pass that present the token: as a bearer token, or as a browser's password."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS or self._allowed(scope):
            await self._app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": 'Basic realm="modelwatch"'}
        answer = PlainTextResponse("Send the token: Authorization: Bearer <token>\n", 401, headers=headers)
        await answer(scope, receive, send)

    def _allowed(self, scope: Scope) -> bool:
        given: bytes = dict(scope["headers"]).get(b"authorization", b"")
        scheme, _, credentials = given.partition(b" ")
        if scheme.lower() == b"basic":
            try:
                credentials = base64.b64decode(credentials, validate=True).partition(b":")[2]
            except ValueError:
                return False
        elif scheme.lower() != b"bearer":
            return False
        return hmac.compare_digest(credentials, self._token)
