"""Rows that the collector takes in per CPU second: received, validated, summarised, joined, durable.

The peers only summarise a table that is in memory already: nothing is received, checked, joined or stored.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import peers
from benchmarks.traffic import ARROW, FEATURES, JSON, SCHEMA, array, batch, machine, running, stream
from collector.fit import ShapeFitter
from collector.summarize import summarize
from collector.validation.arrow import arrow_batch

ARROW_ROWS, JSON_ROWS = 100_000, 5_000
REPEATS = 5


def summarising() -> float:
    """Rows per CPU second of the summarise step alone, from validated columns."""
    body = stream(batch(ARROW_ROWS, 0))
    (rows,) = arrow_batch(body, {SCHEMA.model: SCHEMA}, "prediction", None, None).predictions[SCHEMA.model]
    fitter = ShapeFitter(SCHEMA)
    fitter.add(rows)
    shape = fitter.shape()
    summarize(rows, SCHEMA, shape)
    begin = time.process_time()
    for _ in range(REPEATS):
        summarize(rows, SCHEMA, shape)
    return REPEATS * ARROW_ROWS / (time.process_time() - begin)


def whole_path(
    batches: int, rows: int, kind: str, encode: Callable[[Any], bytes], log: Any
) -> dict[str, float]:
    """Rows per CPU second of a `modelwatch serve` process that batches are posted to, and its memory.

    Another process leads: it judges the windows, and writes the prediction log's files.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        running("evaluate", Path(folder), log=log) as leader,
        running("serve", Path(folder), log=log) as served,
    ):
        served.post(encode(batch(rows, batches, batches + 1)), kind)
        bodies = [encode(batch(rows, number, batches + 1)) for number in range(batches)]
        cpu, wall, leading = served.cpu(), time.perf_counter(), leader.cpu()
        accepted = sum(served.post(body, kind) for body in bodies)
        cpu, wall = served.cpu() - cpu, time.perf_counter() - wall
        if accepted != batches * rows:
            raise RuntimeError(f"{accepted} of {batches * rows} rows were accepted")
        mebibytes = sum(map(len, bodies)) / 2**20
        return {
            "rows_per_cpu_second": accepted / cpu,
            "rows_per_second": accepted / wall,
            "bytes_per_row": mebibytes * 2**20 / accepted,
            "peak_mib": served.peak(),
            "leader_cpu_seconds_per_million": (leader.cpu() - leading) * 1e6 / accepted,
        }


def peer(name: str) -> dict[str, Any]:
    """Rows per CPU second of a peer that summarises the same columns."""
    with tempfile.TemporaryDirectory() as folder:
        parquet = Path(folder) / "rows.parquet"
        record = batch(ARROW_ROWS, 0)
        plain = {name: record.column(name) for name in FEATURES}
        plain |= {n: c.dictionary_decode() for n, c in plain.items() if pa.types.is_dictionary(c.type)}
        pq.write_table(pa.table(plain), parquet)
        found = peers.run(name, parquet)
    if "seconds" in found:
        found["rows_per_cpu_second"] = ARROW_ROWS / found.pop("seconds")
    return found


def main(arguments: list[str] | None = None) -> None:
    """Print the table, and with --json one object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=20, help="of Arrow rows, 100,000 each")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    figures: dict[str, Any] = {"machine": machine(), "pyarrow": version("pyarrow"), "numpy": version("numpy")}
    print(f"{len(FEATURES)} features (20 numeric, 5 categorical), label join on; rows per CPU second")
    figures["summarise_alone"] = summarising()
    print(f"  {'summarise alone, from Arrow columns':44} {figures['summarise_alone']:12,.0f}")
    small = given.batches * 2
    ways = {
        "http_arrow": ("HTTP, Arrow, no prediction log", given.batches, ARROW_ROWS, ARROW, stream, "none"),
        "http_arrow_log": (
            "HTTP, Arrow, with the prediction log",
            given.batches,
            ARROW_ROWS,
            ARROW,
            stream,
            {},
        ),
        "http_json": ("HTTP, JSON arrays of 5,000", small, JSON_ROWS, JSON, array, "none"),
    }
    for name, (title, batches, rows, kind, encode, log) in ways.items():
        found = whole_path(batches, rows, kind, encode, log)
        figures[name] = found
        told = f"{found['rows_per_cpu_second']:12,.0f}   ({found['rows_per_second']:,.0f} a second"
        told += f", {found['bytes_per_row']:.0f} B a row, peak {found['peak_mib']:.0f} MiB; "
        print(f"  {title:44} {told}the leader {found['leader_cpu_seconds_per_million']:.2f} s a million)")
    print("peers, which only summarise columns in memory")
    ours = figures["http_arrow"]["rows_per_cpu_second"]
    for name in peers.PEERS:
        other = peer(name)
        figures[name] = other
        if "error" in other:
            print(f"  {name:44} {other['error']}")
            continue
        rate = other["rows_per_cpu_second"]
        other |= {"ratio_whole_path": ours / rate, "ratio_summarise": figures["summarise_alone"] / rate}
        told = f"whole path {other['ratio_whole_path']:.1f} x, summarise {other['ratio_summarise']:.1f} x"
        print(f"  {name + ' ' + other['version']:44} {rate:12,.0f}   ({told})")
    if given.json:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
