"""The serving app as the replay sees it."""

from __future__ import annotations

import json
import time
from datetime import datetime

import httpx

PATIENCE = 30.0
BUSY = 503


class ReplayError(RuntimeError):
    """The app does not take what it is sent."""


def deploy(app: httpx.Client, version: str, at: datetime, reason: str) -> str:
    """Releases a version at an event time; returns the version that serves now."""
    body = json.dumps({"version": version, "at": at.isoformat(), "reason": reason})
    return str(send(app, "/deploy", body).json()["version"])


def send(app: httpx.Client, path: str, body: str) -> httpx.Response:
    """Posts JSON until it is taken. Repeating is safe: the ids are the same.

    Raises:
        ReplayError: it is refused, or not taken for a long time.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            answer = app.post(path, content=body, headers={"Content-Type": "application/json"})
        except httpx.TransportError as error:
            problem = f"the serving app does not answer at {app.base_url}: {error}"
        else:
            if answer.is_success:
                return answer
            problem = f"{path} answered {answer.status_code}: {answer.text[:300]}"
            if answer.status_code != BUSY:
                raise ReplayError(problem)
        if time.monotonic() > deadline:
            raise ReplayError(problem)
        time.sleep(0.1)
