"""What pages load: our style and script, and plotly.js out of the installed plotly package."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from fastapi import APIRouter, Request, Response

FOREVER = "public, max-age=31536000, immutable"  # the address holds a hash of the content
AN_HOUR = "public, max-age=3600"
HERE = Path(__file__).parent / "static"


@dataclass(frozen=True)
class Asset:
    """A file, its content type, and where it comes from."""

    name: str
    media_type: str
    source: Callable[[], Traversable]


ASSETS = {
    asset.name: asset
    for asset in (
        Asset("style.css", "text/css; charset=utf-8", lambda: HERE / "style.css"),
        Asset("page.js", "text/javascript; charset=utf-8", lambda: HERE / "page.js"),
        Asset("charts.js", "text/javascript; charset=utf-8", lambda: HERE / "charts.js"),
        Asset("icon.svg", "image/svg+xml", lambda: HERE / "icon.svg"),
        Asset(
            "plotly.min.js",
            "text/javascript; charset=utf-8",
            lambda: files("plotly") / "package_data" / "plotly.min.js",
        ),
    )
}


@cache
def _content(name: str) -> tuple[bytes, bytes, str]:
    """The content, the same compressed, and a hash of it."""
    plain = ASSETS[name].source().read_bytes()
    return plain, gzip.compress(plain, 6, mtime=0), hashlib.sha256(plain).hexdigest()[:12]


def address(name: str) -> str:
    """The address of an asset, which changes with its content."""
    return f"/static/{name}?v={_content(name)[2]}"


def routes(route_class: type) -> APIRouter:
    """The routes of all assets, and the icon that browsers ask for unasked."""
    router = APIRouter(route_class=route_class, include_in_schema=False)

    @router.get("/static/{name}")
    def static(name: str, request: Request, v: str = "") -> Response:
        if name not in ASSETS:
            return Response("There is no such file\n", 404, media_type="text/plain")
        plain, packed, digest = _content(name)
        headers = {"Cache-Control": FOREVER if v == digest else AN_HOUR, "Vary": "Accept-Encoding"}
        small = "gzip" in request.headers.get("accept-encoding", "")
        if small:
            headers["Content-Encoding"] = "gzip"
        return Response(packed if small else plain, media_type=ASSETS[name].media_type, headers=headers)

    @router.get("/favicon.ico")
    def icon() -> Response:
        return Response(
            _content("icon.svg")[0], media_type="image/svg+xml", headers={"Cache-Control": AN_HOUR}
        )

    return router
