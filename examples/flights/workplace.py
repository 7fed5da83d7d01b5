"""The demo's folder: what it holds, and that only one demo at a time uses it."""

from __future__ import annotations

import fcntl
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from examples.flights.children import HOST, DemoError

FOLDER = Path(".modelwatch/demo")
CONFIGURATION = Path(__file__).with_name("monitor.yaml")
PORTS = {"modelwatch": 8700, "app": 8710, "pager": 8720}
Ports = dict[str, int]


class Workplace:
    """The folder, empty at the start except for the cache with the data and the models.

    Attributes:
        folder: all of it.
        cache: what is kept from run to run.
        models: the models of this run, and the reference.
        data: Modelwatch's own folder.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self.cache, self.models, self.data = folder / "cache", folder / "models", folder / "data"
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Takes the folder.

        Raises:
            DemoError: another demo uses it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = self._open.enter_context(self.folder.with_suffix(".lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._open.close()
            raise DemoError(f"another demo runs in {self.folder}; stop it first") from None
        for path in self.folder.iterdir():
            if path != self.cache:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def configure(self, ports: Ports) -> Path:
        """Writes the monitor file with the ports of this run and its reference; returns its path."""
        content = yaml.safe_load(CONFIGURATION.read_text())
        content["reference"]["path"] = str((self.models / "reference.parquet").resolve())
        path = self.folder / "monitor.yaml"
        path.write_text(yaml.safe_dump(_fitted(content, ports), sort_keys=False))
        return path


def _fitted(value: Any, ports: Ports) -> Any:
    if isinstance(value, dict):
        return {key: _fitted(item, ports) for key, item in value.items()}
    if isinstance(value, list):
        return [_fitted(item, ports) for item in value]
    if isinstance(value, str):
        for name, port in PORTS.items():
            value = value.replace(f"//{HOST}:{port}/", f"//{HOST}:{ports[name]}/")
    return value
