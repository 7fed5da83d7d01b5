"""The service as a process of its own, as users run it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner

from modelwatch.cli import app

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of `modelwatch` to its end."""
    command = [sys.executable, "-m", "modelwatch", *arguments]
    settings = {**os.environ, "COLUMNS": "200", **environment}
    return subprocess.run(
        command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def command(*arguments: str | Path, code: int = 0) -> str:
    """Run a command in this process, which must end with `code` and without an exception; what it printed."""
    result = CliRunner().invoke(app, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


@dataclass
class ServiceProcess:
    """`modelwatch serve` over a folder; may be killed and started again on the same port."""

    monitor: Path
    data: Path
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it wrote on its standard error, over all starts."""
        return self.data.parent / "service.log"

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "modelwatch", "serve", "--monitor", str(self.monitor)]
        command += ["--data", str(self.data), "--port", str(self.port), *self.arguments]
        with self.log.open("ab") as log:
            environment = {**os.environ, **self.environment}
            self.process = subprocess.Popen(command, cwd=ROOT, stderr=log, env=environment)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        for _ in range(int(PATIENCE * 20)):
            try:
                if httpx.get(f"{self.url}/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                assert self.process is not None
                assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text(encoding="utf-8"))

    def kill(self) -> None:
        """End it as the power does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it as a person does; returns its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask its database."""
        connection = sqlite3.connect(f"file:{self.data / 'modelwatch.db'}?mode=ro", uri=True)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def settled(self, until: float) -> None:
        """Wait until every window that ends by a moment (seconds) has been judged."""
        for _ in range(int(PATIENCE * 20)):
            (moment,) = self.rows("SELECT coalesce(max(judged_until), 0) FROM progress")[0]
            if moment >= until * 1e6:
                return
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text(encoding="utf-8"))


def send(url: str, key: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    """Send a batch as a client does that does not give up."""
    body = "\n".join(map(json.dumps, events)).encode()
    headers = {"Idempotency-Key": key, "Content-Type": "application/x-ndjson"}
    for _ in range(int(PATIENCE * 20)):
        try:
            answer = httpx.post(f"{url}/v1/events", content=body, headers=headers, timeout=PATIENCE)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if answer.status_code in (429, 503):
            time.sleep(0.05)
            continue
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
    raise TimeoutError(url)
