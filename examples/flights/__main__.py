"""The whole job on real data: train, serve, watch, release a fault, notice, roll back, verify.

Ctrl-C stops it. MODELWATCH_DEMO_HEADLESS=1 makes it exit by itself: 0 when everything happened that had to.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
import webbrowser
from contextlib import ExitStack
from types import FrameType

import httpx
from rich.console import Console
from rich.markup import escape

from examples.flights import dates, replay
from examples.flights.children import HOST, STOPPING, Children, DemoError, free_port
from examples.flights.client import ReplayError
from examples.flights.data import events
from examples.flights.pager import Pager
from examples.flights.serve import TOKEN
from examples.flights.summary import Result, show
from examples.flights.workplace import PORTS, Ports, Workplace

SETTLE_SECONDS = 60.0
HEADLESS = os.environ.get("MODELWATCH_DEMO_HEADLESS", "") not in ("", "0")
INTERRUPTED = 130


def start(children: Children, work: Workplace, ports: Ports, console: Console) -> None:
    """Trains, then starts Modelwatch and the serving app, and waits until both answer."""
    with console.status("starting") as status:
        training = children.start(
            "training", "examples.flights.train", "--cache", str(work.cache), "--out", str(work.models)
        )
        children.finished(training, lambda line: status.update(f"{line} (once; kept for the next time)"))
        status.update("starting Modelwatch and the serving app")
        address = f"http://{HOST}:{ports['modelwatch']}"
        options = ["--data", str(work.data), "--port", str(ports["modelwatch"]), "--allow-host", HOST]
        monitor = str(work.configure(ports))
        service = children.start("modelwatch", "modelwatch", "serve", "--monitor", monitor, *options)
        options = ["--port", str(ports["app"]), "--models", str(work.models), "--monitor", address]
        app = children.start("serving app", "examples.flights.serve", *options)
        children.ready(service, f"{address}/healthz")
        children.ready(app, f"http://{HOST}:{ports['app']}/healthz")


def ask(ports: Ports, pager: Pager) -> Result:
    """What the service and the app say now."""
    with httpx.Client(timeout=20.0, trust_env=False) as client:
        status = client.get(f"http://{HOST}:{ports['modelwatch']}/v1/status").raise_for_status().json()
        app = client.get(f"http://{HOST}:{ports['app']}/version").raise_for_status().json()
    return Result(status, list(pager.messages), app, dates.RELEASE)


def conclude(children: Children, ports: Ports, pager: Pager, console: Console) -> bool:
    """Waits until all has happened and nothing more does, or for long enough, and prints what has."""
    deadline = time.monotonic() + SETTLE_SECONDS
    before, now = None, ask(ports, pager)
    with console.status("waiting for the incident to close"):
        while not (now == before and now.settled()) and time.monotonic() < deadline:
            children.check()
            time.sleep(1.0)
            before, now = now, ask(ports, pager)
    return show(now, console)


def stay(children: Children, console: Console) -> None:
    """Keeps everything up until Ctrl-C, for a look around."""
    console.print("Everything stays up for a look around. Ctrl-C stops it.")
    try:
        while True:
            children.check()
            time.sleep(0.5)
    except KeyboardInterrupt:
        console.print("stopping")


def demo(console: Console) -> bool:
    """Runs everything; returns whether all happened that had to."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MODELWATCH_TOKEN")
    }
    environment[TOKEN] = secrets.token_urlsafe(32)
    with ExitStack() as stack:
        work = stack.enter_context(Workplace())
        ports = {name: free_port(port) for name, port in PORTS.items()}
        pager = stack.enter_context(Pager(ports["pager"], console))
        children = stack.enter_context(Children(work.folder, environment))
        start(children, work, ports, console)
        page = f"http://{HOST}:{ports['modelwatch']}/"
        console.print(f"Watch it live: [bold link={page}]{page}[/]", highlight=False)
        if not HEADLESS and (sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)):
            webbrowser.open(page)
        try:
            address = f"http://{HOST}:{ports['app']}"
            replay.run(events(work.cache), address, replay.Plan(), console, children.check)
        except ReplayError:
            children.check()  # says more, when a child's end is why
            raise
        happened = conclude(children, ports, pager, console)
        if not happened:
            console.print(f"What Modelwatch and the app printed is in {work.folder}/*.log", highlight=False)
        if not HEADLESS:
            stay(children, console)
    return happened


def main() -> int:
    """Runs the demo; returns the exit code."""
    console = Console()
    for name in STOPPING:
        signal.signal(name, _interrupt)
    try:
        return 0 if demo(console) else 1
    except KeyboardInterrupt:
        console.print("stopped")
        return INTERRUPTED
    except (DemoError, ReplayError, httpx.HTTPError, OSError) as error:
        console.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
