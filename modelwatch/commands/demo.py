"""`modelwatch demo`."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from modelwatch.commands.terminal import fail

ROOT = Path(__file__).resolve().parents[2]


def demo() -> None:
    """Run the whole job on real flights: see examples/flights. Needs a source checkout."""
    if not (ROOT / "examples" / "flights" / "__main__.py").exists():
        fail("the demo is part of the source checkout: clone the repository and run `make demo`")
    if importlib.util.find_spec("onnxruntime") is None:
        fail("the demo needs the extra packages: pip install 'modelwatch[demo]'")
    os.chdir(ROOT)
    # replaces this process, so that a signal reaches what knows how to stop everything
    os.execve(sys.executable, [sys.executable, "-m", "examples.flights"], {**os.environ, "DO_NOT_TRACK": "1"})  # noqa: S606
