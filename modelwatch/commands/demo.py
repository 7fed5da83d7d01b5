"""`modelwatch demo`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import typer

from modelwatch.commands.terminal import fail

ROOT = Path(__file__).resolve().parents[2]


def demo() -> None:
    """Run the whole job on real flights: see examples/flights. Needs a source checkout."""
    if not (ROOT / "examples" / "flights" / "__main__.py").exists():
        fail("the demo is part of the source checkout: clone the repository and run `make demo`")
    if importlib.util.find_spec("onnxruntime") is None:
        fail("the demo needs the extra packages: pip install 'modelwatch[demo]'")
    environment = {**os.environ, "DO_NOT_TRACK": "1"}
    process = subprocess.Popen([sys.executable, "-m", "examples.flights"], cwd=ROOT, env=environment)
    while True:
        try:
            raise typer.Exit(process.wait())
        except KeyboardInterrupt:
            continue  # the demo got the same signal, and stops what it started
