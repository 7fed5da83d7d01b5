"""Drift of a table by peers: runs in their own environments, so it imports nothing of ours.

`python drift_peers.py PEER FOLDER` reads `reference.parquet` and `current.parquet`, and prints JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

MEGABYTE = 1 << 20
FEW = 5000  # rows to warm up on


def tables(folder: Path) -> tuple[Any, Any]:
    """The reference and the current table."""
    reference, current = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "current"))
    return reference, current


def _status(field: str) -> float:
    """A field of this process's status, in MiB (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return float("nan")


@contextmanager
def memory(*frames: Any) -> Iterator[dict[str, float]]:
    """Measure the largest resident memory while it runs, in MiB: as a whole, and beyond what was there."""
    used: dict[str, float] = {}
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    before = _status("VmRSS")
    yield used
    peak = _status("VmHWM")
    size = sum(float(frame.memory_usage(deep=True).sum()) for frame in frames) / MEGABYTE
    used |= {
        "peak_mib": peak,
        "tables_mib": size,
        "beyond_tables_mib": peak - size,
        "added_mib": peak - before,
    }


def evidently(reference: Any, current: Any) -> None:
    """The drift preset at its defaults."""
    from evidently import Dataset, Report  # noqa: PLC0415 - in its environment only
    from evidently.presets import DataDriftPreset  # noqa: PLC0415 - the same

    Report([DataDriftPreset()]).run(Dataset.from_pandas(current), Dataset.from_pandas(reference)).dict()


def nannyml(reference: Any, current: Any) -> None:
    """The univariate drift calculator at its defaults."""
    from nannyml import UnivariateDriftCalculator  # type: ignore[import-not-found]  # noqa: PLC0415 - the same

    calculator = UnivariateDriftCalculator(list(reference.columns))
    calculator.fit(reference)
    calculator.calculate(current).to_df()


PEERS = {"evidently": evidently, "nannyml": nannyml}


def main(name: str, folder: Path) -> None:
    """Print CPU seconds, memory and version as JSON."""
    os.environ |= {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
    warnings.simplefilter("ignore")
    reference, current = tables(folder)
    PEERS[name](reference[:FEW], current[:FEW])  # imports, and what is made once
    with memory(reference, current) as used:
        begin = time.process_time()
        PEERS[name](reference, current)
        seconds = time.process_time() - begin
    print(json.dumps({"seconds": seconds, "version": version(name)} | used))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
