"""The serving app: predictions, outcomes and releases over HTTP, and the hook for Modelwatch's rollbacks."""

from __future__ import annotations

import argparse
import asyncio
import hmac
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from modelwatch_sdk import Monitor

from examples.flights.features import PREPARE
from examples.flights.model import Model
from examples.flights.serving import NAME, Serving
from examples.flights.wire import Deploy, Flight, Outcome, Rollback

TOKEN = "FLIGHTS_HOOK_TOKEN"  # noqa: S105 - the name of the variable, not its content
FIRST = "v1"
SWITCH_SECONDS = 1e-4  # Python lets the SDK's sending thread run for 5 ms: many times what a prediction takes
router = APIRouter()


async def _serving(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


async def _with_room(serving: Annotated[Serving, Depends(_serving)]) -> Serving:
    if not await serving.has_room():
        why = "the collector does not keep up; nothing was taken, try again"
        raise HTTPException(503, why, headers={"Retry-After": "1"})
    return serving


async def _authorized(request: Request, authorization: Annotated[str, Header()] = "") -> None:
    expected = f"Bearer {request.app.state.token}"
    if not hmac.compare_digest(authorization.encode(), expected.encode()):
        raise HTTPException(401, f"the token is wrong or missing; it is in {TOKEN}")


Current = Annotated[Serving, Depends(_serving)]
Roomy = Annotated[Serving, Depends(_with_room)]


@router.post("/predict")
async def predict(flights: list[Flight], serving: Roomy) -> dict[str, Any]:
    """Scores flights, each by itself."""
    return {"version": serving.version, "scores": [serving.predict(flight) for flight in flights]}


@router.post("/outcomes")
async def outcomes(landed: list[Outcome], serving: Roomy) -> dict[str, int]:
    """Takes the labels of flights that have landed."""
    for one in landed:
        serving.monitor.label(one.prediction_id, one.label, timestamp=one.label_ts)
    return {"taken": len(landed)}


@router.post("/deploy")
async def deploy(release: Deploy, serving: Current) -> dict[str, str]:
    """Switches to another version, as the release pipeline would."""
    return serving.switch(release.version, "release pipeline", release.reason, release.at)


@router.post("/rollback", dependencies=[Depends(_authorized)])
async def rollback(
    order: Rollback, serving: Current, idempotency_key: Annotated[str, Header()]
) -> dict[str, str]:
    """Switches back on Modelwatch's order; the same key is obeyed once."""
    return serving.roll_back(order, idempotency_key)


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Says that the app serves."""
    return {"status": "ok"}


@router.get("/version")
async def version(serving: Current) -> dict[str, Any]:
    """Says which version serves, at which event time, and what became of the logged events."""
    return {"version": serving.version, "now": serving.now, "sdk": serving.monitor.stats()._asdict()}


def create_app(serving: Serving, token: str) -> FastAPI:
    """The app; rollbacks need the token."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(serving.monitor.close, 10.0)

    app = FastAPI(title="Will it be late?", lifespan=lifespan)
    app.state.serving, app.state.token = serving, token
    app.include_router(router)
    return app


def main() -> None:
    """Runs the app until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m examples.flights.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=8710)
    parser.add_argument("--models", type=Path, required=True, help="the folder that training wrote")
    parser.add_argument("--monitor", default="http://127.0.0.1:8700", help="Modelwatch's address")
    given = parser.parse_args()
    token = os.environ.get(TOKEN)
    if not token:
        parser.error(f"set {TOKEN}: the rollback hook must not be open to everybody")
    sys.setswitchinterval(SWITCH_SECONDS)
    models = {version: Model.load(given.models, version) for version in PREPARE}
    serving = Serving(models, Monitor(NAME, version=FIRST, endpoint=given.monitor), FIRST)
    uvicorn.run(
        create_app(serving, token), host="127.0.0.1", port=given.port, log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
