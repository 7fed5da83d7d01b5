"""The processes of the demo: started in groups of their own, watched, and stopped together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx

HOST = "127.0.0.1"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 20.0
OK = 200
TAIL = 2000


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why."""


@dataclass
class Child:
    """A process, and where its output goes."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Makes sure that it runs.

        Raises:
            DemoError: it does not; with the end of its output.
        """
        code = self.process.poll()
        if code is not None:
            last = self.log.read_text(errors="replace")[-TAIL:].strip() or "(it printed nothing)"
            how = f"stopped with exit code {code}" if code >= 0 else f"was killed by signal {-code}"
            raise DemoError(f"{self.name} {how}; the end of {self.log}:\n{last}")

    def stop(self, deadline: float) -> None:
        """Asks it to stop, and insists when it has not by the deadline."""
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()

    def _signal(self, what: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.killpg(self.process.pid, what)  # it leads its group: its own children get it too


class Children:
    """All processes that were started; leaving the context stops them, the last one first."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._environment = folder, dict(environment)
        self._children: list[Child] = []

    def start(self, name: str, module: str, *arguments: str) -> Child:
        """Runs a Python module. A terminal's Ctrl-C does not reach it: this process stops it in order."""
        log = self._folder / f"{name.replace(' ', '-')}.log"
        command = [sys.executable, "-m", module, *arguments]
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Makes sure that all of them run.

        Raises:
            DemoError: one does not.
        """
        for child in self._children:
            child.check()

    def finished(self, child: Child, tell: Callable[[str], None]) -> None:
        """Waits until a child has ended, and tells the last line that it printed meanwhile.

        Raises:
            DemoError: it failed.
        """
        while child.process.poll() is None:
            lines = child.log.read_text(errors="replace").splitlines()
            if lines:
                tell(lines[-1])
            time.sleep(0.1)
        if child.process.returncode:
            child.check()
        self._children.remove(child)

    def ready(self, child: Child, url: str, seconds: float = 60.0) -> None:
        """Waits until a child answers at a URL.

        Raises:
            DemoError: it ends, or does not answer in time.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            child.check()
            with suppress(httpx.TransportError):  # it does not listen yet
                if httpx.get(url, timeout=2.0, trust_env=False).status_code == OK:
                    return
            time.sleep(0.1)
        raise DemoError(f"{child.name} does not answer at {url} after {seconds:.0f} s; see {child.log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in STOPPING:  # a second Ctrl-C must not leave orphans behind; the deadline is soon enough
            signal.signal(name, signal.SIG_IGN)
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(self._children):
            child.stop(deadline)


def free_port(preferred: int) -> int:
    """The preferred port, or any free one if something listens there already."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise DemoError(f"no port is free on {HOST}")
