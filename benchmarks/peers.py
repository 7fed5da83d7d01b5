"""Peers that clash with our dependencies run in an environment of their own, made once and kept."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

CACHE = Path.home() / ".cache" / "modelwatch-benchmarks"

# Each is given a Parquet file, and prints CPU seconds, rows and the version as JSON.
WHYLOGS = """
import json, sys, time, pandas as pd, whylogs
frame = pd.read_parquet(sys.argv[1])
begin = time.process_time()
whylogs.log(frame).profile()
print(json.dumps({"seconds": time.process_time() - begin, "version": whylogs.__version__}))
"""
KLL = """
import json, sys, time, pandas as pd
from importlib.metadata import version
from datasketches import frequent_strings_sketch, kll_doubles_sketch
frame = pd.read_parquet(sys.argv[1])
begin = time.process_time()
for name, column in frame.items():
    if column.dtype.kind == "f":
        kll_doubles_sketch(200).update(column.to_numpy())
    else:
        sketch = frequent_strings_sketch(10)
        for value, count in column.value_counts().items():
            sketch.update(value, int(count))
print(json.dumps({"seconds": time.process_time() - begin, "version": version("datasketches")}))
"""
EVIDENTLY = """
import json, os, sys, time, warnings, pandas as pd
os.environ["DO_NOT_TRACK"] = "1"
warnings.simplefilter("ignore")
from importlib.metadata import version
from evidently import Dataset, Report
from evidently.presets import DataSummaryPreset
frame = pd.read_parquet(sys.argv[1])
begin = time.process_time()
Report([DataSummaryPreset()]).run(Dataset.from_pandas(frame), None).dict()
print(json.dumps({"seconds": time.process_time() - begin, "version": version("evidently")}))
"""
PEERS = {  # the packages of its environment (None: ours), and the script
    "whylogs": (("whylogs==1.6.4", "pandas<2", "numpy<2", "pyarrow<15", "setuptools<81"), WHYLOGS),
    "datasketches-kll": (("datasketches==5.2.0", "pandas<3", "pyarrow"), KLL),
    "evidently": (None, EVIDENTLY),
}


def run(name: str, parquet: Path) -> dict[str, Any]:
    """Run a peer over the columns of a Parquet file.

    Returns:
        `seconds` of CPU and `version`; or `error`, where the peer cannot be had or fails.
    """
    packages, script = PEERS[name]
    try:
        python = sys.executable if packages is None else environment(name, packages)
        command = [str(python), "-c", script, str(parquet)]
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)  # noqa: S603 - ours
        result: dict[str, Any] = json.loads(found.stdout.strip().splitlines()[-1])
    except subprocess.CalledProcessError as error:
        return {"error": (error.stderr or str(error)).strip().splitlines()[-1][:200]}
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        return {"error": str(error)[:200]}
    return result


def environment(name: str, packages: tuple[str, ...]) -> Path:
    """The Python of an environment with these packages, made once."""
    folder = CACHE / f"{name}-{zlib.crc32(' '.join(packages).encode()):x}"
    python = folder / "bin" / "python"
    done = folder / ".ready"
    if not done.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "-p", "3.11", str(folder)], check=True)  # noqa: S603 - ours
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *packages], check=True)  # noqa: S603 - ours
        done.touch()
    return python
