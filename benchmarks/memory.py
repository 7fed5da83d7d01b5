"""Memory of the collector, and what it stores, as rows of the same models and windows keep coming."""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.traffic import ARROW, batch, machine, running, stream

ROWS, BATCHES = 100_000, 20
MILLION = 1_000_000
SIZES = {
    "profiles": "SELECT sum(length(profile)) FROM profiles",
    "label_join": "SELECT sum(length(ids) + length(columns)) FROM chunks",
}


def body(record: Any, number: int) -> bytes:
    """The same predictions with ids of their own."""
    names = pa.array([f"{number:06d}-{row:010d}" for row in range(record.num_rows)])
    return stream(record.set_column(record.schema.get_field_index("id"), "id", names))


def stored(data: Path) -> dict[str, int]:
    """The bytes of what is in the database."""
    connection = sqlite3.connect(f"file:{data / 'modelwatch.db'}?mode=ro", uri=True)
    try:
        return {name: int(connection.execute(query).fetchone()[0] or 0) for name, query in SIZES.items()}
    finally:
        connection.close()


def growing(millions: int) -> list[dict[str, float]]:
    """Peak memory and stored bytes after 2 million rows, and after every tenth of the rest."""
    found = []
    with tempfile.TemporaryDirectory() as folder, running("serve", Path(folder), log="none") as served:
        day = [batch(ROWS, number, BATCHES) for number in range(BATCHES)]
        rounds = millions * MILLION // (ROWS * BATCHES)
        for turn in range(rounds):
            for place, record in enumerate(day):
                number = turn * BATCHES + place
                if served.post(body(record, number), ARROW) != ROWS:
                    raise RuntimeError("not every row was accepted")
            rows = (turn + 1) * BATCHES * ROWS
            sizes = {f"{name}_bytes": size for name, size in stored(Path(folder) / "data").items()}
            found.append({"rows": rows, "peak_mib": served.peak(), **sizes})
    return found


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    print("rows of 25 features over the same 24 windows, label join on, over HTTP as Arrow")
    found = growing(given.millions)
    for step in found:
        per_million = step["label_join_bytes"] / step["rows"]
        print(
            f"  {step['rows']:12,.0f} rows: peak {step['peak_mib']:6.1f} MiB, profiles "
            f"{step['profiles_bytes'] / 2**20:5.2f} MiB, label join {per_million:.1f} bytes a row"
        )
    ratio = found[-1]["peak_mib"] / found[0]["peak_mib"]
    print(f"  peak after the last beside that after the first: {ratio:.3f}")
    if given.json:
        print(json.dumps({"machine": machine(), "steps": found, "ratio": ratio}))


if __name__ == "__main__":
    main()
